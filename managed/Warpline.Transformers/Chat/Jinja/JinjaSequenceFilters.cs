using System.Globalization;

namespace Warpline.Transformers;

/// <summary>The filters of lists and mappings.</summary>
internal static class JinjaSequenceFilters
{
    public static readonly Dictionary<string, JinjaFilterFunction> All = new()
    {
        ["dictsort"] = DictSort,
        ["first"] = (renderer, value, arguments) => End("first", renderer, value, arguments, last: false),
        ["items"] = Items,
        ["join"] = Join,
        ["last"] = (renderer, value, arguments) => End("last", renderer, value, arguments, last: true),
        ["list"] = List,
        ["map"] = Map,
        ["max"] = (renderer, value, arguments) => Extreme("max", renderer, value, arguments, sign: 1),
        ["min"] = (renderer, value, arguments) => Extreme("min", renderer, value, arguments, sign: -1),
        ["reject"] = (renderer, value, arguments) => Select(renderer, value, arguments, keeps: false),
        ["rejectattr"] = (renderer, value, arguments) => SelectAttribute("rejectattr", renderer, value, arguments, keeps: false),
        ["reverse"] = Reverse,
        ["select"] = (renderer, value, arguments) => Select(renderer, value, arguments, keeps: true),
        ["selectattr"] = (renderer, value, arguments) => SelectAttribute("selectattr", renderer, value, arguments, keeps: true),
        ["sort"] = Sort,
        ["sum"] = Sum,
        ["unique"] = Unique,
    };

    private static JinjaList List(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("list", 0);
        return new JinjaList(renderer.Iterate(value));
    }

    private static JinjaValue End(string name, JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments, bool last)
    {
        arguments.Bind(name, 0);
        IReadOnlyList<JinjaValue> items = renderer.Iterate(value);
        return items.Count == 0 ? JinjaValue.Undefined : items[last ? ^1 : 0];
    }

    private static JinjaList Items(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("items", 0);
        return value switch
        {
            JinjaMap map => JinjaMethods.Items(renderer, map),
            _ when value == JinjaValue.Undefined => new JinjaList([]),
            _ => throw new JinjaFault($"items got a value of type {value.TypeName}; a mapping is required"),
        };
    }

    private static JinjaText Join(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("join", 0, "d", "attribute");
        IEnumerable<JinjaValue> items = renderer.Iterate(value).Select(AttributeOf(renderer, given[1]));
        return JinjaMethods.Join(renderer, JinjaPrinting.Print(given[0] ?? JinjaText.Empty, renderer.Budget), items);
    }

    private static JinjaValue Reverse(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        arguments.Bind("reverse", 0);
        return JinjaSlicing.Slice(value is JinjaText ? value : new JinjaList(renderer.Iterate(value)), null, null, -1, renderer.Budget);
    }

    private static JinjaValue Sum(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("sum", 0, "attribute", "start");
        return renderer.Iterate(value).Select(AttributeOf(renderer, given[0])).Aggregate(
            given[1] ?? new JinjaInteger(0), (sum, item) => JinjaArithmetic.Apply("+", sum, item, renderer.Budget));
    }

    private static JinjaList Map(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        IReadOnlyList<JinjaValue> items = renderer.Iterate(value);
        if (arguments.Positional is [JinjaValue name, .. var rest])
        {
            string filter = JinjaArguments.Text(name, "map").Value;
            JinjaArguments passed = arguments with { Positional = rest };
            return new JinjaList([.. items.Select(item => renderer.ApplyFilter(filter, item, passed))]);
        }

        JinjaValue?[] given = arguments.Bind("map", 1, "attribute", "default");
        Func<JinjaValue, JinjaValue> attribute = AttributeOf(renderer, given[0]);
        return new JinjaList([.. items.Select(attribute).Select(item => item == JinjaValue.Undefined ? given[1] ?? item : item)]);
    }

    private static JinjaList Select(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments, bool keeps) =>
        new([.. renderer.Iterate(value).Where(item => Holds(renderer, item, arguments.Positional, arguments) == keeps)]);

    private static JinjaList SelectAttribute(string callee, JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments, bool keeps)
    {
        if (arguments.Positional is not [JinjaValue name, .. var rest])
        {
            throw new JinjaFault($"{callee} needs the name of an attribute");
        }

        Func<JinjaValue, JinjaValue> attribute = AttributeOf(renderer, name);
        return new JinjaList([.. renderer.Iterate(value).Where(item => Holds(renderer, attribute(item), rest, arguments) == keeps)]);
    }

