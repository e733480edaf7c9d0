namespace Warpline.Transformers;

// The syntax tree. Offset is the place in the template, for messages.
internal abstract record JinjaExpression(int Offset);

internal sealed record JinjaLiteral(JinjaValue Value, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaName(string Name, int Offset) : JinjaExpression(Offset);

/// <summary>A list or a tuple.</summary>
internal sealed record JinjaListLiteral(IReadOnlyList<JinjaExpression> Items, bool IsTuple, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaMapLiteral(IReadOnlyList<(JinjaExpression Key, JinjaExpression Value)> Items, int Offset)
    : JinjaExpression(Offset);

internal sealed record JinjaAttribute(JinjaExpression Target, string Name, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaSubscript(JinjaExpression Target, JinjaExpression Index, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaSlice(
    JinjaExpression Target, JinjaExpression? Start, JinjaExpression? Stop, JinjaExpression? Step, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaCall(JinjaExpression Callee, JinjaArgumentList Arguments, int Offset) : JinjaExpression(Offset);

/// <summary>A filter; the value is null where a block is filtered.</summary>
internal sealed record JinjaFilter(JinjaExpression? Value, string Name, JinjaArgumentList Arguments, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaTest(JinjaExpression Value, string Name, JinjaArgumentList Arguments, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaNot(JinjaExpression Value, int Offset) : JinjaExpression(Offset);

/// <summary>The sign + or - before a number.</summary>
internal sealed record JinjaSign(JinjaExpression Value, bool Negates, int Offset) : JinjaExpression(Offset);

/// <summary>Arithmetic, and the joining of texts by ~.</summary>
internal sealed record JinjaBinary(string Operator, JinjaExpression Left, JinjaExpression Right, int Offset) : JinjaExpression(Offset);

/// <summary>And, or.</summary>
internal sealed record JinjaLogic(bool IsAnd, JinjaExpression Left, JinjaExpression Right, int Offset) : JinjaExpression(Offset);

/// <summary>Comparisons in a chain: a &lt; b &lt; c holds if a &lt; b and b &lt; c.</summary>
internal sealed record JinjaComparison(
    JinjaExpression First, IReadOnlyList<(string Operator, JinjaExpression Operand)> Rest, int Offset) : JinjaExpression(Offset);

internal sealed record JinjaConditional(JinjaExpression Condition, JinjaExpression Then, JinjaExpression? Else, int Offset)
    : JinjaExpression(Offset);

/// <summary>The arguments of a call as they are written.</summary>
internal sealed record JinjaArgumentList(
    IReadOnlyList<JinjaExpression> Positional,
    IReadOnlyList<(string Name, JinjaExpression Value)> Named,
    JinjaExpression? Spread,
    JinjaExpression? NamedSpread)
{
    public static readonly JinjaArgumentList Empty = new([], [], null, null);
}

internal abstract record JinjaStatement(int Offset);

internal sealed record JinjaTextStatement(JinjaText Text, int Offset) : JinjaStatement(Offset);

internal sealed record JinjaPrintStatement(JinjaExpression Value, int Offset) : JinjaStatement(Offset);

/// <summary>Branches in order; the condition of an else is null.</summary>
internal sealed record JinjaIf(
    IReadOnlyList<(JinjaExpression? Condition, IReadOnlyList<JinjaStatement> Body)> Branches, int Offset) : JinjaStatement(Offset);

internal sealed record JinjaFor(
    JinjaExpression Target,
    JinjaExpression Items,
    JinjaExpression? Condition,
    IReadOnlyList<JinjaStatement> Body,
    IReadOnlyList<JinjaStatement> Else,
    int Offset) : JinjaStatement(Offset);

/// <summary>Break or continue.</summary>
internal sealed record JinjaJump(bool IsBreak, int Offset) : JinjaStatement(Offset);

/// <summary>The target is a name, a tuple of them, or an attribute of a namespace.</summary>
internal sealed record JinjaSet(JinjaExpression Target, JinjaExpression Value, int Offset) : JinjaStatement(Offset);

/// <summary>Sets what a block prints, filtered.</summary>
internal sealed record JinjaSetBlock(
    JinjaExpression Target, IReadOnlyList<JinjaFilter> Filters, IReadOnlyList<JinjaStatement> Body, int Offset) : JinjaStatement(Offset);

internal sealed record JinjaMacro(string Name, JinjaParameterList Parameters, IReadOnlyList<JinjaStatement> Body, int Offset)
    : JinjaStatement(Offset);

/// <summary>Calls a macro, which may call the body as <c>caller()</c>.</summary>
internal sealed record JinjaCallBlock(
    JinjaParameterList Parameters, JinjaCall Call, IReadOnlyList<JinjaStatement> Body, int Offset) : JinjaStatement(Offset);

/// <summary>Prints a block, filtered; without a filter, a block that only groups (<c>generation</c>).</summary>
internal sealed record JinjaFilterBlock(IReadOnlyList<JinjaFilter> Filters, IReadOnlyList<JinjaStatement> Body, int Offset)
    : JinjaStatement(Offset);

/// <summary>A scope with names of its own.</summary>
internal sealed record JinjaWith(
    IReadOnlyList<(JinjaExpression Target, JinjaExpression Value)> Names, IReadOnlyList<JinjaStatement> Body, int Offset)
    : JinjaStatement(Offset);

/// <summary>The parameters of a macro; a default is null where there is none.</summary>
internal sealed record JinjaParameterList(IReadOnlyList<(string Name, JinjaExpression? Default)> Items);
