namespace Warpline.Transformers;

/// <summary>A value while a template is rendered: a <see cref="JinjaText"/> or one of the types here.</summary>
internal abstract class JinjaValue
{
    public static readonly JinjaValue None = new Constant("none");
    public static readonly JinjaValue Undefined = new Constant("undefined");

    /// <summary>What messages call the type.</summary>
    public abstract string TypeName { get; }

    /// <summary>Whether a condition holds that consists of this value.</summary>
    public abstract bool IsTrue { get; }

    private sealed class Constant(string name) : JinjaValue
    {
        public override string TypeName => name;

        public override bool IsTrue => false;
    }
}

internal sealed class JinjaBoolean : JinjaValue
{
    public static readonly JinjaBoolean True = new(true);
    public static readonly JinjaBoolean False = new(false);

    private JinjaBoolean(bool value) => IsTrue = value;

    public override string TypeName => "boolean";

    public override bool IsTrue { get; }

    public static JinjaBoolean Of(bool value) => value ? True : False;
}

internal sealed class JinjaInteger(long value) : JinjaValue
{
    public long Value => value;

    public override string TypeName => "integer";

    public override bool IsTrue => value != 0;
}

internal sealed class JinjaFloat(double value) : JinjaValue
{
    public double Value => value;

    public override string TypeName => "float";

    public override bool IsTrue => value != 0;
}

internal sealed class JinjaList(IReadOnlyList<JinjaValue> items, bool isTuple = false) : JinjaValue
{
    public IReadOnlyList<JinjaValue> Items => items;

    public bool IsTuple => isTuple;

    public override string TypeName => isTuple ? "tuple" : "list";

    public override bool IsTrue => items.Count > 0;
}

/// <summary>A mapping in the order of insertion.</summary>
internal sealed class JinjaMap : JinjaValue
{
    public OrderedDictionary<JinjaValue, JinjaValue> Items { get; } = new(JinjaEquality.OfKeys);

    public override string TypeName => "mapping";

    public override bool IsTrue => Items.Count > 0;

    /// <summary>The value of a key; undefined where there is none.</summary>
    public JinjaValue Get(JinjaValue key, JinjaBudget budget)
    {
        budget.Scan((key as JinjaText)?.Length ?? 0);
        return JinjaEquality.IsKey(key) ? Items.GetValueOrDefault(key, Undefined) : Undefined;
    }
}

/// <summary>What <c>namespace()</c> makes: the only value whose attributes can be set.</summary>
internal sealed class JinjaNamespace : JinjaValue
{
    public Dictionary<string, JinjaValue> Attributes { get; } = [];

    public override string TypeName => "namespace";

    public override bool IsTrue => true;
}

/// <summary>A macro, a global function or a method that is bound to its value.</summary>
internal sealed class JinjaFunction(string name, Func<JinjaArguments, JinjaValue> call) : JinjaValue
{
    public string Name => name;

    public override string TypeName => "function";

    public override bool IsTrue => true;

    public JinjaValue Call(JinjaArguments arguments) => call(arguments);
}
