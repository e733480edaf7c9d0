using Warpline.Benchmarks.Decoder;

namespace Warpline.Benchmarks.Peers;

/// <summary>How <see cref="DecoderShape"/> is told to llama.cpp.</summary>
internal static class GgufDecoder
{
    /// <summary>The model's numbers, and a vocabulary without meaning, which the loader demands.</summary>
    public static IReadOnlyList<(string Key, object Value)> Metadata =>
    [
        ("general.architecture", "llama"),
        ("general.file_type", 32u),
        ("llama.block_count", (uint)DecoderShape.Layers),
        ("llama.context_length", (uint)DecoderShape.Positions),
        ("llama.embedding_length", (uint)DecoderShape.Hidden),
        ("llama.feed_forward_length", (uint)DecoderShape.Intermediate),
        ("llama.attention.head_count", (uint)DecoderShape.QueryHeads),
        ("llama.attention.head_count_kv", (uint)DecoderShape.KeyHeads),
        ("llama.attention.layer_norm_rms_epsilon", DecoderShape.NormEpsilon),
        ("llama.rope.freq_base", DecoderShape.RotaryBase),
        ("llama.rope.dimension_count", (uint)DecoderShape.HeadSize),
        ("llama.vocab_size", (uint)DecoderShape.Vocabulary),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "default"),
        ("tokenizer.ggml.tokens", Enumerable.Range(0, DecoderShape.Vocabulary).Select(id => $"t{id}").ToArray()),
        ("tokenizer.ggml.token_type", Enumerable.Repeat(1, DecoderShape.Vocabulary).ToArray()),
        ("tokenizer.ggml.merges", new[] { "t 1" }),
        ("tokenizer.ggml.bos_token_id", (uint)DecoderShape.BeginToken),
        ("tokenizer.ggml.eos_token_id", (uint)DecoderShape.EndToken),
    ];

    /// <summary>Rows of a projection whose output is rotated: llama.cpp rotates neighbours, Hugging Face's Llama halves.</summary>
    public static ushort[] Interleave(ushort[] values, int heads, int columns)
    {
        ushort[] result = new ushort[values.Length];
        int rows = values.Length / columns / heads;
        for (int head = 0; head < heads; head++)
        {
            for (int row = 0; row < rows; row++)
            {
                int from = (head * rows) + (row % 2 * rows / 2) + (row / 2);
                values.AsSpan(from * columns, columns).CopyTo(result.AsSpan(((head * rows) + row) * columns));
            }
        }

        return result;
    }
}
