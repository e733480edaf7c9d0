namespace Warpline.Transformers;

/// <summary>The methods of texts, lists and mappings that Python has and that change nothing.</summary>
internal static class JinjaMethods
{
    /// <summary>The method of a value; null if it has none of that name.</summary>
    public static JinjaFunction? Find(JinjaRenderer renderer, JinjaValue value, string name)
    {
        Func<JinjaArguments, JinjaValue>? call = value switch
        {
            JinjaText text => JinjaTextMethods.Find(renderer, text, name),
            JinjaMap map => Find(renderer, map, name),
            JinjaList list => Find(renderer, list, name),
            _ => null,
        };
        return call is null ? null : new JinjaFunction(name, arguments =>
        {
            // Every method of a text may look at all of it, and search it for the argument.
            long pattern = arguments.Positional.Take(1).Concat(arguments.Named.Values).Sum(item => (item as JinjaText)?.Length ?? 0L);
            renderer.Budget.Scan((value as JinjaText)?.Length ?? 0, pattern);
            return call(arguments);
        });
    }

    public static JinjaList Items(JinjaRenderer renderer, JinjaMap map)
    {
        renderer.Budget.Items(map.Items.Count);
        return new JinjaList([.. map.Items.Select(item => new JinjaList([item.Key, item.Value], isTuple: true))]);
    }

    public static JinjaText Join(JinjaRenderer renderer, JinjaText separator, IEnumerable<JinjaValue> items)
    {
        JinjaText.Builder output = renderer.NewText();
        bool first = true;
        foreach (JinjaValue item in items)
        {
            output.Append(first ? JinjaText.Empty : separator).Append(JinjaPrinting.Print(item, renderer.Budget));
            first = false;
        }

        return output.ToText();
    }

    private static Func<JinjaArguments, JinjaValue>? Find(JinjaRenderer renderer, JinjaMap map, string name) => name switch
    {
        "get" => arguments => Get(renderer, map, arguments),
        "items" => arguments => Items(renderer, Unless(arguments, name, map)),
        "keys" => arguments => new JinjaList(renderer.Iterate(Unless(arguments, name, map))),
        "values" => arguments => new JinjaList([.. Items(renderer, Unless(arguments, name, map)).Items.Select(item => ((JinjaList)item).Items[1])]),
        _ => null,
    };

    private static Func<JinjaArguments, JinjaValue>? Find(JinjaRenderer renderer, JinjaList list, string name) => name switch
    {
        "count" => arguments => new JinjaInteger(Places(renderer, list, arguments.Bind(name, 1, "value")[0]!).Count()),
        "index" => arguments => new JinjaInteger(Places(renderer, list, arguments.Bind(name, 1, "value")[0]!).FirstOrDefault(-1) is >= 0 and int place
            ? place
            : throw new JinjaFault("index: the value is not in the list")),
        _ => null,
    };

    private static JinjaValue Get(JinjaRenderer renderer, JinjaMap map, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("get", 1, "key", "default");
        JinjaValue found = map.Get(given[0]!, renderer.Budget);
        return found == JinjaValue.Undefined ? given[1] ?? JinjaValue.None : found;
    }

    private static IEnumerable<int> Places(JinjaRenderer renderer, JinjaList list, JinjaValue value) =>
        Enumerable.Range(0, list.Items.Count).Where(i => JinjaEquality.Equal(list.Items[i], value, renderer.Budget));

    /// <summary>The value, unless there are arguments.</summary>
    private static T Unless<T>(JinjaArguments arguments, string name, T value)
    {
        arguments.Bind(name, 0);
        return value;
    }
}
