using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>The functions that a template finds: Jinja's own and those that transformers adds.</summary>
internal sealed partial class JinjaRenderer
{
    /// <summary>The scope around all others.</summary>
    public JinjaScope NewGlobals()
    {
        var scope = new JinjaScope(null);
        foreach (JinjaFunction function in new JinjaFunction[]
        {
            new("raise_exception", arguments => throw new JinjaFault(
                $"the template refuses: {JinjaPrinting.Print(arguments.Bind("raise_exception", 1, "message")[0]!, budget).Value}")),
            new("range", Range),
            new("namespace", Namespace),
            new("dict", arguments => Dictionary("dict", arguments)),
            new("strftime_now", arguments => JinjaText.OfTemplate(Format(
                time.GetLocalNow(), JinjaArguments.Text(arguments.Bind("strftime_now", 1, "format")[0]!, "strftime_now").Value))),
        })
        {
            scope.Set(function.Name, function);
        }

        return scope;
    }

    private JinjaList Range(JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("range", 1, "start", "stop", "step");
        long[] numbers = [.. given.Select(value => value is null ? 0 : JinjaArguments.Integer(value, "range"))];
        (long start, long stop) = given[1] is null ? (0, numbers[0]) : (numbers[0], numbers[1]);
        long step = given[2] is null ? 1 : numbers[2];
        if (step == 0)
        {
            throw new JinjaFault("range got the step 0");
        }

        long count = Math.Max(0, ((stop - start) + step - Math.Sign(step)) / step);
        budget.Items(count);
        return new JinjaList([.. Enumerable.Range(0, (int)count).Select(i => new JinjaInteger(start + (i * step)))]);
    }

    private static JinjaMap Dictionary(string name, JinjaArguments arguments)
    {
        var map = new JinjaMap();
        switch (arguments.Positional)
        {
            case []:
                break;
            case [JinjaMap other]:
                foreach ((JinjaValue key, JinjaValue value) in other.Items)
                {
                    map.Items[key] = value;
                }

                break;
            default:
                throw new JinjaFault($"{name} takes one mapping at most, and named arguments");
        }

        foreach ((string key, JinjaValue value) in arguments.Named)
        {
            map.Items[JinjaText.OfTemplate(key)] = value;
        }

        return map;
    }

    private static JinjaNamespace Namespace(JinjaArguments arguments)
    {
        var space = new JinjaNamespace();
        foreach ((JinjaValue key, JinjaValue value) in Dictionary("namespace", arguments).Items)
        {
            space.Attributes[JinjaArguments.Text(key, "namespace").Value] = value;
        }

        return space;
    }

    /// <summary>Formats a time by C's directives; one that is not known stays as it is written.</summary>
    private static string Format(DateTimeOffset now, string format)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            // A hyphen after the sign leaves out leading zeros.
            int directive = i + 1 < format.Length && format[i + 1] == '-' ? i + 2 : i + 1;
            string? part = format[i] == '%' && directive < format.Length ? Part(now, format[directive]) : null;
            text.Append(part is null ? format[i].ToString() : directive == i + 2 ? part.TrimStart('0') : part);
            i = part is null ? i : directive;
        }

        return text.ToString();
    }

    private static string? Part(DateTimeOffset now, char directive) => directive switch
    {
        'a' => now.ToString("ddd", CultureInfo.InvariantCulture),
        'A' => now.ToString("dddd", CultureInfo.InvariantCulture),
        'b' => now.ToString("MMM", CultureInfo.InvariantCulture),
        'B' => now.ToString("MMMM", CultureInfo.InvariantCulture),
        'd' => now.ToString("dd", CultureInfo.InvariantCulture),
        'F' => now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        'H' => now.ToString("HH", CultureInfo.InvariantCulture),
        'I' => now.ToString("hh", CultureInfo.InvariantCulture),
        'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'm' => now.ToString("MM", CultureInfo.InvariantCulture),
        'M' => now.ToString("mm", CultureInfo.InvariantCulture),
        'p' => now.ToString("tt", CultureInfo.InvariantCulture),
        'S' => now.ToString("ss", CultureInfo.InvariantCulture),
        'T' => now.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
        'y' => now.ToString("yy", CultureInfo.InvariantCulture),
        'Y' => now.ToString("yyyy", CultureInfo.InvariantCulture),
        '%' => "%",
        _ => null,
    };
}
