using System.Buffers;
using System.Text;

namespace Warpline.Transformers;

/// <summary>A token that is found in the text itself, before the vocabulary is applied to what lies between.</summary>
internal sealed record AddedToken(int Id, string Content, bool IsSpecial, bool LeftStrip, bool RightStrip, bool SingleWord, bool Normalized);

/// <summary>Finds the added tokens of a text, leftmost first and longest first.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Dictionary<char, (string Pattern, AddedToken Token)[]> _tokensByFirst;
    private readonly SearchValues<string> _patterns;

    /// <summary>Makes a finder.</summary>
    /// <param name="tokens">The tokens to find.</param>
    /// <param name="pattern">How a token's content looks in the text that is searched.</param>
    public AddedTokenFinder(IEnumerable<AddedToken> tokens, Func<string, string> pattern)
    {
        // Normalisation may leave nothing of a token; such a one is never found.
        (string Pattern, AddedToken Token)[] all =
            [.. tokens.Select(token => (pattern(token.Content), token)).Where(pair => pair.Item1.Length > 0)];

        // Longest first, so that the first that fits is the longest.
        _tokensByFirst = all.GroupBy(pair => pair.Pattern[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(pair => pair.Pattern.Length).ToArray());
        _patterns = SearchValues.Create([.. all.Select(pair => pair.Pattern)], StringComparison.Ordinal);
    }

    /// <summary>Finds the next token.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="from">Where the last token, with the space that it took, ended.</param>
    /// <param name="parseSpecialTokens">Whether special tokens count; else their text is text.</param>
    /// <param name="mayBeSpecial">Whether a special token may stand from a start to before an end; null if anywhere.</param>
    /// <param name="start">Where the token begins, with the space that it takes.</param>
    /// <param name="end">Where it ends, with the space that it takes.</param>
    /// <returns>The token, or null if there is none.</returns>
    public AddedToken? Next(
        ReadOnlySpan<char> text, int from, bool parseSpecialTokens, Func<int, int, bool>? mayBeSpecial, out int start, out int end)
    {
        for (int position = from; ; position = end)
        {
            int offset = text[position..].IndexOfAny(_patterns);
            if (offset < 0)
            {
                start = end = text.Length;
                return null;
            }

            start = position + offset;
            (string pattern, AddedToken token) = Longest(text[start..]);
            end = start + pattern.Length;
            bool barred = token.IsSpecial && (!parseSpecialTokens || mayBeSpecial?.Invoke(start, end) == false);
            if (barred || (token.SingleWord && (WordEndsAt(text, start) || WordBeginsAt(text, end))))
            {
                // The template may spell a token that begins inside one that data spells in part.
                end = barred && mayBeSpecial is not null ? start + 1 : end;
                continue;
            }

            while (token.LeftStrip && start > from && char.IsWhiteSpace(text[start - 1]))
            {
                start--;
            }

            while (token.RightStrip && end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            return token;
        }
    }

    private (string Pattern, AddedToken Token) Longest(ReadOnlySpan<char> text)
    {
        foreach ((string pattern, AddedToken token) in _tokensByFirst[text[0]])
        {
            if (text.StartsWith(pattern))
            {
                return (pattern, token);
            }
        }

        throw new InvalidOperationException("A token was found where none begins.");
    }

    private static bool WordEndsAt(ReadOnlySpan<char> text, int position) =>
        Rune.DecodeLastFromUtf16(text[..position], out Rune rune, out _) == OperationStatus.Done && Characters.IsWord(rune);

    private static bool WordBeginsAt(ReadOnlySpan<char> text, int position) =>
        position < text.Length && Characters.IsWord(Characters.At(text, position, out _));
}
