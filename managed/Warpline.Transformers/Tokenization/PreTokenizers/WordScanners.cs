using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>The scanners that cut text into words, numbers, blanks and the rest.</summary>
internal static class WordScanners
{
    private static readonly string[] _contractions = ["s", "t", "re", "ve", "m", "ll", "d"];
    private static readonly string[] _clipMarks = ["<|startoftext|>", "<|endoftext|>"];

    private enum Kind
    {
        Letter,
        Mark,
        Number,
        Space,
        Punctuation,
        Symbol,
        Other,
    }

    /// <summary>gpt2: a contraction, or a run of letters, numbers or others with a blank before it, or space.</summary>
    public static int Gpt2(ReadOnlySpan<char> text, int start)
    {
        int contraction = ContractionLength(text, start, StringComparison.Ordinal);
        if (contraction > 0)
        {
            return start + contraction;
        }

        int body = start;
        if (text[start] == ' ' && start + 1 < text.Length && ClassAt(text, start + 1, out _) != Kind.Space)
        {
            body++;
        }

        Kind kind = ClassAt(text, body, out _);
        return kind == Kind.Space ? SpaceEnd(text, start) : RunEnd(text, body, kind);
    }

    /// <summary>cl100k and its descendants: llama 3 has up to three digits a piece, qwen 2 one; qwen 3.5 counts marks as letters.</summary>
    public static Scanner Cl100k(int maxDigits, bool marks) => (text, start) => ScanCl100k(text, start, maxDigits, marks);

    /// <summary>The third pattern of deepseek 3; numbers are no match.</summary>
    public static int DeepSeek3(ReadOnlySpan<char> text, int start)
    {
        if (IsAsciiSymbol(text[start]) && start + 1 < text.Length && char.IsAsciiLetter(text[start + 1]))
        {
            int end = start + 1;
            while (end < text.Length && char.IsAsciiLetter(text[end]))
            {
                end++;
            }

            return end;
        }

        Kind kind = KindAt(text, start, out int next);
        bool leads = kind is not (Kind.Letter or Kind.Punctuation or Kind.Symbol) && text[start] is not ('\r' or '\n');
        if (leads && next < text.Length && IsWordPart(KindAt(text, next, out _)))
        {
            return WordEnd(text, next);
        }

        if (IsWordPart(kind))
        {
            return WordEnd(text, start);
        }

        int body = text[start] == ' ' && next < text.Length && KindAt(text, next, out _) is Kind.Punctuation or Kind.Symbol ? next : start;
        int punctuationEnd = body;
        while (punctuationEnd < text.Length && KindAt(text, punctuationEnd, out int after) is Kind.Punctuation or Kind.Symbol)
        {
            punctuationEnd = after;
        }

        return punctuationEnd > body ? LineEndsEnd(text, punctuationEnd)
            : kind == Kind.Space ? SpaceOrLinesEnd(text, start)
            : start;

        static bool IsWordPart(Kind kind) => kind is Kind.Letter or Kind.Mark;
        static bool IsAsciiSymbol(char character) => character is > ' ' and < (char)0x7F && !char.IsAsciiLetterOrDigit(character);
        static int WordEnd(ReadOnlySpan<char> text, int start)
        {
            while (start < text.Length && IsWordPart(KindAt(text, start, out int after)))
            {
                start = after;
            }

            return start;
        }
    }

    /// <summary>clip: contractions, runs of letters, single numbers, runs of others; space is no match.</summary>
    public static int Clip(ReadOnlySpan<char> text, int start)
    {
        int contraction = ContractionLength(text, start, StringComparison.Ordinal);
        if (contraction > 0)
        {
            return start + contraction;
        }

        Kind kind = ClassAt(text, start, out int next);
        return kind == Kind.Space ? start : kind == Kind.Number ? next : RunEnd(text, start, kind);
    }

    /// <summary>clip, with the names of its two special tokens first.</summary>
    public static int ClipWithMarks(ReadOnlySpan<char> text, int start)
    {
        foreach (string mark in _clipMarks)
        {
            if (text[start..].StartsWith(mark))
            {
                return start + mark.Length;
            }
        }

        return Clip(text, start);
    }

