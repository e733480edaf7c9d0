using System.Collections.Frozen;
using System.Globalization;

namespace Warpline.Transformers;

/// <summary>A filter: what it makes of a value.</summary>
internal delegate JinjaValue JinjaFilterFunction(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments);

/// <summary>The filters by name, and those of texts and numbers; <see cref="JinjaSequenceFilters"/> has those of lists.</summary>
internal static class JinjaFilters
{
    private static readonly FrozenDictionary<string, JinjaFilterFunction> ByName =
        JinjaSequenceFilters.All.Concat(new Dictionary<string, JinjaFilterFunction>
        {
            ["abs"] = Abs,
            ["capitalize"] = Method("capitalize"),
            ["count"] = Length,
            ["d"] = Default,
            ["default"] = Default,
            ["e"] = Escape,
            ["escape"] = Escape,
            ["float"] = Float,
            ["indent"] = Indent,
            ["int"] = Int,
            ["length"] = Length,
            ["lower"] = Method("lower"),
            ["replace"] = Method("replace"),
            ["round"] = Round,
            ["safe"] = String,
            ["string"] = String,
            ["title"] = Title,
            ["tojson"] = JinjaJson.Filter,
            ["trim"] = Method("strip"),
            ["upper"] = Method("upper"),
        }).ToFrozenDictionary();

    public static JinjaFilterFunction? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>A filter that is a text's method. Python prints other values first, which puts "None" into prompts.</summary>
    private static JinjaFilterFunction Method(string name) => (renderer, value, arguments) => value is JinjaText
        ? JinjaMethods.Find(renderer, value, name)!.Call(arguments)
        : throw new JinjaFault($"the filter for strings got a value of type {value.TypeName}");

    private static JinjaText String(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("string", 0);
        return JinjaPrinting.Print(value, renderer.Budget);
    }

    private static JinjaValue Default(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("default", 0, "default_value", "boolean");
        bool absent = value == JinjaValue.Undefined || (given[1] is { IsTrue: true } && !value.IsTrue);
        return absent ? given[0] ?? JinjaText.Empty : value;
    }

    private static JinjaInteger Length(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("length", 0);
        return new JinjaInteger(value switch
        {
            JinjaText text => JinjaSlicing.Count(text, renderer.Budget),
            JinjaList list => list.Items.Count,
            JinjaMap map => map.Items.Count,
            _ when value == JinjaValue.Undefined => 0,
            _ => throw new JinjaFault($"a value of type {value.TypeName} has no length"),
        });
    }

    private static JinjaText Escape(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("escape", 0);
        JinjaText.Builder output = renderer.NewText();
        JinjaJson.Replace(JinjaPrinting.Print(value, renderer.Budget), output, character => character switch
        {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\'' => "&#39;",
            '"' => "&#34;",
            _ => null,
        });
        return output.ToText();
    }

    // A word begins after a blank, a hyphen or an opening bracket.
    private static JinjaText Title(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("title", 0);
        return renderer.Budget.Keep(JinjaPrinting.Print(value, renderer.Budget).Map(text => string.Create(text.Length, text, (output, input) =>
        {
            bool begins = true;
            for (int i = 0; i < input.Length; i++)
            {
                output[i] = begins ? char.ToUpperInvariant(input[i]) : char.ToLowerInvariant(input[i]);
                begins = input[i] is '-' or '(' or '{' or '[' or '<' || JinjaCharacters.IsSpace(input[i]);
            }
        })));
    }

    private static JinjaText Indent(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("indent", 0, "width", "first", "blank");
        JinjaText text = JinjaPrinting.Print(value, renderer.Budget);
        JinjaText indent = given[0] as JinjaText
            ?? (JinjaText)JinjaArithmetic.Apply("*", JinjaText.OfTemplate(" "), given[0] ?? new JinjaInteger(4), renderer.Budget);
        JinjaText.Builder output = renderer.NewText();
        bool blank = given[2] is { IsTrue: true };
        for (int start = 0, line = 0; start <= text.Length; line++)
        {
            int end = text.Value.IndexOf('\n', start);
            end = end < 0 ? text.Length : end;
            if (line == 0 ? given[1] is { IsTrue: true } : blank || end > start)
            {
                output.Append(indent);
            }

            output.Append(text.Slice(start, Math.Min(end + 1, text.Length) - start));
            start = end + 1;
        }

        return output.ToText();
    }

    private static JinjaValue Abs(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("abs", 0);
        return JinjaEquality.Number(value) < 0 ? JinjaArithmetic.Sign(negates: true, value) : JinjaArithmetic.Sign(negates: false, value);
    }

    private static JinjaValue Round(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("round", 0, "precision", "method");
        double number = JinjaEquality.Number(value)
            ?? throw new JinjaFault($"round got a value of type {value.TypeName}; a number is required");
        int precision = given[0] is JinjaValue digits ? JinjaArguments.Integer(digits, "round") : 0;
        if (precision is < 0 or > 15)
        {
            throw new JinjaFault($"round got the precision {precision}; 0 to 15 is required");
        }

        double scale = Math.Pow(10, precision);
        return (given[1] as JinjaText)?.Value switch
        {
            null or "common" => value is JinjaFloat ? new JinjaFloat(Round(number, precision)) : value,
            "ceil" => new JinjaFloat(Math.Ceiling(number * scale) / scale),
            "floor" => new JinjaFloat(Math.Floor(number * scale) / scale),
            string method => throw new JinjaFault($"round got the method \"{method}\"; common, ceil or floor is required"),
        };
    }

    /// <summary>Rounds the number that is stored, as 42.54999... for 42.55; halves go to the even digit.</summary>
    private static double Round(double number, int precision) => Math.Abs(number) < 1e7
        ? (double)Math.Round(decimal.Parse(number.ToString("F20", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), precision)
        : Math.Round(number, precision);

    private static JinjaValue Int(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("int", 0, "default");
        if (JinjaEquality.Integer(value) is long whole)
        {
            return new JinjaInteger(whole);
        }

        string? text = (value as JinjaText)?.Value;
        renderer.Budget.Scan(text?.Length ?? 0);
        if (long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out whole))
        {
            return new JinjaInteger(whole);
        }

        double? number = text is null ? JinjaEquality.Number(value) : ParseNumber(text);
        return number is > long.MinValue and < long.MaxValue ? new JinjaInteger((long)number) : given[0] ?? new JinjaInteger(0);
    }

    private static JinjaValue Float(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("float", 0, "default");
        renderer.Budget.Scan((value as JinjaText)?.Length ?? 0);
        double? number = value is JinjaText text ? ParseNumber(text.Value) : JinjaEquality.Number(value);
        return number is double real ? new JinjaFloat(real) : given[0] ?? new JinjaFloat(0);
    }

    private static double? ParseNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
}
