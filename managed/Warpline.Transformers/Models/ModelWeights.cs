namespace Warpline.Transformers;

/// <summary>The weights of one layer.</summary>
internal sealed record LayerWeights(
    TensorRef InputNorm,
    LinearLayer Query,
    LinearLayer Key,
    LinearLayer Value,
    TensorRef QueryNorm,
    TensorRef KeyNorm,
    LinearLayer AttentionOutput,
    TensorRef MlpNorm,
    (LinearLayer Gate, LinearLayer Up) Gated,
    LinearLayer Down);

/// <summary>
/// All weights of a model, found by the architecture's names and checked against its shapes. The source stays theirs and is
/// disposed with them.
/// </summary>
internal sealed class ModelWeights : IDisposable
{
    private readonly IWeightSource _source;
    private readonly ArchitectureSpec _spec;
    private readonly WeightBinder _binder;

    public ModelWeights(
        ArchitectureSpec spec,
        IWeightSource source,
        ModelOptions options,
        bool plan,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        (_spec, _source) = (spec, source);
        _binder = new WeightBinder(source, options, plan, progress, cancellation);
        WeightNames names = spec.Names;
        try
        {
            (string embedding, bool shared) = PlaceEmbedding();
            _binder.Total = (spec.LayerCount * LayerTensors(spec)) + (shared ? 2 : 3);
            Embedding = shared
                ? _binder.Matrix(_binder.Require(embedding, spec.VocabularySize, spec.HiddenSize))
                : Find(embedding, spec.VocabularySize, spec.HiddenSize);
            Layers = [.. Enumerable.Range(0, spec.LayerCount).Select(BindLayer)];
            FinalNorm = Find(names.FinalNorm, spec.HiddenSize);
            OutputHead = shared
                ? _binder.Linear(Embedding, default, shared: true)
                : Linear(names.OutputHead, spec.VocabularySize, spec.HiddenSize, bias: false);
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

    public TensorRef Embedding { get; }

    public LayerWeights[] Layers { get; }

    public TensorRef FinalNorm { get; }

    public LinearLayer OutputHead { get; }

    /// <summary>What has become of the source's tensors.</summary>
    public WeightAccount Account { get; }

    public void Dispose()
    {
        _binder.Dispose();
        _source.Dispose();
    }

    private static int LayerTensors(ArchitectureSpec spec) =>
        9 + (spec.QueryKeyValueBias ? 3 : 0) + (spec.AttentionOutputBias ? 1 : 0) + (spec.MlpBias ? 3 : 0)
        + (spec.QueryKeyNorm ? 2 : 0);

    // Where the embedding lies and whether the head is the same matrix. As in transformers 5, tied matrices that are stored
    // both and differ are not tied, and either of them may be the one that is stored. A plan takes stored ones for equal.
    private (string Embedding, bool Shared) PlaceEmbedding()
    {
        string embedding = _spec.Names.Embedding, head = _spec.Names.OutputHead + ".weight";
        if (!_spec.TiedEmbeddings || !_source.TryGet(head, out WeightTensor stored))
        {
            return (embedding, _spec.TiedEmbeddings);
        }

        if (!_source.TryGet(embedding, out WeightTensor tensor))
        {
            return (head, true);
        }

        bool equal = _binder.IsPlan || AreEqual(tensor, stored);
        if (equal)
        {
            _binder.Release(stored.Address);
        }

        return (embedding, equal);
    }

    private static unsafe bool AreEqual(WeightTensor a, WeightTensor b)
    {
        const int step = 1 << 30;
        if (a.Type != b.Type || !a.Shape.AsSpan().SequenceEqual(b.Shape.AsSpan()))
        {
            return false;
        }

        long bytes = a.ElementCount * a.Type.ByteSize();
        for (long done = 0; done < bytes; done += step)
        {
            int count = (int)Math.Min(step, bytes - done);
            if (!new ReadOnlySpan<byte>((byte*)a.Address + done, count).SequenceEqual(new ReadOnlySpan<byte>((byte*)b.Address + done, count)))
            {
                return false;
            }
        }

        return true;
    }

    private LayerWeights BindLayer(int layer)
    {
        ArchitectureSpec spec = _spec;
        WeightNames names = spec.Names;
        long queries = (long)spec.QueryHeads * spec.HeadSize, keys = (long)spec.KeyValueHeads * spec.HeadSize;
        string Name(string template) => WeightNames.Of(template, layer);
        return new LayerWeights(
            InputNorm: Find(Name(names.InputNorm), spec.HiddenSize),
            Query: Linear(Name(names.Query), queries, spec.HiddenSize, spec.QueryKeyValueBias),
            Key: Linear(Name(names.Key), keys, spec.HiddenSize, spec.QueryKeyValueBias),
            Value: Linear(Name(names.Value), keys, spec.HiddenSize, spec.QueryKeyValueBias),
            QueryNorm: spec.QueryKeyNorm ? Find(Name(names.QueryNorm), spec.HeadSize) : default,
            KeyNorm: spec.QueryKeyNorm ? Find(Name(names.KeyNorm), spec.HeadSize) : default,
            AttentionOutput: Linear(Name(names.AttentionOutput), spec.HiddenSize, queries, spec.AttentionOutputBias),
            MlpNorm: Find(Name(names.MlpNorm), spec.HiddenSize),
            Gated: _binder.Gated(
                Weight(Name(names.Gate), spec.IntermediateSize, spec.HiddenSize), Bias(Name(names.Gate), spec.IntermediateSize, spec.MlpBias),
                Weight(Name(names.Up), spec.IntermediateSize, spec.HiddenSize), Bias(Name(names.Up), spec.IntermediateSize, spec.MlpBias)),
            Down: Linear(Name(names.Down), spec.HiddenSize, spec.IntermediateSize, spec.MlpBias));
    }

    private LinearLayer Linear(string name, long outputs, long inputs, bool bias) =>
        _binder.Linear([Weight(name, outputs, inputs)], Bias(name, outputs, bias));

    private WeightTensor Weight(string name, long outputs, long inputs) => _binder.Require(name + ".weight", outputs, inputs);

    private TensorRef Bias(string name, long outputs, bool bias) => bias ? Find(name + ".bias", outputs) : default;

    private TensorRef Find(string name, params ReadOnlySpan<long> shape) => _binder.Find(name, shape);
}