    /// <summary>\w+|[^\w\s]+ (the pre-tokenizer Whitespace).</summary>
    public static int Words(ReadOnlySpan<char> text, int start)
    {
        Rune first = Characters.At(text, start, out int end);
        if (Characters.IsSpace(first))
        {
            return start;
        }

        bool word = Characters.IsWord(first);
        while (end < text.Length)
        {
            Rune rune = Characters.At(text, end, out int next);
            if (Characters.IsWord(rune) != word || Characters.IsSpace(rune))
            {
                break;
            }

            end = next;
        }

        return end;
    }

    /// <summary>The length of a contraction such as 's at a position; 0 if there is none.</summary>
    public static int ContractionLength(ReadOnlySpan<char> text, int start, StringComparison comparison)
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

    /// <summary>
    /// \s*[\r\n]+|\s+(?!\S)|\s+: space up to its last line end is one piece; without one the last blank stays with the next word.
    /// </summary>
    public static int SpaceOrLinesEnd(ReadOnlySpan<char> text, int start)
    {
        int lastLineEnd = text[start..RunEnd(text, start, Kind.Space)].LastIndexOfAny('\r', '\n');
        return lastLineEnd >= 0 ? start + lastLineEnd + 1 : SpaceEnd(text, start);
    }

    private static int ScanCl100k(ReadOnlySpan<char> text, int start, int maxDigits, bool marks)
    {
        int contraction = ContractionLength(text, start, StringComparison.OrdinalIgnoreCase);
        if (contraction > 0)
        {
            return start + contraction;
        }

        Kind kind = ClassAt(text, start, out int next, marks);
        if (kind == Kind.Letter)
        {
            return RunEnd(text, start, Kind.Letter, marks);
        }

        if (kind == Kind.Number)
        {
            int end = next;
            for (int count = 1; count < maxDigits && end < text.Length && ClassAt(text, end, out int after) == Kind.Number; count++)
            {
                end = after;
            }

            return end;
        }

        // Any one character but a line end or a number may lead a run of letters.
        if (text[start] is not ('\r' or '\n') && IsClass(text, next, Kind.Letter, marks))
        {
            return RunEnd(text, next, Kind.Letter, marks);
        }

        // One blank may lead others, and line ends may follow them.
        int body = text[start] == ' ' && IsClass(text, next, Kind.Other, marks) ? next : start;
        return IsClass(text, body, Kind.Other, marks)
            ? LineEndsEnd(text, RunEnd(text, body, Kind.Other, marks))
            : SpaceOrLinesEnd(text, start);
    }

    private static int LineEndsEnd(ReadOnlySpan<char> text, int start)
    {
        while (start < text.Length && text[start] is '\r' or '\n')
        {
            start++;
        }

        return start;
    }

    // \s+(?!\S)|\s+: a run of space without its last character, unless the text or the run ends there.
    private static int SpaceEnd(ReadOnlySpan<char> text, int start)
    {
        int end = RunEnd(text, start, Kind.Space);
        return end < text.Length && end - start > 1 ? end - 1 : end;
    }

    private static int RunEnd(ReadOnlySpan<char> text, int start, Kind kind, bool marks = false)
    {
        int end = start;
        while (end < text.Length && ClassAt(text, end, out int next, marks) == kind)
        {
            end = next;
        }

        return end;
    }

    private static bool IsClass(ReadOnlySpan<char> text, int position, Kind kind, bool marks) =>
        position < text.Length && ClassAt(text, position, out _, marks) == kind;

    // One of Letter, Number, Space and Other; marks are letters or others.
    private static Kind ClassAt(ReadOnlySpan<char> text, int position, out int next, bool marks = false) =>
        KindAt(text, position, out next) switch
        {
            Kind.Mark => marks ? Kind.Letter : Kind.Other,
            Kind.Punctuation or Kind.Symbol => Kind.Other,
            Kind kind => kind,
        };

    private static Kind KindAt(ReadOnlySpan<char> text, int position, out int next)
    {
        char first = text[position];
        if (char.IsAsciiLetter(first))
        {
            next = position + 1;
            return Kind.Letter;
        }

        Rune rune = Characters.At(text, position, out next);
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Kind.Mark,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation
                or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation
                or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation => Kind.Punctuation,
            UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol
                or UnicodeCategory.OtherSymbol => Kind.Symbol,
            _ => Characters.IsSpace(rune) ? Kind.Space : Kind.Other,
        };
    }
}
