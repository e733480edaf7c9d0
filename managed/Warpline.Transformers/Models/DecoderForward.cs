namespace Warpline.Transformers;

/// <summary>
/// The one forward pass of all decoders, with the activations of a piece of tokens. Norms are RMS norms; the residual sum
/// is the products' epilogue, the gated pair is one product, keys are rotated on their way into the cache.
/// </summary>
/// <remarks>
/// On a GPU the step of a single token is captured once as a graph and launched from then on: what changes from token to
/// token (its id, its position, the length of the cache) lies in device memory, at fixed addresses.
/// </remarks>
internal sealed unsafe class DecoderForward : IDisposable
{
    // Of the numbers that go to the device before each piece.
    private const int Position = 0, Length = 1, FirstToken = 2;

    private readonly ArchitectureSpec _spec;
    private readonly ModelWeights _weights;
    private readonly SessionCache _cache;
    private readonly RotaryTables.Table _rotary;
    private readonly Workspace _workspace;
    private readonly List<DeviceTensor> _owned = [];

    // Rows are tokens of the piece; the buffers hold the largest one.
    private readonly TensorRef _hidden, _normed, _query, _key, _value, _attended, _gated;

    // Position and length before and after the piece, then its tokens; staged where the device can copy from.
    private readonly DeviceTensor _numbers;
    private readonly int[] _staged;

    private DeviceTensor? _logits;
    private DeviceGraph? _step;

    // The scratch memory's generation at the latest step: the same again says that a step needs no more of it.
    private int _stepGeneration = -1;

