using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>o200k and its descendants, which cut words where upper case follows lower case.</summary>
internal static class CaseScanners
{
    /// <summary>o200k has up to three digits a piece and keeps contractions with their word; mistral's has neither.</summary>
    public static Scanner O200k(int maxDigits, bool contractions) => (text, start) => Scan(text, start, maxDigits, contractions);

    private static int Scan(ReadOnlySpan<char> text, int start, int maxDigits, bool contractions)
    {
        Rune first = Characters.At(text, start, out int next);
        bool number = Characters.IsNumber(first);
        bool leads = !number && !Characters.IsLetter(first) && text[start] is not ('\r' or '\n');

        // Words that end in lower case come first, then those in upper case; each with a leading character, then without.
        int word = leads ? EndInLower(text, next) : -1;
        word = word < 0 ? EndInLower(text, start) : word;
        word = word < 0 && leads ? EndInUpper(text, next) : word;
        word = word < 0 ? EndInUpper(text, start) : word;
        if (word >= 0)
        {
            return contractions && word < text.Length
                ? word + WordScanners.ContractionLength(text, word, StringComparison.OrdinalIgnoreCase)
                : word;
        }

        if (number)
        {
            int count = 1;
            while (count < maxDigits && next < text.Length && Characters.IsNumber(Characters.At(text, next, out int after)))
            {
                next = after;
                count++;
            }

            return next;
        }

        int end = text[start] == ' ' && IsOther(text, next, out _) ? next : start;
        if (!IsOther(text, end, out _))
        {
            return WordScanners.SpaceOrLinesEnd(text, start);
        }

        while (IsOther(text, end, out int after))
        {
            end = after;
        }

        while (end < text.Length && text[end] is '\r' or '\n' or '/')
        {
            end++;
        }

        return end;
    }

    // UPPER*LOWER+, or -1. The two classes share some letters and all marks, so upper case gives back what lower case needs.
    private static int EndInLower(ReadOnlySpan<char> text, int start)
    {
        int shared = -1;
        int upperEnd = start;
        while (upperEnd < text.Length && IsUpper(Characters.At(text, upperEnd, out int next), out bool isLower))
        {
            shared = isLower ? upperEnd : shared;
            upperEnd = next;
        }

        int lower = LowerEnd(text, upperEnd);
        return lower > upperEnd ? lower : shared < 0 ? -1 : LowerEnd(text, shared);
    }

    // UPPER+LOWER*, or -1.
    private static int EndInUpper(ReadOnlySpan<char> text, int start)
    {
        int end = start;
        while (end < text.Length && IsUpper(Characters.At(text, end, out int next), out _))
        {
            end = next;
        }

        return end > start ? LowerEnd(text, end) : -1;
    }

    private static int LowerEnd(ReadOnlySpan<char> text, int start)
    {
        while (start < text.Length)
        {
            Rune rune = Characters.At(text, start, out int next);
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.LowercaseLetter && !IsShared(rune))
            {
                break;
            }

            start = next;
        }

        return start;
    }

    private static bool IsUpper(Rune rune, out bool isLower)
    {
        isLower = IsShared(rune);
        return isLower || Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter;
    }

    private static bool IsShared(Rune rune) => Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark
        or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private static bool IsOther(ReadOnlySpan<char> text, int position, out int next)
    {
        next = position;
        if (position >= text.Length)
        {
            return false;
        }

        Rune rune = Characters.At(text, position, out next);
        return !Characters.IsSpace(rune) && !Characters.IsLetter(rune) && !Characters.IsNumber(rune);
    }
}
