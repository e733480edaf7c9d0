namespace Warpline.Transformers;

/// <summary>Memory that a session takes on the model's device, beside the weights. The scratch memory of operations, which
/// depends on the device, and results that are larger than a row come in addition.</summary>
/// <param name="Tokens">A decoder's capacity; an encoder's most tokens of a batch.</param>
/// <param name="CacheBytesPerToken">Keys and values of a token in all layers; 0 for an encoder.</param>
/// <param name="WorkingBytes">Activations, a row of logits and the tables of the rotary embedding.</param>
public sealed record SessionMemory(int Tokens, long CacheBytesPerToken, long WorkingBytes)
{
    /// <summary>The cache for all tokens.</summary>
    public long CacheBytes => Tokens * CacheBytesPerToken;

    internal static SessionMemory Of(ArchitectureSpec spec, ElementType type, int capacity) => new(
        capacity,
        SessionCache.BytesPerToken(spec, type),
        DecoderForward.BytesOf(spec, type, Math.Min(DecoderSession.ChunkTokens, capacity)) + RotaryTables.BytesOf(spec, capacity)
            + ((long)spec.VocabularySize * sizeof(float)));
}
