namespace Warpline.Transformers;

/// <summary>A LayerNorm's weight and bias.</summary>
internal readonly record struct NormWeights(TensorRef Weight, TensorRef Bias);

/// <summary>The weights of one layer. Queries, keys and values are one product: their matrices are stacked at load.</summary>
internal sealed record EncoderLayerWeights(
    LinearLayer QueryKeyValue,
    LinearLayer AttentionOutput,
    NormWeights AttentionNorm,
    LinearLayer Up,
    LinearLayer Down,
    NormWeights OutputNorm);

/// <summary>
/// All weights of an encoder, found by the architecture's names, with or without the prefix of a model with a head, and checked
/// against its shapes.
/// </summary>
internal sealed class EncoderWeights : IDisposable
{
    private const int _weightsOfALayer = 16;

    private readonly IWeightSource _source;
    private readonly EncoderSpec _spec;
    private readonly WeightBinder _binder;
    private readonly string _prefix;

    public EncoderWeights(
        EncoderSpec spec,
        IWeightSource source,
        ModelOptions options,
        bool plan,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        (_spec, _source) = (spec, source);
        _binder = new WeightBinder(source, options, plan, progress, cancellation);
        EncoderConfig config = spec.Config;
        EncoderWeightNames names = spec.Names;
        try
        {
            _prefix = source.TryGet(names.Prefix + names.WordEmbedding, out _) ? names.Prefix : "";
            bool projects = names.EmbeddingProjection is not null
                && (config.EmbeddingSize != config.HiddenSize || names.AlwaysProjects);
            bool pools = names.Pooler is not null && Has(names.Pooler + ".weight");
            _binder.Total = (config.DistinctLayerCount * _weightsOfALayer) + (config.TypeVocabularySize == 0 ? 4 : 5)
                + (projects ? 2 : 0) + (pools ? 2 : 0);
            WordEmbedding = _binder.Place(Require(names.WordEmbedding, config.VocabularySize, config.EmbeddingSize));
            PositionEmbedding = PositionsWithType();
            EmbeddingNorm = Norm(names.EmbeddingNorm, config.EmbeddingSize);
            EmbeddingProjection = projects ? Linear(config.HiddenSize, config.EmbeddingSize, names.EmbeddingProjection!) : null;
            EncoderLayerWeights[] distinct = [.. Enumerable.Range(0, config.DistinctLayerCount).Select(BindLayer)];

            // In floating point, as transformers does it: where groups are of unequal sizes, rounding decides.
            Layers = [.. Enumerable.Range(0, config.LayerCount).Select(
                layer => distinct[(int)(layer / ((double)config.LayerCount / distinct.Length))])];
            Pooler = pools ? Linear(config.HiddenSize, config.HiddenSize, names.Pooler!) : null;
            _binder.Complete();
            Account = _binder.Account;
        }
        catch
        {
            // The source stays the caller's where binding fails.
            _binder.Dispose();
            throw;
        }
    }

    public TensorRef WordEmbedding { get; }

    /// <summary>Float32: positions, each with the embedding of the first token type added.</summary>
    public TensorRef PositionEmbedding { get; }

    public NormWeights EmbeddingNorm { get; }

    /// <summary>From the embeddings' width to the layers'; null where they are one.</summary>
    public LinearLayer? EmbeddingProjection { get; }

    /// <summary>For each layer; layers may share theirs.</summary>
    public EncoderLayerWeights[] Layers { get; }

    /// <summary>Null where the checkpoint has none.</summary>
    public LinearLayer? Pooler { get; }

    /// <summary>What has become of the source's tensors.</summary>
    public WeightAccount Account { get; }

    public void Dispose()
    {
        _binder.Dispose();
        _source.Dispose();
    }

    private bool Has(string name) => _source.TryGet(_prefix + name, out _);

    private EncoderLayerWeights BindLayer(int layer)
    {
        EncoderWeightNames names = _spec.Names;
        int hidden = _spec.Config.HiddenSize, inner = _spec.Config.IntermediateSize;
        string Name(string template) => WeightNames.Of(template, layer);
        return new EncoderLayerWeights(
            QueryKeyValue: Linear(hidden, hidden, Name(names.Query), Name(names.Key), Name(names.Value)),
            AttentionOutput: Linear(hidden, hidden, Name(names.AttentionOutput)),
            AttentionNorm: Norm(Name(names.AttentionNorm), hidden),
            Up: Linear(inner, hidden, Name(names.Up)),
            Down: Linear(hidden, inner, Name(names.Down)),
            OutputNorm: Norm(Name(names.OutputNorm), hidden));
    }

    // All tokens are of the first type, so its row can be added to every position beforehand.
    private TensorRef PositionsWithType()
    {
        EncoderConfig config = _spec.Config;
        WeightTensor positions = Require(_spec.Names.PositionEmbedding, config.PositionCount, config.EmbeddingSize);
        if (config.TypeVocabularySize == 0)
        {
            return _binder.Make(ElementType.Float32, positions.Shape.AsSpan(), [positions], () => WeightValues.ToSingle(positions));
        }

        WeightTensor types = Require(_spec.Names.TypeEmbedding, config.TypeVocabularySize, config.EmbeddingSize);
        return _binder.Make(ElementType.Float32, positions.Shape.AsSpan(), [positions, types], () => Add(positions, types));
    }

    private static HostTensor Add(WeightTensor positions, WeightTensor types)
    {
        using HostTensor first = WeightValues.ToSingle(types);
        HostTensor result = WeightValues.ToSingle(positions);
        Span<float> type = first.AsSpan<float>()[..(int)types.Shape[1]], rows = result.AsSpan<float>();
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] += type[i % type.Length];
        }

        return result;
    }

    /// <summary>A norm's weights, under their names or under those of the oldest checkpoints, gamma and beta.</summary>
    private NormWeights Norm(string name, int size)
    {
        bool old = !Has(name + ".weight") && Has(name + ".gamma");
        return new NormWeights(Find(old ? ".gamma" : ".weight"), Find(old ? ".beta" : ".bias"));

        TensorRef Find(string part) => _binder.Find(_prefix + name + part, size);
    }

    /// <summary>One linear layer from the matrices and biases of one or several of the same shape.</summary>
    private LinearLayer Linear(long outputs, long inputs, params ReadOnlySpan<string> names)
    {
        WeightTensor[] weights = new WeightTensor[names.Length], biases = new WeightTensor[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            weights[i] = Require(names[i] + ".weight", outputs, inputs);
            biases[i] = Require(names[i] + ".bias", outputs);
        }

        long rows = names.Length * outputs;
        TensorRef bias = _binder.Make(ElementType.Float32, [rows], biases, () => WeightValues.Stack(biases, ElementType.Float32));
        return _binder.Linear(weights, bias);
    }

    private WeightTensor Require(string name, params ReadOnlySpan<long> shape) => _binder.Require(_prefix + name, shape);
}
