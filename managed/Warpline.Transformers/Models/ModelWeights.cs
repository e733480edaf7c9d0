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
    LinearLayer Gate,
    LinearLayer Up,
    LinearLayer Down);

/// <summary>
/// All weights of a model, found by the architecture's names and checked against its shapes. On the processor they are views
/// of the source, which stays theirs and is disposed with them; a GPU has copies in its own memory.
/// </summary>
internal sealed class ModelWeights : IDisposable
{
    private readonly IWeightSource _source;
    private readonly ArchitectureSpec _spec;
    private readonly ModelOptions _options;
    private readonly Workspace _workspace;
    private readonly List<DeviceTensor> _copies = [];
    private readonly List<LinearLayer> _linearLayers = [];
    private readonly HashSet<nint> _counted = [];
    private readonly IProgress<LoadProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly int _total;
    private int _done;

    public ModelWeights(
        ArchitectureSpec spec,
        IWeightSource source,
        ModelOptions options,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        (_spec, _source, _options, _progress, _cancellation) = (spec, source, options, progress, cancellation);
        _workspace = new Workspace(options.Device, options.BatchInvariant);
        WeightNames names = spec.Names;
        (string embedding, bool shared) = PlaceEmbedding();
        _total = (spec.LayerCount * LayerTensors(spec)) + (shared ? 2 : 3);
        try
        {
            Embedding = Find(embedding, spec.VocabularySize, spec.HiddenSize);
            Layers = [.. Enumerable.Range(0, spec.LayerCount).Select(BindLayer)];
            FinalNorm = Find(names.FinalNorm, spec.HiddenSize);
            OutputHead = shared
                ? Own(new LinearLayer(Embedding, default, options.PackWeights))
                : Linear(names.OutputHead, spec.VocabularySize, spec.HiddenSize, bias: false);
            _workspace.Synchronize();
        }
        catch
        {
            // The source stays the caller's where binding fails.
            Free();
            throw;
        }
    }

    public TensorRef Embedding { get; }

    public LayerWeights[] Layers { get; }

    public TensorRef FinalNorm { get; }

    public LinearLayer OutputHead { get; }

    /// <summary>Bytes of all bound tensors, each once, and of packed copies.</summary>
    public long Bytes { get; private set; }

    /// <summary>Elements of all bound tensors, each counted once.</summary>
    public long ParameterCount { get; private set; }

    public void Dispose()
    {
        Free();
        _source.Dispose();
    }

    private static int LayerTensors(ArchitectureSpec spec) =>
        9 + (spec.QueryKeyValueBias ? 3 : 0) + (spec.AttentionOutputBias ? 1 : 0) + (spec.MlpBias ? 3 : 0)
        + (spec.QueryKeyNorm ? 2 : 0);

    // Where the embedding lies and whether the head is the same matrix. As in transformers 5, tied matrices that are stored
    // both and differ are not tied, and either of them may be the one that is stored.
    private (string Embedding, bool Shared) PlaceEmbedding()
    {
        string embedding = _spec.Names.Embedding, head = _spec.Names.OutputHead + ".weight";
        if (!_spec.TiedEmbeddings || !_source.TryGet(head, out WeightTensor stored))
        {
            return (embedding, _spec.TiedEmbeddings);
        }

        return _source.TryGet(embedding, out WeightTensor tensor) ? (embedding, AreEqual(tensor, stored)) : (head, true);
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
            Gate: Linear(Name(names.Gate), spec.IntermediateSize, spec.HiddenSize, spec.MlpBias),
            Up: Linear(Name(names.Up), spec.IntermediateSize, spec.HiddenSize, spec.MlpBias),
            Down: Linear(Name(names.Down), spec.HiddenSize, spec.IntermediateSize, spec.MlpBias));
    }

    private LinearLayer Linear(string name, long outputs, long inputs, bool bias)
    {
        TensorRef weight = Find(name + ".weight", outputs, inputs);
        return Own(new LinearLayer(weight, bias ? Find(name + ".bias", outputs) : default, _options.PackWeights));
    }

    private LinearLayer Own(LinearLayer layer)
    {
        _linearLayers.Add(layer);
        Bytes += layer.PackedBytes;
        return layer;
    }

    private TensorRef Find(string name, params ReadOnlySpan<long> shape)
    {
        _cancellation.ThrowIfCancellationRequested();
        if (!_source.TryGet(name, out WeightTensor tensor))
        {
            throw new InvalidDataException(
                $"The weight \"{name}\" of shape {Text(shape)} is required, but the checkpoint does not have it.");
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new InvalidDataException(
                $"The weight \"{name}\" has the shape {Text(tensor.Shape.AsSpan())}; {Text(shape)} is required by the configuration.");
        }

        bool mixedHalves = (tensor.Type, _options.ActivationType) is (ElementType.Float16, ElementType.BFloat16)
            or (ElementType.BFloat16, ElementType.Float16);
        if (tensor.Type == ElementType.Int32 || mixedHalves)
        {
            string accepted = _options.ActivationType == ElementType.Float32
                ? "Float32, Float16 or BFloat16"
                : $"Float32 or {_options.ActivationType}";
            throw new InvalidDataException(
                $"The weight \"{name}\" is stored as {tensor.Type}; activations of {_options.ActivationType} require {accepted}.");
        }

        TensorRef weight = TensorRef.FromAddress(tensor.Address, tensor.Type, shape);
        if (_counted.Add(tensor.Address))
        {
            ParameterCount += weight.ElementCount;
            Bytes += weight.ElementCount * tensor.Type.ByteSize();
        }

        if (_workspace.Stream is not null)
        {
            DeviceTensor copy = DeviceTensor.Copy(_options.Device, weight, _workspace.Stream);
            _copies.Add(copy);
            weight = copy.View;
        }

        _progress?.Report(new LoadProgress("weights", ++_done, _total));
        return weight;
    }

    private void Free()
    {
        _workspace.Synchronize();
        _linearLayers.ForEach(layer => layer.Dispose());
        _copies.ForEach(copy => copy.Dispose());
        _workspace.Dispose();
    }

    private static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