    public DecoderForward(TransformerModel model, SessionCache cache, Workspace workspace, int rows)
    {
        (_spec, _weights, _cache, _workspace) = (model.Spec, model.Weights, cache, workspace);
        _rotary = model.Rotary.ForPositions(cache.Capacity);
        _staged = GC.AllocateArray<int>(FirstToken + rows, pinned: true);
        ElementType type = model.Options.ActivationType;
        try
        {
            _hidden = Allocate(type, rows, _spec.HiddenSize);
            _normed = Allocate(type, rows, _spec.HiddenSize);
            _query = Allocate(type, rows, _spec.QueryHeads, _spec.HeadSize);
            _key = Allocate(type, rows, _spec.KeyValueHeads, _spec.HeadSize);
            _value = Allocate(type, rows, _spec.KeyValueHeads, _spec.HeadSize);
            _attended = Allocate(type, rows, _spec.QueryHeads, _spec.HeadSize);
            _gated = Allocate(type, rows, _spec.IntermediateSize);
            _numbers = DeviceTensor.Allocate(workspace.Device, ElementType.Int32, FirstToken + rows);
            _owned.Add(_numbers);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the buffers and of the rotary tables.</summary>
    public long ByteCount => _owned.Sum(tensor => tensor.ByteCount) + _rotary.ByteCount;

    /// <summary>Bytes of the buffers for so many rows.</summary>
    public static long BytesOf(ArchitectureSpec spec, ElementType type, int rows)
    {
        long heads = 2L * (spec.QueryHeads + spec.KeyValueHeads) * spec.HeadSize;
        return (rows * ((2L * spec.HiddenSize) + heads + spec.IntermediateSize) * type.ByteSize()) + ((FirstToken + rows) * sizeof(int));
    }

    /// <summary>Runs tokens that follow <paramref name="position"/> cached ones, and caches them. Done when it
    /// returns.</summary>
    /// <param name="tokens">At most as many as the buffers have rows.</param>
    /// <param name="position">Tokens in the cache.</param>
    /// <param name="logits">Room for the last token's logits, for those of all tokens, or for none; pinned where the device
    /// is a GPU.</param>
    public void Run(ReadOnlySpan<int> tokens, int position, Span<float> logits)
    {
        int rows = tokens.Length, outputs = logits.Length / _spec.VocabularySize;
        _staged[Position] = position;
        _staged[Length] = position + rows;
        tokens.CopyTo(_staged.AsSpan(FirstToken));
        fixed (int* staged = _staged)
        {
            _numbers.Write((nint)staged, (FirstToken + rows) * sizeof(int), _workspace.Stream);
        }

        fixed (float* data = logits)
        {
            if (_workspace.Stream is null)
            {
                Enqueue(position, rows, new TensorRef(data, ElementType.Float32, outputs, _spec.VocabularySize), outputs);
                return;
            }

            TensorRef result = MakeRoom(outputs);
            if (rows == 1 && outputs == 1)
            {
                Step(result);
            }
            else
            {
                Enqueue(position, rows, result, outputs);
            }

            if (outputs != 0)
            {
                _logits!.Read((nint)data, logits.Length * (long)sizeof(float), _workspace.Stream);
            }

            _workspace.Synchronize();
        }
    }

    public void Dispose()
    {
        ForgetStep();
        _logits?.Dispose();
        _owned.ForEach(tensor => tensor.Dispose());
    }

    /// <summary>One token on a GPU: by ops the first time, which sizes the scratch memory; then captured; then replayed.</summary>
    private void Step(in TensorRef result)
    {
        if (_stepGeneration != _workspace.Generation)
        {
            ForgetStep();
            Enqueue(null, 1, result, 1);
            _stepGeneration = _workspace.Generation;
            return;
        }

        if (_step is null)
        {
            DeviceStream stream = _workspace.Stream!;
            stream.BeginCapture();
            try
            {
                Enqueue(null, 1, result, 1);
            }
            catch
            {
                AbandonCapture(stream);
                throw;
            }

            _step = stream.EndCapture();
        }

        _step.Launch(_workspace.Stream!);
    }

    // What went wrong during the capture is the error to tell, not that the capture cannot end well.
    private static void AbandonCapture(DeviceStream stream)
    {
        try
        {
            stream.EndCapture().Dispose();
        }
        catch (WarplineException)
        {
        }
    }

    private void ForgetStep()
    {
        _step?.Dispose();
        _step = null;
    }

    /// <summary>All ops of a piece. Without a position nothing but the numbers in device memory tells it.</summary>
    private void Enqueue(int? position, int rows, in TensorRef logits, int outputs)
    {
        Embedding.Lookup(
            _weights.Embedding, _numbers.View.Slice(0, FirstToken, rows), Rows(_hidden, 0, rows), _workspace.Context);
        for (int layer = 0; layer < _spec.LayerCount; layer++)
        {
            // Beyond the last layer's keys and values only the rows whose logits are asked for matter.
            int first = layer == _spec.LayerCount - 1 ? rows - outputs : 0;
            Attend(layer, position, first, rows);
            if (first < rows)
            {
                FeedForward(_weights.Layers[layer], Rows(_hidden, first, rows), Rows(_normed, first, rows), rows - first);
            }
        }

        if (outputs != 0)
        {
            TensorRef normed = Rows(_normed, rows - outputs, rows);
            Normalize(Rows(_hidden, rows - outputs, rows), _weights.FinalNorm, normed);
            _weights.OutputHead.Apply(normed, logits, default, _workspace);
        }
    }

    /// <summary>Caches keys and values of all rows; adds attention to the rows from <paramref name="first"/> on.</summary>
    private void Attend(int layer, int? position, int first, int rows)
    {
        LayerWeights weights = _weights.Layers[layer];
        LaunchContext context = _workspace.Context;
        TensorRef normed = Rows(_normed, 0, rows), key = Rows(_key, 0, rows), value = Rows(_value, 0, rows);
        Normalize(Rows(_hidden, 0, rows), weights.InputNorm, normed);
        weights.Key.Apply(normed, Flat(key), default, _workspace);
        weights.Value.Apply(normed, Flat(value), default, _workspace);
        if (_spec.QueryKeyNorm)
        {
            Normalize(key, weights.KeyNorm, key);
        }

        ref readonly TensorRef keys = ref _cache.Keys(layer);
        ref readonly TensorRef values = ref _cache.Values(layer);
        TensorRef cosines = _rotary.Cosines, sines = _rotary.Sines;
        KeyValueCache.Append(key, value, keys, values, Number(Position), cos: cosines, sin: sines, context: context);
        if (first == rows)
        {
            return;
        }

        TensorRef query = Rows(_query, first, rows), attended = Rows(_attended, first, rows);
        weights.Query.Apply(Rows(_normed, first, rows), Flat(query), default, _workspace);
        if (_spec.QueryKeyNorm)
        {
            Normalize(query, weights.QueryNorm, query);
        }

        TensorRef positions = position is int at ? _rotary.PositionsFrom(at + first, rows - first) : Number(Position);
        Rope.Apply(query, query, positions, cosines, sines, context: context);
        AttentionInputs inputs = new()
        {
            Query = Batch(query),
            Key = position is null ? keys : keys.Slice(1, 0, position.Value + rows),
            Value = position is null ? values : values.Slice(1, 0, position.Value + rows),
            KeyLengths = position is null ? Number(Length) : default,
        };
        AttentionOptions options = new() { Causal = true, Window = _spec.Windows[layer], Scale = _spec.AttentionScale };
        if (_workspace.IsNeeded)
        {
            context = _workspace.With(Attention.GetWorkspaceSize(inputs, Batch(attended), options, context: context));
        }

        Attention.Forward(inputs, Batch(attended), options, context: context);
        TensorRef hidden = Rows(_hidden, first, rows);
        weights.AttentionOutput.Apply(Flat(attended), hidden, hidden, _workspace);
    }

    private void FeedForward(LayerWeights weights, in TensorRef hidden, in TensorRef normed, int rows)
    {
        TensorRef gated = Rows(_gated, 0, rows);
        Normalize(hidden, weights.MlpNorm, normed);
        weights.Gated.Gate.ApplyGated(weights.Gated.Up, normed, gated, _spec.Activation, _workspace);
        weights.Down.Apply(gated, hidden, hidden, _workspace);
    }

    private void Normalize(in TensorRef x, in TensorRef weight, in TensorRef y) =>
        Norm.Rms(x, weight, y, _spec.NormEpsilon, context: _workspace.Context);

    private TensorRef Number(int index) => _numbers.View.Slice(0, index, 1);

    private TensorRef Allocate(ElementType type, params ReadOnlySpan<long> shape)
    {
        DeviceTensor tensor = DeviceTensor.Allocate(_workspace.Device, type, shape);
        _owned.Add(tensor);
        return tensor.View;
    }

    /// <summary>Device memory for rows of logits. A graph that writes to smaller memory is forgotten.</summary>
    private TensorRef MakeRoom(int rows)
    {
        if (_logits is null || _logits.View.Shape[0] < rows)
        {
            _workspace.Synchronize();
            ForgetStep();
            _logits?.Dispose();
            _logits = null;
            _logits = DeviceTensor.Allocate(_workspace.Device, ElementType.Float32, Math.Max(1, rows), _spec.VocabularySize);
        }

        return Rows(_logits.View, 0, rows);
    }

    private static TensorRef Rows(in TensorRef buffer, int first, int end) => buffer.Slice(0, first, end - first);

    private static TensorRef Flat(in TensorRef heads) => heads.Reshape(heads.Shape[0], heads.Shape[1] * heads.Shape[2]);

    private static TensorRef Batch(in TensorRef heads) => heads.Reshape(1, heads.Shape[0], heads.Shape[1], heads.Shape[2]);
}
