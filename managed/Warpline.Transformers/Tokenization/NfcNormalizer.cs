using System.Text;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// Canonical composition (Unicode Normalization Form C) from tables of its own. Text that is composed already, which is
/// nearly all text, is returned as it is. Half a surrogate pair becomes U+FFFD if anything else changes.
/// </summary>
internal sealed class NfcNormalizer : Normalizer
{
    // Everything below has combining class 0, takes part in no composition as second, and composes again if it decomposes.
    private const char _firstUnstable = '\u0300';

    public static NfcNormalizer Instance { get; } = new();

    public override string Normalize(string original)
    {
        ArgumentNullException.ThrowIfNull(original);
        return IsStable(original) ? original : Compose(original);
    }

    public override string Normalize(ReadOnlySpan<char> original) => IsStable(original) ? original.ToString() : Compose(original);

    /// <summary>Whether no character can change under composition; false says only that the long way is needed.</summary>
    public static bool IsStable(ReadOnlySpan<char> text)
    {
        int start = text.IndexOfAnyExceptInRange('\0', (char)(_firstUnstable - 1));
        if (start < 0)
        {
            return true;
        }

        foreach (Rune rune in text[start..].EnumerateRunes())
        {
            if (NfcTables.IsUnstable(rune.Value))
            {
                return false;
            }
        }

        return true;
    }

    private static string Compose(ReadOnlySpan<char> text)
    {
        List<int> codes = Decompose(text);
        SortMarks(codes);
        var composed = new StringBuilder(text.Length);
        int written = ComposePairs(codes);
        for (int i = 0; i < written; i++)
        {
            composed.Append(new Rune(codes[i]).ToString());
        }

        return composed.ToString();
    }

    private static List<int> Decompose(ReadOnlySpan<char> text)
    {
        var codes = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            NfcTables.AppendDecomposition(rune.Value, codes);
        }

        return codes;
    }

    // Canonical order: each run of marks sorted by combining class, marks of one class staying as they are. Sorting by
    // (class, place) keeps that stable and hostile runs of marks cheap.
    private static void SortMarks(List<int> codes)
    {
        long[] keys = [];
        int[] run = [];
        for (int start = 0; start < codes.Count; start++)
        {
            if (NfcTables.CombiningClass(codes[start]) == 0)
            {
                continue;
            }

            int end = start;
            while (end < codes.Count && NfcTables.CombiningClass(codes[end]) != 0)
            {
                end++;
            }

            int length = end - start;
            if (length > 1)
            {
                if (keys.Length < length)
                {
                    keys = new long[length];
                    run = new int[length];
                }

                for (int i = 0; i < length; i++)
                {
                    run[i] = codes[start + i];
                    keys[i] = ((long)NfcTables.CombiningClass(run[i]) << 32) | (uint)i;
                }

                Array.Sort(keys, run, 0, length);
                for (int i = 0; i < length; i++)
                {
                    codes[start + i] = run[i];
                }
            }

            start = end;
        }
    }

    // Joins each mark with the last starter before it, unless a mark of the same or a higher class stands between them.
    private static int ComposePairs(List<int> codes)
    {
        int written = 0;
        int starter = -1;
        int lastClass = 0;
        for (int i = 0; i < codes.Count; i++)
        {
            int code = codes[i];
            int combiningClass = NfcTables.CombiningClass(code);
            bool adjacent = starter == written - 1;
            bool blocked = !adjacent && (lastClass == 0 || lastClass >= combiningClass);
            if (starter >= 0 && !blocked && NfcTables.TryCompose(codes[starter], code, out int joined))
            {
                codes[starter] = joined;
                continue;
            }

            if (combiningClass == 0)
            {
                starter = written;
            }

            lastClass = combiningClass;
            codes[written++] = code;
        }

        return written;
    }
}
