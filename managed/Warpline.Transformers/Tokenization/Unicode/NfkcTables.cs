namespace Warpline.Transformers;

/// <summary>Full decompositions of the characters that have another one for compatibility than the canonical.</summary>
internal static class NfkcTables
{
    private static readonly Dictionary<int, int[]> _decompositions = [];

    static NfkcTables()
    {
        int code = 0;
        for (var reader = new NumberReader(NfkcData.Decompositions); reader.HasMore;)
        {
            code += reader.Next();
            int[] parts = new int[reader.Next()];
            for (int i = 0; i < parts.Length; i++)
            {
                parts[i] = code + reader.NextSigned();
            }

            _decompositions.Add(code, parts);
        }
    }

    public static bool IsDecomposable(int code) => _decompositions.ContainsKey(code);

    /// <summary>Appends the full decomposition of a code point, itself if it has none.</summary>
    public static void AppendDecomposition(int code, List<int> codes)
    {
        if (_decompositions.TryGetValue(code, out int[]? parts))
        {
            codes.AddRange(parts);
        }
        else
        {
            NfcTables.AppendDecomposition(code, codes);
        }
    }
}