    /// <summary>Whether an item passes a test, given as its name and arguments; without one, whether it is true.</summary>
    private static bool Holds(JinjaRenderer renderer, JinjaValue item, JinjaValue[] test, JinjaArguments arguments)
    {
        renderer.Budget.Steps(1 + test.Length);
        return test.Length == 0
            ? item.IsTrue
            : renderer.ApplyTest(JinjaArguments.Text(test[0], "select").Value, item, arguments with { Positional = test[1..] });
    }

    private static JinjaList Sort(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("sort", 0, "reverse", "case_sensitive", "attribute");
        Func<JinjaValue, JinjaValue> key = KeyOf(renderer, given[1], AttributeOf(renderer, given[2]));
        return Ordered(renderer, renderer.Iterate(value), key, given[0]);
    }

    private static JinjaList DictSort(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("dictsort", 0, "case_sensitive", "by", "reverse");
        JinjaMap map = value as JinjaMap ?? throw new JinjaFault($"dictsort got a value of type {value.TypeName}; a mapping is required");
        int part = (given[1] as JinjaText)?.Value switch
        {
            null or "key" => 0,
            "value" => 1,
            string by => throw new JinjaFault($"dictsort got by=\"{by}\"; key or value is required"),
        };
        return Ordered(renderer, JinjaMethods.Items(renderer, map).Items, KeyOf(renderer, given[0], item => ((JinjaList)item).Items[part]), given[2]);
    }

    private static JinjaList Ordered(
        JinjaRenderer renderer, IReadOnlyList<JinjaValue> items, Func<JinjaValue, JinjaValue> key, JinjaValue? reverses)
    {
        Comparer<JinjaValue> order = Comparer<JinjaValue>.Create((left, right) => JinjaEquality.Compare(left, right, renderer.Budget));
        try
        {
            return new JinjaList(reverses is { IsTrue: true } ? [.. items.OrderByDescending(key, order)] : [.. items.OrderBy(key, order)]);
        }
        catch (InvalidOperationException exception) when (exception.InnerException is JinjaFault)
        {
            throw exception.InnerException;
        }
    }

    private static JinjaList Unique(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("unique", 0, "case_sensitive", "attribute");
        Func<JinjaValue, JinjaValue> key = KeyOf(renderer, given[0], AttributeOf(renderer, given[1]));
        List<JinjaValue> keys = [], kept = [];
        foreach (JinjaValue item in renderer.Iterate(value))
        {
            JinjaValue own = key(item);
            if (!keys.Exists(other => JinjaEquality.Equal(own, other, renderer.Budget)))
            {
                keys.Add(own);
                kept.Add(item);
            }
        }

        return new JinjaList(kept);
    }

    private static JinjaValue Extreme(string name, JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments, int sign)
    {
        JinjaValue?[] given = arguments.Bind(name, 0, "case_sensitive", "attribute");
        Func<JinjaValue, JinjaValue> key = KeyOf(renderer, given[0], AttributeOf(renderer, given[1]));
        IReadOnlyList<JinjaValue> items = renderer.Iterate(value);
        return items.Count == 0 ? JinjaValue.Undefined : items.Aggregate((best, item) =>
            Math.Sign(JinjaEquality.Compare(key(item), key(best), renderer.Budget)) == sign ? item : best);
    }

    /// <summary>What items are compared by: texts without regard to case unless told otherwise.</summary>
    private static Func<JinjaValue, JinjaValue> KeyOf(JinjaRenderer renderer, JinjaValue? caseSensitive, Func<JinjaValue, JinjaValue> key) => item =>
        key(item) is JinjaText text && caseSensitive is not { IsTrue: true }
            ? renderer.Budget.Keep(text.Map(value => value.ToLowerInvariant()))
            : key(item);

    /// <summary>Takes from an item what a path such as <c>function.name</c> or <c>0</c> leads to; no path leads to itself.</summary>
    private static Func<JinjaValue, JinjaValue> AttributeOf(JinjaRenderer renderer, JinjaValue? path)
    {
        if (path is null)
        {
            return item => item;
        }

        JinjaValue[] steps = path is JinjaText text
            ? [.. text.Value.Split('.').Select(step => long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out long index)
                ? new JinjaInteger(index)
                : (JinjaValue)JinjaText.OfTemplate(step))]
            : [path];
        return item => steps.Aggregate(item, renderer.Subscript);
    }
}
