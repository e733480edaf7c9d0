using System.Numerics.Tensors;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>What happens to a sentence's vector behind the pooling. On the processor: it is little next to the encoder.</summary>
internal abstract class SentenceStep
{
    /// <summary>Numbers of the result for so many of the input.</summary>
    /// <exception cref="InvalidDataException">The step takes another number.</exception>
    public abstract int OutputSize(int inputSize);

    /// <summary>Computes the result, which may be the input's own memory.</summary>
    public abstract Span<float> Apply(Span<float> vector);
}

/// <summary>Divides by the Euclidean length, at least 1e-12.</summary>
internal sealed class SentenceNormalize : SentenceStep
{
    private const float _leastLength = 1e-12f;

    public override int OutputSize(int inputSize) => inputSize;

    public override Span<float> Apply(Span<float> vector)
    {
        TensorPrimitives.Divide(vector, MathF.Max(TensorPrimitives.Norm(vector), _leastLength), vector);
        return vector;
    }
}

/// <summary>y = act(W x + b).</summary>
internal sealed class SentenceDense : SentenceStep
{
    private readonly string _source;
    private readonly int _inputs;
    private readonly float[] _weight, _bias, _result;
    private readonly Action<Span<float>>? _activation;

    private SentenceDense(string source, int inputs, float[] weight, float[] bias, Action<Span<float>>? activation)
    {
        (_source, _inputs, _weight, _bias, _activation) = (source, inputs, weight, bias, activation);
        _result = new float[bias.Length];
    }

    public static SentenceDense Load(string folder, Dictionary<string, JsonElement> keys)
    {
        string source = Path.Combine(folder, "config.json");
        ConfigValue Value(string key) => new(source, key, keys.GetValueOrDefault(key));
        int Size(string key) => Value(key).Integer(1, ModelRules.MaxWidth) ?? throw Value(key).Missing("an integer above 0");
        int inputs = Size("in_features"), outputs = Size("out_features");
        using CheckpointWeights weights = CheckpointWeights.Open(folder);
        using WeightBinder binder = new(weights, new ModelOptions(), plan: false, null, CancellationToken.None);
        float[] bias = Value("bias").Flag() == false ? new float[outputs] : Values(binder.Require("linear.bias", outputs));
        return new SentenceDense(
            source, inputs, Values(binder.Require("linear.weight", outputs, inputs)), bias, Activation(Value("activation_function")));
    }

    public override int OutputSize(int inputSize) => inputSize == _inputs ? _bias.Length : throw new InvalidDataException(
        $"{_source}: in_features = {_inputs}; {inputSize} is required, the size of what comes in.");

    public override Span<float> Apply(Span<float> vector)
    {
        for (int i = 0; i < _result.Length; i++)
        {
            _result[i] = TensorPrimitives.Dot(_weight.AsSpan(i * _inputs, _inputs), vector) + _bias[i];
        }

        _activation?.Invoke(_result);
        return _result;
    }

    private static float[] Values(WeightTensor tensor)
    {
        using HostTensor values = WeightValues.ToSingle(tensor);
        return values.AsSpan<float>().ToArray();
    }

    // A class of torch.nn by its full name; what is absent is a tanh, as in sentence-transformers.
    private static Action<Span<float>>? Activation(ConfigValue key)
    {
        string? name = key.Text();
        return name?[(name.LastIndexOf('.') + 1)..] switch
        {
            null or "Tanh" => values => TensorPrimitives.Tanh(values, values),
            "Identity" => null,
            "ReLU" => values => TensorPrimitives.Max(values, 0f, values),
            _ => throw key.Wrong("Tanh, Identity or ReLU"),
        };
    }
}
