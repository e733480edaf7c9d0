namespace Warpline.Transformers;

/// <summary>
/// The one forward pass of all decoders, with the activations of a piece of tokens. Norms are RMS norms; the residual sum
/// is the products' epilogue, the gated pair is one product, keys are rotated on their way into the cache.
/// </summary>
internal sealed unsafe class DecoderForward : IDisposable
{
    private readonly ArchitectureSpec _spec;
    private readonly ModelWeights _weights;
    private readonly SessionCache _cache;
    private readonly RotaryTables.Table _rotary;
    private readonly LaunchContext _context;
    private readonly List<HostTensor> _owned = [];

    // Rows are tokens of the piece; the buffers hold the largest one.
    private readonly TensorRef _hidden, _normed, _query, _key, _value, _attended, _gated, _length;

    public DecoderForward(TransformerModel model, SessionCache cache, int rows)
    {
        (_spec, _weights, _cache) = (model.Spec, model.Weights, cache);
        _rotary = model.Rotary.ForPositions(cache.Capacity);
        _context = new LaunchContext(model.Options.Device) { BatchInvariant = model.Options.BatchInvariant };
        ElementType type = model.Options.ActivationType;
        try
        {
            _hidden = Buffer(type, rows, _spec.HiddenSize);
            _normed = Buffer(type, rows, _spec.HiddenSize);
            _query = Buffer(type, rows, _spec.QueryHeads, _spec.HeadSize);
            _key = Buffer(type, rows, _spec.KeyValueHeads, _spec.HeadSize);
            _value = Buffer(type, rows, _spec.KeyValueHeads, _spec.HeadSize);
            _attended = Buffer(type, rows, _spec.QueryHeads, _spec.HeadSize);
            _gated = Buffer(type, rows, _spec.IntermediateSize);
            _length = Buffer(ElementType.Int32, 1);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs tokens that follow <paramref name="position"/> cached ones, and caches them.</summary>
    /// <param name="tokens">At most as many as the buffers have rows.</param>
    /// <param name="position">Tokens in the cache.</param>
    /// <param name="logits">Room for the last token's logits, for those of all tokens, or for none.</param>
    public void Run(ReadOnlySpan<int> tokens, int position, Span<float> logits)
    {
        int rows = tokens.Length, outputs = logits.Length / _spec.VocabularySize;
        fixed (int* ids = tokens)
        {
            Embedding.Lookup(_weights.Embedding, new TensorRef(ids, ElementType.Int32, rows), Rows(_hidden, 0, rows), _context);
        }

        *(int*)_length.Address = position;
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
            fixed (float* data = logits)
            {
                TensorRef result = new(data, ElementType.Float32, outputs, _spec.VocabularySize);
                _weights.OutputHead.Apply(normed, result, default, _context);
            }
        }
    }

    public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());

    /// <summary>Caches keys and values of all rows; adds attention to the rows from <paramref name="first"/> on.</summary>
    private void Attend(int layer, int position, int first, int rows)
    {
        LayerWeights weights = _weights.Layers[layer];
        TensorRef normed = Rows(_normed, 0, rows), key = Rows(_key, 0, rows), value = Rows(_value, 0, rows);
        Normalize(Rows(_hidden, 0, rows), weights.InputNorm, normed);
        weights.Key.Apply(normed, Flat(key), default, _context);
        weights.Value.Apply(normed, Flat(value), default, _context);
        if (_spec.QueryKeyNorm)
        {
            Normalize(key, weights.KeyNorm, key);
        }

        ref readonly TensorRef keys = ref _cache.Keys(layer);
        ref readonly TensorRef values = ref _cache.Values(layer);
        TensorRef cosines = _rotary.Cosines, sines = _rotary.Sines;
        KeyValueCache.Append(key, value, keys, values, _length, cos: cosines, sin: sines, context: _context);
        if (first == rows)
        {
            return;
        }

        TensorRef query = Rows(_query, first, rows), attended = Rows(_attended, first, rows);
        weights.Query.Apply(Rows(_normed, first, rows), Flat(query), default, _context);
        if (_spec.QueryKeyNorm)
        {
            Normalize(query, weights.QueryNorm, query);
        }

        Rope.Apply(query, query, _rotary.PositionsFrom(position + first, rows - first), cosines, sines, context: _context);
        AttentionInputs inputs = new()
        {
            Query = Batch(query),
            Key = keys.Slice(1, 0, position + rows),
            Value = values.Slice(1, 0, position + rows),
        };
        AttentionOptions options = new() { Causal = true, Window = _spec.Windows[layer], Scale = _spec.AttentionScale };
        Attention.Forward(inputs, Batch(attended), options, context: _context);
        TensorRef hidden = Rows(_hidden, first, rows);
        weights.AttentionOutput.Apply(Flat(attended), hidden, hidden, _context);
    }

    private void FeedForward(LayerWeights weights, in TensorRef hidden, in TensorRef normed, int rows)
    {
        TensorRef gated = Rows(_gated, 0, rows);
        Normalize(hidden, weights.MlpNorm, normed);
        weights.Gate.ApplyGated(weights.Up, normed, gated, _spec.Activation, _context);
        weights.Down.Apply(gated, hidden, hidden, _context);
    }

    private void Normalize(in TensorRef x, in TensorRef weight, in TensorRef y) =>
        Norm.Rms(x, weight, y, _spec.NormEpsilon, context: _context);

    private TensorRef Buffer(ElementType type, params ReadOnlySpan<long> shape)
    {
        HostTensor tensor = HostTensor.Allocate(type, shape);
        _owned.Add(tensor);
        return tensor;
    }

    private static TensorRef Rows(in TensorRef buffer, int first, int end) => buffer.Slice(0, first, end - first);

    private static TensorRef Flat(in TensorRef heads) => heads.Reshape(heads.Shape[0], heads.Shape[1] * heads.Shape[2]);

    private static TensorRef Batch(in TensorRef heads) => heads.Reshape(1, heads.Shape[0], heads.Shape[1], heads.Shape[2]);
}
