namespace Warpline.Transformers;

/// <summary>The arguments of a call, evaluated.</summary>
internal sealed record JinjaArguments(JinjaValue[] Positional, IReadOnlyDictionary<string, JinjaValue> Named)
{
    public static readonly JinjaArguments Empty = new([], new Dictionary<string, JinjaValue>());

    /// <summary>The arguments in the order of the parameters; null where one is not given.</summary>
    /// <param name="callee">What messages call the callee.</param>
    /// <param name="required">How many parameters must be given.</param>
    /// <param name="parameters">The names of all parameters.</param>
    public JinjaValue?[] Bind(string callee, int required, params ReadOnlySpan<string> parameters)
    {
        if (Positional.Length > parameters.Length)
        {
            throw new JinjaFault($"{callee} got {Positional.Length} arguments; at most {parameters.Length} are allowed");
        }

        var bound = new JinjaValue?[parameters.Length];
        for (int i = 0; i < Positional.Length; i++)
        {
            bound[i] = Positional[i];
        }

        foreach ((string name, JinjaValue value) in Named)
        {
            int index = parameters.IndexOf(name);
            if (index < 0 || bound[index] is not null)
            {
                throw new JinjaFault(index < 0 ? $"{callee} has no parameter \"{name}\"" : $"{callee} got \"{name}\" twice");
            }

            bound[index] = value;
        }

        for (int i = 0; i < required; i++)
        {
            if (bound[i] is null)
            {
                throw new JinjaFault($"{callee} needs the argument \"{parameters[i]}\"");
            }
        }

        return bound;
    }

    /// <summary>An argument that must be a text.</summary>
    public static JinjaText Text(JinjaValue value, string callee) => value as JinjaText
        ?? throw new JinjaFault($"{callee} got an argument of type {value.TypeName}; a string is required");

    /// <summary>An argument that must be a whole number within 32 bits.</summary>
    public static int Integer(JinjaValue value, string callee) =>
        JinjaEquality.Integer(value) is long number and >= int.MinValue and <= int.MaxValue
            ? (int)number
            : throw new JinjaFault($"{callee} got an argument of type {value.TypeName}; an integer within 32 bits is required");
}
