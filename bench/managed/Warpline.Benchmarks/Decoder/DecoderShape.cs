namespace Warpline.Benchmarks.Decoder;

/// <summary>A Llama with 135 million weights, as SmolLM is; its numbers are random.</summary>
internal static class DecoderShape
{
    public const int Hidden = 576, Layers = 30, QueryHeads = 9, KeyHeads = 3, HeadSize = 64, Intermediate = 1536, Vocabulary = 49152;
    public const int Positions = 8704;
    public const float NormEpsilon = 1e-5f, RotaryBase = 10_000;
    public const int BeginToken = 1, EndToken = 2;

    /// <summary>Bytes of bfloat16 weights that each token reads: all but the embedding, which is the head too.</summary>
    public const long WeightBytes = 2L * ((Vocabulary * Hidden) + (Layers * (long)LayerWeights));

    /// <summary>Bytes of keys and values, of 16 bits, that a token reads for each one before it.</summary>
    public const long CacheBytesPerToken = 2L * Layers * 2 * KeyHeads * HeadSize;

    private const int LayerWeights = (2 * Hidden * (QueryHeads + KeyHeads) * HeadSize) + (3 * Hidden * Intermediate);

    /// <summary>config.json.</summary>
    public static string Config => $$"""
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": {{Hidden}}, "num_hidden_layers": {{Layers}},
          "num_attention_heads": {{QueryHeads}}, "num_key_value_heads": {{KeyHeads}}, "head_dim": {{HeadSize}},
          "intermediate_size": {{Intermediate}}, "vocab_size": {{Vocabulary}}, "max_position_embeddings": {{Positions}},
          "rms_norm_eps": 1e-5, "rope_theta": {{RotaryBase}}, "hidden_act": "silu", "tie_word_embeddings": true,
          "bos_token_id": {{BeginToken}}, "eos_token_id": {{EndToken}}, "torch_dtype": "bfloat16"
        }
        """;
}
