using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// The published regular expressions of tokenizers as scanners over code points: .NET's own regular expressions work on
/// UTF-16 and miss letters and digits beyond U+FFFF. A pattern is known by its exact text.
/// </summary>
internal static class SplitPatterns
{
    private const string _contraction = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string _spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string _upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string _lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string _lead = @"[^\r\n\p{L}\p{N}]?";
    private const string _others = @"| ?[^\s\p{L}\p{N}]+[\r\n/]*";
    private const string _asciiWord = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+";

    // What cl100k's descendants have in common: %W is the class of a word's letters, %N the numbers.
    private const string _cl100k = $@"{_contraction}|{_lead}%W+|%N| ?[^\s%O]+[\r\n]*|{_spaces}";

    private static readonly Dictionary<string, Scanner> _known = new(StringComparer.Ordinal)
    {
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = Gpt2,
        [@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = Gpt2,
        [Cl100k(@"\p{N}{1,3}", marks: false)] = WordScanners.Cl100k(maxDigits: 3, marks: false),
        [Cl100k(@"\p{N}", marks: false)] = WordScanners.Cl100k(maxDigits: 1, marks: false),
        [Cl100k(@"\p{N}+", marks: false)] = WordScanners.Cl100k(maxDigits: int.MaxValue, marks: false),
        [Cl100k(@"\p{N}", marks: true)] = WordScanners.Cl100k(maxDigits: 1, marks: true),
        [@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"] =
            WordScanners.Cl100k(maxDigits: 3, marks: false),
        [@"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"] =
            WordScanners.Cl100k(maxDigits: 1, marks: false),
        [$@"{_lead}{_upper}*{_lower}+{_contraction}?|{_lead}{_upper}+{_lower}*{_contraction}?|\p{{N}}{{1,3}}{_others}|{_spaces}"] =
            CaseScanners.O200k(maxDigits: 3, contractions: true),
        [$@"{_lead}{_upper}*{_lower}+|{_lead}{_upper}+{_lower}*|\p{{N}}{_others}|{_spaces}"] =
            CaseScanners.O200k(maxDigits: 1, contractions: false),
        [$@"{_asciiWord}|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+[\r\n]*|{_spaces}"] =
            WordScanners.DeepSeek3,
        [@"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"] = WordScanners.Clip,
        [@"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"] = WordScanners.ClipWithMarks,
        [@"\w+|[^\w\s]+"] = WordScanners.Words,
        [@" {2,}"] = Run(2, rune => rune.Value == ' '),
        [@" +"] = Run(1, rune => rune.Value == ' '),
        [@" "] = Run(1, rune => rune.Value == ' ', most: 1),
        [@"\s+"] = Run(1, Characters.IsSpace),
        [@"\s{2,}"] = Run(2, Characters.IsSpace),
        [@"\s"] = Run(1, Characters.IsSpace, most: 1),
        [@"[\r\n]"] = Run(1, rune => rune.Value is '\r' or '\n', most: 1),
        [@"[\r\n]+"] = Run(1, rune => rune.Value is '\r' or '\n'),
        [@"\n"] = Run(1, rune => rune.Value == '\n', most: 1),
        [@"\n+"] = Run(1, rune => rune.Value == '\n'),
        [@"[!\""\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\\\]^_`\{\|\}\~]"] = Run(
            1, rune => rune.Value is not ('/' or '<' or '>') && rune.IsAscii && Characters.IsPunctuationOrAsciiSymbol(rune), most: 1),
        [@"\p{N}"] = Run(1, Characters.IsNumber, most: 1),
        [@"\p{N}{1,3}"] = Run(1, Characters.IsNumber, most: 3),
        [@"[0-9]"] = Run(1, rune => rune.Value is >= '0' and <= '9', most: 1),
        [@"[0-9][0-9][0-9]"] = Run(3, rune => rune.Value is >= '0' and <= '9', most: 3),
        [@"\s?\p{L}+"] = Run(1, Characters.IsLetter, lead: Characters.IsSpace),
        [@"\s?\p{P}+"] = Run(1, Characters.IsPunctuation, lead: Characters.IsSpace),
        [@"[一-龥぀-ゟ゠-ヿ]+"] = Run(1, rune => rune.Value is (>= 0x4E00 and <= 0x9FA5) or (>= 0x3040 and <= 0x30FF)),
        [@"[一-龥ࠀ-一가-퟿]+"] = Run(1, rune => rune.Value is (>= 0x800 and <= 0x9FA5) or (>= 0xAC00 and <= 0xD7FF)),
        [@" ?[^(\s|[.,!?…。，、।۔،])]+"] = Run(
            1, rune => !Characters.IsSpace(rune) && !(rune.IsBmp && "()|.,!?…。，、।۔،".Contains((char)rune.Value)),
            lead: rune => rune.Value == ' '),
    };

    /// <summary>The pattern of gpt2, which ByteLevel cuts by.</summary>
    public static Scanner Gpt2 => WordScanners.Gpt2;

    /// <summary>
    /// The scanner of a pattern, or null if the pattern is not known. Line ends may be escaped or stand for themselves.
    /// </summary>
    public static Scanner? Find(string pattern) => _known.GetValueOrDefault(
        pattern.Replace("\r", @"\r", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal));

    /// <summary>Single characters of a class.</summary>
    public static Scanner One(Predicate<Rune> isBody) => Run(1, isBody, most: 1);

    private static string Cl100k(string numbers, bool marks) => _cl100k
        .Replace("%W", marks ? @"[\p{L}\p{M}]" : @"\p{L}", StringComparison.Ordinal)
        .Replace("%O", marks ? @"\p{L}\p{M}\p{N}" : @"\p{L}\p{N}", StringComparison.Ordinal)
        .Replace("%N", numbers, StringComparison.Ordinal);

    // A run of characters of a class, after one leading character of another class if there is one.
    private static Scanner Run(int least, Predicate<Rune> isBody, int most = int.MaxValue, Predicate<Rune>? lead = null) => (text, start) =>
    {
        int body = start;
        if (lead is not null && lead(Characters.At(text, start, out int next))
            && next < text.Length && isBody(Characters.At(text, next, out _)))
        {
            body = next;
        }

        int end = body;
        int count = 0;
        while (count < most && end < text.Length && isBody(Characters.At(text, end, out int after)))
        {
            end = after;
            count++;
        }

        return count >= least ? end : start;
    };
}
