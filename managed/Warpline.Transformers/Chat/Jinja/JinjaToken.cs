namespace Warpline.Transformers;

internal enum JinjaTokenKind
{
    /// <summary>Text between tags, whitespace control applied.</summary>
    Text,

    /// <summary><c>{%</c>.</summary>
    BlockBegin,

    /// <summary><c>%}</c>.</summary>
    BlockEnd,

    /// <summary><c>{{</c>.</summary>
    PrintBegin,

    /// <summary><c>}}</c>.</summary>
    PrintEnd,

    Name,

    /// <summary>A literal; the text has its escapes resolved.</summary>
    String,

    Integer,
    Float,
    Operator,
    End,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">What stands there.</param>
/// <param name="Offset">Where.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Text, int Offset)
{
    public bool Is(JinjaTokenKind kind, string text) => Kind == kind && Text == text;
}
