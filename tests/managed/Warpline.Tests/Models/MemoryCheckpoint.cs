using System.Text;
using Warpline.Tests.Bindings;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>A small Llama with random weights, in memory and, with the same values as float32, in a folder.</summary>
internal sealed class MemoryCheckpoint : IDisposable
{
    private const int Vocabulary = 50, Hidden = 32, Intermediate = 40, Heads = 4, KeyHeads = 2, HeadSize = 8, Layers = 2;
    private const int Seed = 7;

    private readonly StringBuilder _header = new();
    private readonly MemoryStream _data = new();
    private readonly ElementType _type;
    private readonly string? _leaveOut;
    private readonly Random _random = new(Seed);

    /// <param name="type">Of the matrices in memory, rounded to it, and of the vectors where it holds their values.</param>
    /// <param name="leaveOut">A weight that is not in memory.</param>
    /// <param name="equalHead">Whether the head has the numbers of the embedding.</param>
    public MemoryCheckpoint(ElementType type, string? leaveOut = null, bool equalHead = false)
    {
        (_type, _leaveOut) = (type, leaveOut);
        Add("model.embed_tokens.weight", Vocabulary, Hidden);
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Add(prefix + "input_layernorm.weight", Hidden);
            Add(prefix + "self_attn.q_proj.weight", Heads * HeadSize, Hidden);
            Add(prefix + "self_attn.k_proj.weight", KeyHeads * HeadSize, Hidden);
            Add(prefix + "self_attn.v_proj.weight", KeyHeads * HeadSize, Hidden);
            Add(prefix + "self_attn.o_proj.weight", Hidden, Heads * HeadSize);
            Add(prefix + "post_attention_layernorm.weight", Hidden);
            Add(prefix + "mlp.gate_proj.weight", Intermediate, Hidden);
            Add(prefix + "mlp.up_proj.weight", Intermediate, Hidden);
            Add(prefix + "mlp.down_proj.weight", Hidden, Intermediate);
        }

        Add("model.norm.weight", Hidden);
        _random = equalHead ? new Random(Seed) : _random;
        Add("lm_head.weight", Vocabulary, Hidden);
        WriteFiles();
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("warpline-test").FullName;

    public InMemoryWeights Weights { get; } = new();

    public ModelConfig Config => ModelConfig.Load(Directory);

    public void Dispose()
    {
        Weights.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private void Add(string name, params long[] shape)
    {
        long count = shape.Aggregate((a, b) => a * b);
        float[] values = new float[count];
        Half[] halves = new Half[count];
        int begin = (int)_data.Length;
        for (int i = 0; i < count; i++)
        {
            // Norm weights near one, others near zero; exact in float16 so that both forms hold the same numbers.
            double value = shape.Length == 1 ? 1 + (0.2 * _random.NextDouble()) : (_random.NextDouble() - 0.5) * 0.6;
            halves[i] = (Half)value;
            values[i] = (float)halves[i];
            _data.Write(BitConverter.GetBytes(values[i]));
        }

        _header.Append(_header.Length == 0 ? "{" : ",").Append(
            $"\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{begin},{_data.Length}]}}");
        if (name == _leaveOut)
        {
            return;
        }

        if (_type == ElementType.Float16)
        {
            Weights.Add(name, halves, _type, shape);
        }
        else if (_type == ElementType.BFloat16 && shape.Length == 2)
        {
            Weights.Add(name, Array.ConvertAll(values, Numbers.ToBFloat16), _type, shape);
        }
        else
        {
            Weights.Add(name, values, shape);
        }
    }

    private void WriteFiles()
    {
        byte[] header = Encoding.UTF8.GetBytes(_header.Append('}').ToString());
        byte[] padded = [.. header, .. Enumerable.Repeat((byte)' ', (8 - (header.Length % 8)) % 8)];
        File.WriteAllBytes(
            Path.Combine(Directory, "model.safetensors"), [.. BitConverter.GetBytes((long)padded.Length), .. padded, .. _data.ToArray()]);
        File.WriteAllText(Path.Combine(Directory, "config.json"), $$"""
            {
              "model_type": "llama", "vocab_size": {{Vocabulary}}, "hidden_size": {{Hidden}}, "intermediate_size": {{Intermediate}},
              "num_attention_heads": {{Heads}}, "num_key_value_heads": {{KeyHeads}}, "head_dim": {{HeadSize}},
              "num_hidden_layers": {{Layers}}, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0
            }
            """);
    }
}
