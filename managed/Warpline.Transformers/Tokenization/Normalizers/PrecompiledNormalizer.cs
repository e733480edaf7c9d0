using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// SentencePiece's compiled rules: a trie from byte sequences to places in a text of replacements that end in zeros. As in
/// the reference, a grapheme of less than six bytes is looked up whole and the shortest of its prefixes decides for all of
/// it; else each character is looked up.
/// </summary>
/// <remarks>
/// The file's bytes are: the trie's length in bytes as 32 bits, the trie as units of 32 bits, the replacements in UTF-8. A unit
/// holds the label of the edge to it (bits 0 to 7 and 31), whether a value follows (bit 8), and the distance to its children (bits
/// 10 on, times 256 if bit 9 is set); a value's unit holds the value in bits 0 to 30.
/// </remarks>
internal sealed class PrecompiledNormalizer : TextNormalizer
{
    private const int _maxGraphemeBytes = 5;

    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    private PrecompiledNormalizer(uint[] trie, byte[] replacements)
    {
        _trie = trie;
        _replacements = replacements;
    }

    /// <summary>Reads a map.</summary>
    /// <returns>The normalizer, or null with what is wrong.</returns>
    public static PrecompiledNormalizer? Read(ReadOnlySpan<byte> map, out string? problem)
    {
        problem = null;
        uint bytes = map.Length < sizeof(uint) ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (bytes == 0 || bytes % sizeof(uint) != 0 || bytes > map.Length - sizeof(uint))
        {
            problem = $"{map.Length} bytes that say that {bytes} are its trie; a multiple of 4 from 4 on that fits";
            return null;
        }

        ReadOnlySpan<byte> trie = map.Slice(sizeof(uint), (int)bytes);
        uint[] units = new uint[trie.Length / sizeof(uint)];
        for (int i = 0; i < units.Length; i++)
        {
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(trie[(i * sizeof(uint))..]);
        }

        byte[] replacements = map[(sizeof(uint) + (int)bytes)..].ToArray();
        if (!System.Text.Unicode.Utf8.IsValid(replacements))
        {
            problem = "replacements that are not UTF-8; UTF-8";
            return null;
        }

        return new PrecompiledNormalizer(units, replacements);
    }

    public override string Normalize(string original)
    {
        var text = new StringBuilder(original.Length);
        for (int start = 0; start < original.Length;)
        {
            ReadOnlySpan<char> rest = original.AsSpan(start);
            bool asciiPair = rest.Length > 1 && IsPrintable(rest[0]) && IsPrintable(rest[1]);
            int length = asciiPair ? 1 : StringInfo.GetNextTextElementLength(rest);
            AppendGrapheme(rest[..length], text);
            start += length;
        }

        return text.ToString();
    }

    private static bool IsPrintable(char character) => character is >= ' ' and <= '~';

    private void AppendGrapheme(ReadOnlySpan<char> grapheme, StringBuilder text)
    {
        if (grapheme.Length <= _maxGraphemeBytes && Encoding.UTF8.GetByteCount(grapheme) <= _maxGraphemeBytes && TryReplace(grapheme, text))
        {
            return;
        }

        for (int position = 0; position < grapheme.Length;)
        {
            Characters.At(grapheme, position, out int next);
            ReadOnlySpan<char> character = grapheme[position..next];
            if (!TryReplace(character, text))
            {
                text.Append(character);
            }

            position = next;
        }
    }

    private bool TryReplace(ReadOnlySpan<char> part, StringBuilder text)
    {
        Span<byte> utf8 = stackalloc byte[_maxGraphemeBytes];
        int place = Find(utf8[..Encoding.UTF8.GetBytes(part, utf8)]);
        if (place < 0)
        {
            return false;
        }

        if (place < _replacements.Length)
        {
            ReadOnlySpan<byte> replacement = _replacements.AsSpan(place);
            int end = replacement.IndexOf((byte)0);
            text.Append(Encoding.UTF8.GetString(end < 0 ? replacement : replacement[..end]));
        }

        return true;
    }

    // The value of the shortest prefix that has one, or -1. A broken trie leads out of it, which is no match.
    private int Find(ReadOnlySpan<byte> key)
    {
        uint node = Distance(_trie[0]);
        foreach (byte label in key)
        {
            node ^= label;
            if (label == 0 || node >= _trie.Length)
            {
                return -1;
            }

            uint unit = _trie[node];
            if ((unit & 0x800000FF) != label)
            {
                return -1;
            }

            node ^= Distance(unit);
            if ((unit & 0x100) != 0)
            {
                return node < _trie.Length ? (int)(_trie[node] & 0x7FFFFFFF) : -1;
            }
        }

        return -1;
    }

    private static uint Distance(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
