using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>Which characters are blanks, and what escapes stand for.</summary>
internal static class JinjaCharacters
{
    /// <summary>
    /// JavaScript's white space: Python's without U+001C to U+001F and U+0085, and with the byte-order mark U+FEFF.
    /// </summary>
    public static bool IsSpace(char character) =>
        character == '\uFEFF' || (char.IsWhiteSpace(character) && character != '\u0085');

    /// <summary>Resolves the escapes of a string literal as Python does; one that it does not know stays as it is written.</summary>
    /// <param name="literal">What stands between the quotes.</param>
    /// <param name="offset">Where that begins in the template.</param>
    public static string Unescape(ReadOnlySpan<char> literal, int offset)
    {
        var text = new StringBuilder();
        for (int i = 0; i < literal.Length; i++)
        {
            if (literal[i] != '\\')
            {
                text.Append(literal[i]);
                continue;
            }

            char escape = literal[++i];
            int digits = escape switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits == 0)
            {
                text.Append(Resolve(escape));
                continue;
            }

            uint code = uint.MaxValue;
            if (i + digits < literal.Length)
            {
                bool valid = uint.TryParse(
                    literal.Slice(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code);
                code = valid ? code : uint.MaxValue;
            }

            text.Append(code <= char.MaxValue ? ((char)code).ToString()
                : Rune.IsValid(code) ? new Rune(code).ToString()
                : throw new JinjaFault($"\\{escape} needs the {digits} hexadecimal digits of a character", offset + i - 1));
            i += digits;
        }

        return text.ToString();
    }

    private static string Resolve(char escape) => escape switch
    {
        'n' => "\n",
        't' => "\t",
        'r' => "\r",
        'a' => "\a",
        'b' => "\b",
        'f' => "\f",
        'v' => "\v",
        '0' => "\0",
        '\n' => "",
        '\\' or '\'' or '"' => escape.ToString(),
        _ => $"\\{escape}",
    };
}
