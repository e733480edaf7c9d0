namespace Warpline.Transformers;

/// <summary>Finds the end of the match that begins at a position; the position itself if none begins there.</summary>
internal delegate int Scanner(ReadOnlySpan<char> text, int start);

/// <summary>What Split and Replace look for: a text, or one of the regular expressions of <see cref="SplitPatterns"/>.</summary>
internal sealed class Pattern
{
    private readonly string? _text;
    private readonly Scanner? _scanner;

    /// <summary>A text.</summary>
    public Pattern(string text) => _text = text;

    /// <summary>A scanner.</summary>
    public Pattern(Scanner scanner) => _scanner = scanner;

    /// <summary>No match is shorter.</summary>
    public int MinLength => _text?.Length ?? 1;

    /// <summary>Finds the first match from a position on.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        if (_text is not null)
        {
            int offset = text[from..].IndexOf(_text);
            start = from + offset;
            end = start + _text.Length;
            return offset >= 0;
        }

        for (start = from; start < text.Length;)
        {
            end = _scanner!(text, start);
            if (end > start)
            {
                return true;
            }

            Characters.At(text, start, out start);
        }

        end = start;
        return false;
    }
}
