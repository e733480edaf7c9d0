using System.Text;
using Warpline.Benchmarks.Measuring;
using Warpline.Transformers;

namespace Warpline.Benchmarks.Encoder;

/// <summary>An encoder of the shape of all-MiniLM-L6-v2, with random weights.</summary>
internal sealed class EncoderTensors
{
    public const int Hidden = 384, Layers = 6, Heads = 12, Intermediate = 1536, Vocabulary = 30522, Positions = 512;
    public const float NormEpsilon = 1e-12f;

    private readonly RandomWeights _random = new(22);
    private readonly Dictionary<string, (float[] Values, long[] Shape)> _tensors = [];

    public EncoderTensors()
    {
        Matrix("embeddings.word_embeddings.weight", Vocabulary, Hidden);
        Matrix("embeddings.position_embeddings.weight", Positions, Hidden);
        Matrix("embeddings.token_type_embeddings.weight", 2, Hidden);
        Norm("embeddings.LayerNorm");
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"encoder.layer.{layer}.";
            foreach (string name in new[] { "query", "key", "value" })
            {
                Linear($"{prefix}attention.self.{name}", Hidden, Hidden);
            }

            Linear(prefix + "attention.output.dense", Hidden, Hidden);
            Norm(prefix + "attention.output.LayerNorm");
            Linear(prefix + "intermediate.dense", Intermediate, Hidden);
            Linear(prefix + "output.dense", Hidden, Intermediate);
            Norm(prefix + "output.LayerNorm");
        }
    }

    /// <summary>The values of a tensor, under its name in checkpoints.</summary>
    public float[] this[string name] => _tensors[name].Values;

    /// <summary>The model on Warpline; the caller's to dispose.</summary>
    public EncoderModel CreateModel(ElementType activations)
    {
        EncoderConfig config = EncoderConfig.Parse(Encoding.UTF8.GetBytes($$"""
            {
              "model_type": "bert", "hidden_size": {{Hidden}}, "num_hidden_layers": {{Layers}}, "num_attention_heads": {{Heads}},
              "intermediate_size": {{Intermediate}}, "vocab_size": {{Vocabulary}}, "max_position_embeddings": {{Positions}},
              "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"
            }
            """));
        InMemoryWeights weights = new();
        foreach ((string name, (float[] values, long[] shape)) in _tensors)
        {
            weights.Add(name, values, shape);
        }

        return EncoderModel.Create(config, weights, new ModelOptions { ActivationType = activations, PackWeights = true });
    }

    private void Linear(string name, int outputs, int inputs)
    {
        Matrix(name + ".weight", outputs, inputs);
        _tensors.Add(name + ".bias", (_random.Next(outputs, 0.1f), [outputs]));
    }

    private void Matrix(string name, int rows, int columns) =>
        _tensors.Add(name, (_random.Next((long)rows * columns, MathF.Sqrt(3f / columns)), [rows, columns]));

    private void Norm(string name)
    {
        _tensors.Add(name + ".weight", (Array.ConvertAll(_random.Next(Hidden, 0.2f), value => 1 + value), [Hidden]));
        _tensors.Add(name + ".bias", (_random.Next(Hidden, 0.1f), [Hidden]));
    }
}
