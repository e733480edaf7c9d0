namespace Warpline.Transformers;

/// <summary>The variable <c>loop</c> of a for block.</summary>
internal sealed class JinjaLoop(IReadOnlyList<JinjaValue> items, JinjaBudget budget) : JinjaValue
{
    private JinjaArguments? _seen;

    public override string TypeName => "loop";

    public override bool IsTrue => true;

    /// <summary>Which item the body is run for.</summary>
    public int Index { get; set; }

    public JinjaValue Attribute(string name) => name switch
    {
        "index" => new JinjaInteger(Index + 1),
        "index0" => new JinjaInteger(Index),
        "revindex" => new JinjaInteger(items.Count - Index),
        "revindex0" => new JinjaInteger(items.Count - Index - 1),
        "first" => JinjaBoolean.Of(Index == 0),
        "last" => JinjaBoolean.Of(Index == items.Count - 1),
        "length" => new JinjaInteger(items.Count),
        // Recursion alone counts, and there is none.
        "depth" => new JinjaInteger(1),
        "depth0" => new JinjaInteger(0),
        "previtem" => Index > 0 ? items[Index - 1] : Undefined,
        "nextitem" => Index < items.Count - 1 ? items[Index + 1] : Undefined,
        "cycle" => new JinjaFunction("loop.cycle", arguments => arguments.Positional.Length > 0
            ? arguments.Positional[Index % arguments.Positional.Length]
            : throw new JinjaFault("loop.cycle needs an argument")),
        "changed" => new JinjaFunction("loop.changed", Changed),
        _ => Undefined,
    };

    private JinjaBoolean Changed(JinjaArguments arguments)
    {
        JinjaArguments? before = _seen;
        _seen = arguments;
        return JinjaBoolean.Of(before is null
            || !JinjaEquality.Equal(new JinjaList(before.Positional), new JinjaList(arguments.Positional), budget));
    }
}
