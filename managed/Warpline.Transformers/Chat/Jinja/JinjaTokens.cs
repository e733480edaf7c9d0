namespace Warpline.Transformers;

/// <summary>The tokens of a template while they are parsed, with the bounds of the syntax tree.</summary>
internal sealed class JinjaTokens(List<JinjaToken> tokens)
{
    private int _position;
    private int _depth;
    private int _nodes;

    public JinjaToken Current => tokens[_position];

    public JinjaToken Next => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public JinjaToken Take() => Current.Kind == JinjaTokenKind.End ? Current : tokens[_position++];

    public bool IsOperator(string text) => Current.Is(JinjaTokenKind.Operator, text);

    public bool IsName(string text) => Current.Is(JinjaTokenKind.Name, text);

    public bool TryTakeOperator(string text) => TryTake(JinjaTokenKind.Operator, text);

    public bool TryTakeName(string text) => TryTake(JinjaTokenKind.Name, text);

    public void ExpectOperator(string text)
    {
        if (!TryTakeOperator(text))
        {
            throw Unexpected($"\"{text}\"");
        }
    }

    public JinjaToken Expect(JinjaTokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    public JinjaFault Unexpected(string wanted) => new(
        Current.Kind == JinjaTokenKind.End ? $"the template ends where {wanted} is required" : $"{wanted} is required", Current.Offset);

    /// <summary>Goes one level down; <see cref="Leave"/> must follow.</summary>
    public void Enter()
    {
        if (++_depth > JinjaBudget.MaxNesting)
        {
            throw new JinjaFault($"the template nests more than {JinjaBudget.MaxNesting} levels deep", Current.Offset);
        }
    }

    /// <summary>Comes one level up.</summary>
    public void Leave() => _depth--;

    /// <summary>Counts a node of the tree.</summary>
    public T Node<T>(T node)
    {
        if (++_nodes > JinjaBudget.MaxNodes)
        {
            throw new JinjaFault($"the template has more than {JinjaBudget.MaxNodes} nodes", Current.Offset);
        }

        return node;
    }

    private bool TryTake(JinjaTokenKind kind, string text)
    {
        bool found = Current.Is(kind, text);
        _position += found ? 1 : 0;
        return found;
    }
}
