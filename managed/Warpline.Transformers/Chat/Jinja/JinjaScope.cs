namespace Warpline.Transformers;

/// <summary>The variables of a block, in front of those of the blocks around it.</summary>
internal sealed class JinjaScope(JinjaScope? outer)
{
    private readonly Dictionary<string, JinjaValue> _variables = new(StringComparer.Ordinal);

    public void Set(string name, JinjaValue value) => _variables[name] = value;

    /// <summary>The variable's value; undefined if there is none.</summary>
    public JinjaValue Find(string name)
    {
        for (JinjaScope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out JinjaValue? value))
            {
                return value;
            }
        }

        return JinjaValue.Undefined;
    }

    private JinjaScope? Outer => outer;
}
