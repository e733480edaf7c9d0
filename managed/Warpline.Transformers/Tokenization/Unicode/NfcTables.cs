namespace Warpline.Transformers;

/// <summary>Canonical decompositions, compositions and combining classes; Hangul by arithmetic, the rest from <see cref="NfcData"/>.</summary>
internal static class NfcTables
{
    private const int _syllables = 0xAC00, _leads = 0x1100, _vowels = 0x1161, _trails = 0x11A7;
    private const int _leadCount = 19, _vowelCount = 21, _trailCount = 28, _syllableCount = _leadCount * _vowelCount * _trailCount;

    private static readonly Dictionary<int, (int First, int Second)> _decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> _compositions = [];
    private static readonly Dictionary<int, byte> _classes = [];
    private static readonly HashSet<int> _unstable = [];

    static NfcTables()
    {
        int code = 0;
        for (var reader = new NumberReader(NfcData.Decompositions); reader.HasMore;)
        {
            code += reader.Next();
            int first = reader.Next();
            int second = reader.Next();
            bool composes = (first & 1) != 0;
            first >>= 1;
            _decompositions.Add(code, (first, second));
            if (composes)
            {
                _compositions.Add((first, second), code);
            }

            _unstable.Add(composes ? second : code);
        }

        int end = 0;
        for (var reader = new NumberReader(NfcData.CombiningClasses); reader.HasMore;)
        {
            int start = end + reader.Next();
            end = start + reader.Next();
            byte combiningClass = (byte)reader.Next();
            for (int i = start; i < end; i++)
            {
                _classes.Add(i, combiningClass);
                _unstable.Add(i);
            }
        }
    }

    /// <summary>Whether a text with this code point may differ from its canonical composition.</summary>
    public static bool IsUnstable(int code) =>
        _unstable.Contains(code)
        || (code >= _vowels && code < _vowels + _vowelCount)
        || (code > _trails && code < _trails + _trailCount);

    /// <summary>Whether a text with this code point may differ from its canonical decomposition.</summary>
    public static bool IsDecomposable(int code) =>
        _decompositions.ContainsKey(code) || _classes.ContainsKey(code) || (code >= _syllables && code < _syllables + _syllableCount);

    public static int CombiningClass(int code) => _classes.GetValueOrDefault(code);

    /// <summary>Appends the full canonical decomposition of a code point, itself if it has none.</summary>
    public static void AppendDecomposition(int code, List<int> codes)
    {
        int syllable = code - _syllables;
        if (syllable is >= 0 and < _syllableCount)
        {
            codes.Add(_leads + (syllable / (_vowelCount * _trailCount)));
            codes.Add(_vowels + (syllable / _trailCount % _vowelCount));
            if (syllable % _trailCount != 0)
            {
                codes.Add(_trails + (syllable % _trailCount));
            }
        }
        else if (_decompositions.TryGetValue(code, out (int First, int Second) parts))
        {
            // Only the first part can decompose further.
            AppendDecomposition(parts.First, codes);
            if (parts.Second != 0)
            {
                codes.Add(parts.Second);
            }
        }
        else
        {
            codes.Add(code);
        }
    }

    public static bool TryCompose(int first, int second, out int composed)
    {
        int lead = first - _leads;
        int vowel = second - _vowels;
        if (lead is >= 0 and < _leadCount && vowel is >= 0 and < _vowelCount)
        {
            composed = _syllables + (((lead * _vowelCount) + vowel) * _trailCount);
            return true;
        }

        int syllable = first - _syllables;
        int trail = second - _trails;
        if (syllable is >= 0 and < _syllableCount && syllable % _trailCount == 0 && trail is > 0 and < _trailCount)
        {
            composed = first + trail;
            return true;
        }

        return _compositions.TryGetValue((first, second), out composed);
    }
}
