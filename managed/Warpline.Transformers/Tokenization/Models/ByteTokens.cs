namespace Warpline.Transformers;

/// <summary>The tokens &lt;0x00&gt; to &lt;0xFF&gt;, which spell what the vocabulary lacks.</summary>
internal sealed class ByteTokens(Dictionary<string, int> ids)
{
    private readonly int[] _ids = [.. Enumerable.Range(0, 256).Select(value => ids.GetValueOrDefault($"<0x{value:X2}>", -1))];

    /// <summary>Whether every byte has a token.</summary>
    public bool IsComplete => Array.TrueForAll(_ids, id => id >= 0);

    /// <summary>Appends the tokens of a text's bytes, each standing for all of the text.</summary>
    /// <returns>Whether each byte has a token; if not, nothing is appended.</returns>
    public bool TryAppend(ReadOnlySpan<char> text, int start, int end, List<ModelToken> tokens)
    {
        int before = tokens.Count;
        Span<byte> utf8 = stackalloc byte[4];
        for (int position = 0; position < text.Length;)
        {
            int count = Characters.At(text, position, out position).EncodeToUtf8(utf8);
            foreach (byte value in utf8[..count])
            {
                if (_ids[value] < 0)
                {
                    tokens.RemoveRange(before, tokens.Count - before);
                    return false;
                }

                tokens.Add(new ModelToken(_ids[value], start, end));
            }
        }

        return true;
    }
}
