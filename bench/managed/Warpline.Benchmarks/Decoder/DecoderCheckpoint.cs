using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Warpline.Benchmarks.Measuring;
using Warpline.Benchmarks.Peers;
using Warpline.Transformers;

namespace Warpline.Benchmarks.Decoder;

/// <summary>Random weights of <see cref="DecoderShape"/> in a folder in Hugging Face layout, and the same numbers as GGUF.</summary>
internal sealed class DecoderCheckpoint : IDisposable
{
    private const int H = DecoderShape.Hidden, Q = DecoderShape.QueryHeads * DecoderShape.HeadSize;
    private const int K = DecoderShape.KeyHeads * DecoderShape.HeadSize, I = DecoderShape.Intermediate;

    // Names of the two formats; rows and columns, or elements of a norm; heads of what is rotated.
    private static readonly (string Own, string Gguf, int Rows, int Columns, int RotatedHeads)[] _layer =
    [
        ("input_layernorm", "attn_norm", H, 0, 0),
        ("self_attn.q_proj", "attn_q", Q, H, DecoderShape.QueryHeads),
        ("self_attn.k_proj", "attn_k", K, H, DecoderShape.KeyHeads),
        ("self_attn.v_proj", "attn_v", K, H, 0),
        ("self_attn.o_proj", "attn_output", H, Q, 0),
        ("post_attention_layernorm", "ffn_norm", H, 0, 0),
        ("mlp.gate_proj", "ffn_gate", I, H, 0),
        ("mlp.up_proj", "ffn_up", I, H, 0),
        ("mlp.down_proj", "ffn_down", H, I, 0),
    ];

    private readonly RandomWeights _random = new(135);

    public DecoderCheckpoint()
    {
        Folder = Directory.CreateTempSubdirectory("warpline-bench").FullName;
        File.WriteAllText(Path.Combine(Folder, "config.json"), DecoderShape.Config);
        List<(string Own, string Gguf, int Rows, int Columns, int RotatedHeads)> tensors =
            [("model.embed_tokens", "token_embd", DecoderShape.Vocabulary, H, 0)];
        for (int layer = 0; layer < DecoderShape.Layers; layer++)
        {
            tensors.AddRange(_layer.Select(
                tensor => tensor with { Own = $"model.layers.{layer}.{tensor.Own}", Gguf = $"blk.{layer}.{tensor.Gguf}" }));
        }

        tensors.Add(("model.norm", "output_norm", H, 0, 0));
        using SafetensorsWriter own = SafetensorsWriter.Create(
            Path.Combine(Folder, "model.safetensors"),
            [
                .. tensors.Select(tensor => new SafetensorsDeclaration(
                    tensor.Own + ".weight", SafetensorsType.BFloat16, ImmutableArray.Create(Shape(tensor.Rows, tensor.Columns)))),
            ]);
        using GgufWriter gguf = new(
            GgufFile, GgufDecoder.Metadata,
            [.. tensors.Select(tensor => new GgufTensor(tensor.Gguf + ".weight", Shape(tensor.Rows, tensor.Columns), tensor.Columns != 0))]);
        foreach ((_, _, int rows, int columns, int rotatedHeads) in tensors)
        {
            Write(own, gguf, rows, columns, rotatedHeads);
        }

        own.Complete();
    }

    /// <summary>The folder in Hugging Face layout.</summary>
    public string Folder { get; }

    public string GgufFile => Path.Combine(Folder, "model.gguf");

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static long[] Shape(int rows, int columns) => columns == 0 ? [rows] : [rows, columns];

    private void Write(SafetensorsWriter own, GgufWriter gguf, int rows, int columns, int rotatedHeads)
    {
        if (columns == 0)
        {
            // Norms stay float32 in GGUF; one and a little, exact in bfloat16.
            float[] norm = Array.ConvertAll(_random.Next(rows, 0.25f), value => 1 + (MathF.Round(value * 64) / 64));
            own.Write(MemoryMarshal.AsBytes<ushort>(RandomWeights.ToBFloat16(norm)));
            gguf.Write(MemoryMarshal.AsBytes<float>(norm));
            return;
        }

        // Rows of unit variance give rows of unit variance.
        ushort[] values = RandomWeights.ToBFloat16(_random.Next((long)rows * columns, MathF.Sqrt(3f / columns)));
        own.Write(MemoryMarshal.AsBytes<ushort>(values));
        gguf.Write(MemoryMarshal.AsBytes<ushort>(rotatedHeads == 0 ? values : GgufDecoder.Interleave(values, rotatedHeads, columns)));
    }
}
