using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>A normalizer that looks at one character at a time.</summary>
internal abstract class CharacterNormalizer : TextNormalizer
{
    public override string Normalize(string original)
    {
        var text = new StringBuilder(original.Length);
        foreach (Rune rune in original.EnumerateRunes())
        {
            Append(rune, text);
        }

        return text.ToString();
    }

    /// <summary>Appends what a character becomes.</summary>
    protected abstract void Append(Rune rune, StringBuilder text);
}

/// <summary>Leaves out combining marks.</summary>
internal sealed class StripAccentsNormalizer : CharacterNormalizer
{
    protected override void Append(Rune rune, StringBuilder text)
    {
        if (!Characters.IsMark(rune))
        {
            text.AppendCode(rune.Value);
        }
    }
}

/// <summary>SentencePiece's rule of characters for machine translation: controls go, odd blanks become blanks.</summary>
internal sealed class NmtNormalizer : CharacterNormalizer
{
    protected override void Append(Rune rune, StringBuilder text)
    {
        switch (rune.Value)
        {
            case (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F:
                break;
            case '\t' or '\n' or '\f' or '\r' or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD:
                text.Append(' ');
                break;
            default:
                text.AppendCode(rune.Value);
                break;
        }
    }
}

/// <summary>
/// What BERT does before words are looked up: controls go and white space becomes blanks, Chinese characters stand alone,
/// accents go, letters become lower case.
/// </summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseCharacters, bool stripAccents, bool lowercase) : CharacterNormalizer
{
    public override string Normalize(string original)
    {
        string text = cleanText || handleChineseCharacters ? base.Normalize(original) : original;
        text = stripAccents ? WithoutAccents(UnicodeNormalizer.Nfd.Normalize(text)) : text;
        return lowercase ? Lowercase.Of(text) : text;
    }

    protected override void Append(Rune rune, StringBuilder text)
    {
        if (cleanText)
        {
            if (rune == Rune.ReplacementChar || (Characters.IsControl(rune) && rune.Value is not ('\t' or '\n' or '\r')))
            {
                return;
            }

            if (Characters.IsSpace(rune))
            {
                text.Append(' ');
                return;
            }
        }

        bool apart = handleChineseCharacters && IsChinese(rune.Value);
        text.Append(apart ? " " : "").AppendCode(rune.Value).Append(apart ? " " : "");
    }

    private static bool IsChinese(int code) => code is
        (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
        or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);

    private static string WithoutAccents(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.IsAscii || Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
            {
                kept.AppendCode(rune.Value);
            }
        }

        return kept.ToString();
    }
}
