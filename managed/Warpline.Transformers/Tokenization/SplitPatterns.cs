using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// The published split patterns of byte-level tokenizers as scanners over code points: .NET's own regular expressions
/// work on UTF-16 and miss letters and digits beyond U+FFFF. A pattern is known by its exact text.
/// </summary>
internal static class SplitPatterns
{
    private const string _gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string _llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string _qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] _contractions = ["s", "t", "re", "ve", "m", "ll", "d"];

    /// <summary>Finds the end of the piece that begins at a position; every character belongs to a piece.</summary>
    public delegate int Scanner(ReadOnlySpan<char> text, int start);

    private enum Kind
    {
        Letter,
        Number,
        Space,
        Other,
    }

    public static Scanner Gpt2 { get; } = ScanGpt2;

    /// <summary>The scanner of a pattern, or null if the pattern is not known.</summary>
    public static Scanner? Find(string pattern) => pattern switch
    {
        _gpt2 => Gpt2,
        _llama3 => static (text, start) => ScanLlama3(text, start, 3),
        _qwen2 => static (text, start) => ScanLlama3(text, start, 1),
        _ => null,
    };

    /// <summary>Runs of numbers, and runs of anything else (the pre-tokenizer Digits).</summary>
    public static int ScanDigits(ReadOnlySpan<char> text, int start, bool individually)
    {
        Kind first = KindAt(text, start, out int end);
        if (individually && first == Kind.Number)
        {
            return end;
        }

        while (end < text.Length && (KindAt(text, end, out int next) == Kind.Number) == (first == Kind.Number))
        {
            end = next;
        }

        return end;
    }

    private static int ScanGpt2(ReadOnlySpan<char> text, int start)
    {
        int contraction = ContractionLength(text, start, StringComparison.Ordinal);
        if (contraction > 0)
        {
            return start + contraction;
        }

        // One blank may lead a run of letters, numbers or others.
        int body = start;
        if (text[start] == ' ' && start + 1 < text.Length && KindAt(text, start + 1, out _) != Kind.Space)
        {
            body++;
        }

        Kind kind = KindAt(text, body, out _);
        return kind == Kind.Space ? SpaceEnd(text, start) : RunEnd(text, body, kind);
    }

    private static int ScanLlama3(ReadOnlySpan<char> text, int start, int maxDigits)
    {
        int contraction = ContractionLength(text, start, StringComparison.OrdinalIgnoreCase);
        if (contraction > 0)
        {
            return start + contraction;
        }

        Kind kind = KindAt(text, start, out int next);
        if (kind == Kind.Letter)
        {
            return RunEnd(text, start, Kind.Letter);
        }

        // Any one character but a line end or a number may lead a run of letters.
        if (kind != Kind.Number && text[start] is not ('\r' or '\n') && IsKind(text, next, Kind.Letter))
        {
            return RunEnd(text, next, Kind.Letter);
        }

        if (kind == Kind.Number)
        {
            int end = next;
            for (int count = 1; count < maxDigits && end < text.Length && KindAt(text, end, out int after) == Kind.Number; count++)
            {
                end = after;
            }

            return end;
        }

        // One blank may lead others, and line ends may follow them.
        int body = text[start] == ' ' && IsKind(text, next, Kind.Other) ? next : start;
        if (IsKind(text, body, Kind.Other))
        {
            int end = RunEnd(text, body, Kind.Other);
            while (end < text.Length && text[end] is '\r' or '\n')
            {
                end++;
            }

            return end;
        }

        // Space up to its last line end is one piece; without a line end the next word's blank stays with the word.
        int spaceEnd = RunEnd(text, start, Kind.Space);
        int lastLineEnd = text[start..spaceEnd].LastIndexOfAny('\r', '\n');
        return lastLineEnd >= 0 ? start + lastLineEnd + 1 : SpaceEnd(text, start);
    }

    // \s+(?!\S)|\s+: a run of space without its last character, unless the text or the run ends there.
    private static int SpaceEnd(ReadOnlySpan<char> text, int start)
    {
        int end = RunEnd(text, start, Kind.Space);
        return end < text.Length && end - start > 1 ? end - 1 : end;
    }

    private static int RunEnd(ReadOnlySpan<char> text, int start, Kind kind)
    {
        int end = start;
        while (end < text.Length && KindAt(text, end, out int next) == kind)
        {
            end = next;
        }

        return end;
    }

    private static bool IsKind(ReadOnlySpan<char> text, int position, Kind kind) =>
        position < text.Length && KindAt(text, position, out _) == kind;

    private static int ContractionLength(ReadOnlySpan<char> text, int start, StringComparison comparison)
    {
        if (text[start] != '\'')
        {
            return 0;
        }

        ReadOnlySpan<char> rest = text[(start + 1)..];
        foreach (string contraction in _contractions)
        {
            if (rest.StartsWith(contraction, comparison))
            {
                return 1 + contraction.Length;
            }
        }

        // The long s is an s where case does not count.
        return comparison == StringComparison.OrdinalIgnoreCase && rest.StartsWith('\u017F') ? 2 : 0;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int position, out int next)
    {
        char first = text[position];
        next = position + 1;
        if (char.IsAscii(first))
        {
            return char.IsAsciiLetter(first) ? Kind.Letter
                : char.IsAsciiDigit(first) ? Kind.Number
                : first is ' ' or (>= '\t' and <= '\r') ? Kind.Space
                : Kind.Other;
        }

        if (Rune.DecodeFromUtf16(text[position..], out Rune rune, out int consumed) != System.Buffers.OperationStatus.Done)
        {
            return Kind.Other;
        }

        next = position + consumed;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
        };
    }
}
