using System.Buffers;
using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>Classes of characters, by code point, as the reference's regular expressions and Rust's standard library have them.</summary>
internal static class Characters
{
    /// <summary>The character at a position and where the next one begins; half a surrogate pair is U+FFFD.</summary>
    public static Rune At(ReadOnlySpan<char> text, int position, out int next)
    {
        char first = text[position];
        if (!char.IsSurrogate(first))
        {
            next = position + 1;
            return new Rune(first);
        }

        Rune.DecodeFromUtf16(text[position..], out Rune rune, out int length);
        next = position + length;
        return rune;
    }

    public static StringBuilder AppendCode(this StringBuilder text, int code)
    {
        if (code < 0x10000)
        {
            return text.Append((char)code);
        }

        Span<char> pair = stackalloc char[2];
        new Rune(code).EncodeToUtf16(pair);
        return text.Append(pair);
    }

    /// <summary>\s, and the property White_Space.</summary>
    public static bool IsSpace(Rune rune) => Rune.IsWhiteSpace(rune);

    /// <summary>\p{N}.</summary>
    public static bool IsNumber(Rune rune) => rune.IsAscii
        ? char.IsAsciiDigit((char)rune.Value)
        : Rune.GetUnicodeCategory(rune) is
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>\p{L}.</summary>
    public static bool IsLetter(Rune rune) => Rune.IsLetter(rune);

    /// <summary>\p{M}.</summary>
    public static bool IsMark(Rune rune) => !rune.IsAscii && Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    /// <summary>\p{P}.</summary>
    public static bool IsPunctuation(Rune rune) => Rune.IsPunctuation(rune);

    /// <summary>\p{P}, and what ASCII has beside letters, digits and blanks.</summary>
    public static bool IsPunctuationOrAsciiSymbol(Rune rune) =>
        rune.IsAscii ? rune.Value is > ' ' and < 0x7F && !char.IsAsciiLetterOrDigit((char)rune.Value) : Rune.IsPunctuation(rune);

    /// <summary>\w: letters, marks, decimal digits, letter numbers, connectors, joiners and the circled letters.</summary>
    public static bool IsWord(Rune rune) => rune.IsAscii
        ? char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '_'
        : IsLetter(rune) || IsMark(rune)
            || Rune.GetUnicodeCategory(rune) is
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation
            || rune.Value is 0x200C or 0x200D
                or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    /// <summary>Controls, formats and private characters.</summary>
    public static bool IsControl(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    /// <summary>A copy with U+FFFD for each half of a surrogate pair, or the text itself if it has none.</summary>
    public static string WellFormed(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0)
        {
            return text;
        }

        char[]? copy = null;
        for (int position = first; position < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(position), out _, out int length) != OperationStatus.Done)
            {
                copy ??= text.ToCharArray();
                copy[position] = (char)Rune.ReplacementChar.Value;
            }

            position += length;
        }

        return copy is null ? text : new string(copy);
    }
}
