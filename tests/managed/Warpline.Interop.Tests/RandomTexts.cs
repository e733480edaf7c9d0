using System.Text;

namespace Warpline.Interop.Tests;

/// <summary>
/// Random texts that are hard on tokenizers: many scripts, letters and digits beyond U+FFFF, marks, emoji, blanks of all kinds,
/// numbers, contractions, punctuation, special tokens. Characters are of old Unicode versions, which all implementations know.
/// </summary>
internal static class RandomTexts
{
    private static readonly string[] Words =
    [
        "the", "of", "and", "Hello", "world", "tokenizer", "don't", "I'LL", "we've", "it's", "O'Neill", "GitHub", "HTTPServer", "camelCase",
        "naïve", "Straße", "İstanbul", "ǅ", "résumé", "日本語", "한국어", "привет", "مرحبا", "नमस्ते", "สวัสดี", "e\u0301", "a\u0300\u0323",
        "👩‍👩‍👧", "🏳️‍🌈", "😀", "3.14159", "2,718", "0x7fff", "1e-9", "½", "Ⅷ", "²", "١٢٣", "http://a.b/c?d=e&f", "def f(x):", "a_b", "</s>", "<s>",
        "<bos>", "<|endoftext|>", "<|im_start|>", "<|begin_of_text|>", "▁", "▁▁", "Ġ", "<0x0A>", "ﬁ", "Ａ", "①", "…", "—", "“”", "''", "``",
    ];

    private static readonly string[] Blanks = [" ", " ", " ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", " \n ", "\u00a0", "\u3000", "\u2028", "\u200b", ""];

    // Ranges of letters, digits, marks and symbols, those beyond U+FFFF last.
    private static readonly (int First, int Last)[] Ranges =
    [
        (0x21, 0x7E), (0x30, 0x39), (0x61, 0x7A), (0xA1, 0xFF), (0x100, 0x17F), (0x300, 0x36F), (0x391, 0x3A1), (0x410, 0x44F),
        (0x5D0, 0x5EA), (0x621, 0x64A), (0x660, 0x669), (0x904, 0x94D), (0x966, 0x96F), (0xE01, 0xE3A), (0x1E00, 0x1EFF), (0x2010, 0x2027),
        (0x2070, 0x2071), (0x20A0, 0x20B8), (0x2150, 0x2188), (0x2460, 0x249B), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FA5),
        (0xAC00, 0xD7A3), (0xFF01, 0xFF5E),
        (0x10280, 0x1029C), (0x10400, 0x1044F), (0x104A0, 0x104A9), (0x11066, 0x1106F), (0x1D400, 0x1D454), (0x1D7CE, 0x1D7FF),
        (0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x20000, 0x2A6D6), (0x2F800, 0x2FA1D),
    ];

    public static IReadOnlyList<string> Make(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Make(random))];
    }

    private static string Make(Random random)
    {
        var text = new StringBuilder();
        for (int parts = random.Next(1, 13); parts > 0; parts--)
        {
            if (random.Next(2) == 0)
            {
                text.Append(Words[random.Next(Words.Length)]);
            }
            else
            {
                (int first, int last) = Ranges[random.Next(Ranges.Length)];
                for (int length = random.Next(1, 6); length > 0; length--)
                {
                    text.Append(new Rune(random.Next(first, last + 1)).ToString());
                }
            }

            text.Append(random.Next(3) == 0 ? "" : Blanks[random.Next(Blanks.Length)]);
        }

        return text.ToString();
    }
}
