using System.Text;

namespace Warpline.Transformers;

/// <summary>Lower case character by character, as Unicode's full mapping has it: U+0130 becomes two characters.</summary>
internal static class Lowercase
{
    private const int _dottedI = 0x130;
    private const char _dotAbove = '\u0307';

    private static readonly Dictionary<int, int> _mappings = [];

    static Lowercase()
    {
        int code = 0;
        for (var reader = new NumberReader(LowercaseData.Mappings); reader.HasMore;)
        {
            code += reader.Next();
            _mappings.Add(code, code + reader.NextSigned());
        }
    }

    public static string Of(string text)
    {
        var lower = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.IsAscii)
            {
                lower.Append(char.ToLowerInvariant((char)rune.Value));
                continue;
            }

            lower.AppendCode(_mappings.GetValueOrDefault(rune.Value, rune.Value));
            if (rune.Value == _dottedI)
            {
                lower.Append(_dotAbove);
            }
        }

        return lower.ToString();
    }
}
