namespace Warpline.Transformers;

/// <summary>
/// The one forward pass of all encoders, with the activations of a batch. Sequences lie behind each other without padding;
/// attention finds them by their offsets. Residual sums are the norms' own, biases and activations the products' epilogues.
/// </summary>
internal sealed unsafe class EncoderForward : IDisposable
{
    private readonly EncoderSpec _spec;
    private readonly EncoderWeights _weights;
    private readonly Workspace _workspace;
    private readonly List<DeviceTensor> _owned = [];

    private readonly Activation _activation;

    // Rows are tokens of the batch; the buffers hold the largest one.
    private readonly TensorRef _embedded, _positions, _hidden, _queryKeyValue, _attended, _product, _inner;

    // Tokens, their positions and the sequences' offsets; where pooled ranges end. Staged where the device can copy from.
    private readonly DeviceTensor _numbers, _ends;
    private readonly int[] _staged, _stagedEnds;

    private DeviceTensor? _results;
    private int _rows, _sequences;

    public EncoderForward(EncoderSpec spec, EncoderWeights weights, Workspace workspace, ElementType type, int rows)
    {
        (_spec, _weights, _workspace) = (spec, weights, workspace);
        EncoderConfig config = spec.Config;
        _staged = GC.AllocateArray<int>(checked((3 * rows) + 1), pinned: true);
        _stagedEnds = GC.AllocateArray<int>(checked((2 * rows) + 1), pinned: true);
        _activation = config.Activation.ToOp();
        try
        {
            _positions = Allocate(ElementType.Float32, rows, config.EmbeddingSize).View;
            _hidden = Allocate(type, rows, config.HiddenSize).View;
            _embedded = weights.EmbeddingProjection is null ? _hidden : Allocate(type, rows, config.EmbeddingSize).View;
            _queryKeyValue = Allocate(type, rows, 3, config.HeadCount, spec.HeadSize).View;
            _attended = Allocate(type, rows, config.HeadCount, spec.HeadSize).View;
            _product = Allocate(type, rows, config.HiddenSize).View;
            _inner = Allocate(type, rows, config.IntermediateSize).View;
            _numbers = Allocate(ElementType.Int32, _staged.Length);
            _ends = Allocate(ElementType.Int32, _stagedEnds.Length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the buffers.</summary>
    public long ByteCount => _owned.Sum(tensor => tensor.ByteCount);

    /// <summary>Bytes of the buffers for so many rows.</summary>
    public static long BytesOf(EncoderSpec spec, bool projects, ElementType type, int rows)
    {
        EncoderConfig config = spec.Config;
        long activations = (6L * config.HiddenSize) + config.IntermediateSize + (projects ? config.EmbeddingSize : 0);
        long numbers = (5L * rows) + 2;
        return (rows * ((activations * type.ByteSize()) + ((long)config.EmbeddingSize * sizeof(float)))) + (numbers * sizeof(int));
    }

    /// <summary>Enqueues a batch, whose last hidden states stay here until the next.</summary>
    /// <param name="tokens">At most as many as the buffers have rows.</param>
    /// <param name="lengths">Of the sequences, each at least 1, together the tokens.</param>
    public void Run(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths)
    {
        Stage(tokens, lengths);
        TensorRef ids = First(_numbers.View, _rows), positions = _numbers.View.Slice(0, _rows, _rows);
        TensorRef embedded = First(_embedded, _rows), added = First(_positions, _rows);
        Embedding.Lookup(_weights.WordEmbedding, ids, embedded, _workspace.Context);
        Embedding.Lookup(_weights.PositionEmbedding, positions, added, _workspace.Context);
        Normalize(embedded, added, _weights.EmbeddingNorm);
        _weights.EmbeddingProjection?.Apply(embedded, First(_hidden, _rows), default, _workspace);
        foreach (EncoderLayerWeights layer in _weights.Layers)
        {
            Attend(layer);
            FeedForward(layer);
        }
    }

    /// <summary>One row for each range of the latest batch's last hidden states, in float32; done when it returns.</summary>
    /// <param name="kind">How.</param>
    /// <param name="ends">Where each range ends; the first begins with row 0, the others where the one before ends. At most
    /// two for each row of the largest batch.</param>
    /// <param name="destination">Ranges * hidden size numbers; pinned where the device is a GPU.</param>
    public void Pool(PoolingKind kind, ReadOnlySpan<int> ends, Span<float> destination)
    {
        ends.CopyTo(_stagedEnds.AsSpan(1));
        fixed (int* staged = _stagedEnds)
        {
            _ends.Write((nint)staged, (ends.Length + 1) * sizeof(int), _workspace.Stream);
        }

        fixed (float* data = destination)
        {
            TensorRef result = Result(data, ends.Length);
            TensorRef offsets = First(_ends.View, ends.Length + 1);
            Pooling.Apply(kind, First(_hidden, _rows), offsets, result, context: _workspace.Context);
            Read(data, destination.Length);
        }
    }

    /// <summary>The pooler's product for each sequence of the latest batch, before its tanh; done when it returns.</summary>
    /// <param name="destination">Sequences * hidden size numbers; pinned where the device is a GPU.</param>
    public void RunPooler(Span<float> destination)
    {
        fixed (float* data = destination)
        {
            TensorRef result = Result(data, _sequences), first = First(_product, _sequences);
            Pooling.Apply(PoolingKind.First, First(_hidden, _rows), Offsets, first, context: _workspace.Context);
            _weights.Pooler!.Apply(first, result, default, _workspace);
            Read(data, destination.Length);
        }
    }

    public void Dispose()
    {
        _results?.Dispose();
        _owned.ForEach(tensor => tensor.Dispose());
    }

    private void Stage(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths)
    {
        (_rows, _sequences) = (tokens.Length, lengths.Length);
        tokens.CopyTo(_staged);
        Span<int> positions = _staged.AsSpan(_rows, _rows), offsets = _staged.AsSpan(2 * _rows, _sequences + 1);
        int end = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            offsets[i] = end;
            FillPositions(tokens.Slice(end, lengths[i]), positions.Slice(end, lengths[i]));
            end += lengths[i];
        }

        offsets[_sequences] = end;
        fixed (int* staged = _staged)
        {
            _numbers.Write((nint)staged, ((2 * _rows) + _sequences + 1) * sizeof(int), _workspace.Stream);
        }
    }

    private void FillPositions(ReadOnlySpan<int> tokens, Span<int> positions)
    {
        int next = _spec.PaddingBeforePositions is int padding ? padding + 1 : 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            positions[i] = tokens[i] == _spec.PaddingBeforePositions ? tokens[i] : next++;
        }
    }

    private void Attend(EncoderLayerWeights layer)
    {
        TensorRef hidden = First(_hidden, _rows), all = First(_queryKeyValue, _rows), attended = First(_attended, _rows);
        TensorRef product = First(_product, _rows);
        layer.QueryKeyValue.Apply(hidden, all.Reshape(_rows, 3L * _spec.Config.HiddenSize), default, _workspace);
        AttentionInputs inputs = new()
        {
            Query = all.Select(1, 0),
            Key = all.Select(1, 1),
            Value = all.Select(1, 2),
            QueryOffsets = Offsets,
            KeyOffsets = Offsets,
        };
        LaunchContext context = _workspace.IsNeeded
            ? _workspace.With(Attention.GetWorkspaceSize(inputs, attended, default, context: _workspace.Context))
            : _workspace.Context;
        Attention.Forward(inputs, attended, context: context);
        layer.AttentionOutput.Apply(attended.Reshape(_rows, _spec.Config.HiddenSize), product, default, _workspace);
        Normalize(hidden, product, layer.AttentionNorm);
    }

    private void FeedForward(EncoderLayerWeights layer)
    {
        TensorRef hidden = First(_hidden, _rows), inner = First(_inner, _rows), product = First(_product, _rows);
        layer.Up.Apply(hidden, inner, default, _workspace, _activation);
        layer.Down.Apply(inner, product, default, _workspace);
        Normalize(hidden, product, layer.OutputNorm);
    }

    /// <summary>x = norm(x + residual).</summary>
    private void Normalize(TensorRef x, TensorRef residual, in NormWeights norm) => Norm.Layer(
        x, norm.Weight, norm.Bias, x, (float)_spec.Config.NormEpsilon, residual, context: _workspace.Context);

    private TensorRef Offsets => _numbers.View.Slice(0, 2L * _rows, _sequences + 1);

    private DeviceTensor Allocate(ElementType type, params ReadOnlySpan<long> shape)
    {
        DeviceTensor tensor = DeviceTensor.Allocate(_workspace.Device, type, shape);
        _owned.Add(tensor);
        return tensor;
    }

    /// <summary>Where an op writes float32 rows that go to <paramref name="data"/>: there, or to memory of the GPU.</summary>
    private TensorRef Result(float* data, int rows)
    {
        int width = _spec.Config.HiddenSize;
        if (_workspace.Stream is null)
        {
            return new TensorRef(data, ElementType.Float32, rows, width);
        }

        if (_results is null || _results.View.Shape[0] < rows)
        {
            _workspace.Synchronize();
            _results?.Dispose();
            _results = null;
            _results = DeviceTensor.Allocate(_workspace.Device, ElementType.Float32, Math.Max(1, rows), width);
        }

        return First(_results.View, rows);
    }

    private void Read(float* data, int count)
    {
        if (_workspace.Stream is not null)
        {
            _results!.Read((nint)data, count * (long)sizeof(float), _workspace.Stream);
            _workspace.Synchronize();
        }
    }

    private static TensorRef First(in TensorRef buffer, int rows) => buffer.Slice(0, 0, rows);
}
