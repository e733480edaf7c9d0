using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// The four Unicode normalization forms, from tables of its own. Text that is in the form already, which is nearly all text,
/// is returned as it is. Half a surrogate pair becomes U+FFFD if anything else changes.
/// </summary>
internal sealed class UnicodeNormalizer : TextNormalizer
{
    private readonly bool _compatible;
    private readonly bool _compose;

    // Everything below is in the form whatever stands beside it.
    private readonly char _firstUnstable;

    private UnicodeNormalizer(bool compatible, bool compose)
    {
        _compatible = compatible;
        _compose = compose;
        _firstUnstable = compatible ? '\u00A0' : compose ? '\u0300' : '\u00C0';
    }

    public static UnicodeNormalizer Nfc { get; } = new(compatible: false, compose: true);

    public static UnicodeNormalizer Nfd { get; } = new(compatible: false, compose: false);

    public static UnicodeNormalizer Nfkc { get; } = new(compatible: true, compose: true);

    public static UnicodeNormalizer Nfkd { get; } = new(compatible: true, compose: false);

    public override string Normalize(string original)
    {
        ArgumentNullException.ThrowIfNull(original);
        return IsStable(original) ? original : Change(original);
    }

    // False says only that the long way is needed.
    private bool IsStable(ReadOnlySpan<char> text)
    {
        int start = text.IndexOfAnyExceptInRange('\0', (char)(_firstUnstable - 1));
        if (start < 0)
        {
            return true;
        }

        foreach (Rune rune in text[start..].EnumerateRunes())
        {
            if ((_compose ? NfcTables.IsUnstable(rune.Value) : NfcTables.IsDecomposable(rune.Value))
                || (_compatible && NfkcTables.IsDecomposable(rune.Value)))
            {
                return false;
            }
        }

        return true;
    }

    private string Change(ReadOnlySpan<char> text)
    {
        List<int> codes = Decompose(text);
        SortMarks(codes);
        var changed = new StringBuilder(text.Length);
        int written = _compose ? ComposePairs(codes) : codes.Count;
        for (int i = 0; i < written; i++)
        {
            changed.AppendCode(codes[i]);
        }

        return changed.ToString();
    }

    private List<int> Decompose(ReadOnlySpan<char> text)
    {
        var codes = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (_compatible)
            {
                NfkcTables.AppendDecomposition(rune.Value, codes);
            }
            else
            {
                NfcTables.AppendDecomposition(rune.Value, codes);
            }
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
