namespace Warpline.Transformers;

/// <summary>
/// Room for a batch of sequences of an <see cref="EncoderModel"/>, packed behind each other without padding: a call costs the
/// tokens that there are. The steady state allocates nothing.
/// </summary>
/// <remarks>
/// Threads: calls on one session must follow one another (a call while another runs throws
/// <see cref="InvalidOperationException"/>); sessions of one model may run at the same time. After the model's Dispose, calls
/// throw <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed class EncoderSession : IDisposable
{
    private readonly EncoderModel _model;
    private readonly Workspace _workspace;
    private readonly EncoderForward _forward;
    private readonly UseGate _gate;
    private readonly int[] _eachRow;

    // On the pinned heap, not native memory: a span over it stays readable whatever happens to the session.
    private float[] _hidden = [], _pooled = [];
    private int _sequences, _rows;

    internal EncoderSession(EncoderModel model, int batchTokens)
    {
        _model = model;
        BatchTokens = batchTokens;
        _eachRow = [.. Enumerable.Range(1, batchTokens)];
        _workspace = new Workspace(model.Options.Device, model.Options.BatchInvariant);
        try
        {
            _forward = new EncoderForward(model.Spec, model.Weights, _workspace, model.Options.ActivationType, batchTokens);
        }
        catch
        {
            _workspace.Dispose();
            throw;
        }

        _gate = new UseGate(typeof(EncoderSession), exclusive: true, Free);
    }

    /// <summary>Most tokens of a batch.</summary>
    public int BatchTokens { get; }

    /// <summary>Bytes of the buffers of a batch.</summary>
    internal long ByteCount => _forward.ByteCount;

    private int Width => _model.Config.HiddenSize;

    /// <summary>Runs one sequence.</summary>
    /// <param name="tokens">At least one token id, each in [0, vocabulary size); nothing is added to them.</param>
    /// <returns>The last hidden state: a row of the model's hidden size for each token; valid until the next call.</returns>
    /// <exception cref="ArgumentException">There are no tokens, more than the model has positions for or than fit into a batch,
    /// a token is none of the vocabulary, or the rows are more than one array holds.</exception>
    /// <exception cref="InvalidOperationException">Another call on this session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model has been disposed.</exception>
    public ReadOnlySpan<float> Forward(scoped ReadOnlySpan<int> tokens) => Forward(tokens, [tokens.Length]);

    /// <summary>Runs several sequences.</summary>
    /// <param name="tokens">The sequences behind each other, as for one.</param>
    /// <param name="lengths">How many tokens each sequence has, each at least 1.</param>
    /// <returns>The last hidden state: a row of the model's hidden size for each token, in their order; valid until the next
    /// call.</returns>
    /// <exception cref="ArgumentException">As for one sequence, or the lengths do not add up to the tokens.</exception>
    /// <exception cref="InvalidOperationException">Another call on this session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model has been disposed.</exception>
    public ReadOnlySpan<float> Forward(scoped ReadOnlySpan<int> tokens, scoped ReadOnlySpan<int> lengths)
    {
        Enter();
        try
        {
            Start(tokens, lengths);
            Span<float> hidden = MakeRoom(ref _hidden, _rows);
            _forward.Pool(PoolingKind.First, _eachRow.AsSpan(0, _rows), hidden);
            return hidden;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>The pooler's output for the sequences of the latest call of Forward: tanh of a product with the first token's
    /// last hidden state.</summary>
    /// <returns>A row of the model's hidden size for each sequence; valid until the next call.</returns>
    /// <exception cref="InvalidOperationException">The model has no pooler, nothing has run yet, or another call on this
    /// session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model has been disposed.</exception>
    public ReadOnlySpan<float> PoolerOutput()
    {
        Enter();
        try
        {
            if (!_model.HasPooler || _sequences == 0)
            {
                throw new InvalidOperationException(
                    _model.HasPooler ? "No sequence has run yet; call Forward before." : "The checkpoint has no pooler.");
            }

            Span<float> pooled = MakeRoom(ref _pooled, _sequences);
            _forward.RunPooler(pooled);
            foreach (ref float value in pooled)
            {
                value = MathF.Tanh(value);
            }

            return pooled;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Frees the buffers, at once or when the running call ends.</summary>
    public void Dispose() => _gate.Close();

    /// <summary>Runs several sequences and pools ranges of their rows.</summary>
    /// <param name="tokens">As for Forward.</param>
    /// <param name="lengths">As for Forward.</param>
    /// <param name="pools">How to pool, each for itself, into its destination.</param>
    internal void Pool(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, ReadOnlySpan<RangePool> pools)
    {
        Enter();
        try
        {
            Start(tokens, lengths);
            foreach (RangePool pool in pools)
            {
                _forward.Pool(pool.Kind, pool.Ends.Span, pool.Destination.Span);
            }
        }
        finally
        {
            Exit();
        }
    }

    private void Enter()
    {
        _gate.Enter();
        try
        {
            _model.Gate.Enter();
        }
        catch
        {
            _gate.Exit();
            throw;
        }
    }

    private void Exit()
    {
        _model.Gate.Exit();
        _gate.Exit();
    }

    private void Start(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths)
    {
        Check(tokens, lengths);
        _sequences = 0;
        _forward.Run(tokens, lengths);
        (_rows, _sequences) = (tokens.Length, lengths.Length);
    }

    private void Check(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths)
    {
        if (tokens.IsEmpty)
        {
            throw new ArgumentException("There are no tokens; at least one is required.", nameof(tokens));
        }

        if (tokens.Length > BatchTokens)
        {
            throw new ArgumentException(
                $"There are {tokens.Length} tokens; the session has room for {BatchTokens}.", nameof(tokens));
        }

        long sum = 0;
        int longest = _model.Config.MaxTokens;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 1 || lengths[i] > longest)
            {
                throw new ArgumentException(
                    $"lengths[{i}] is {lengths[i]}; a length in [1, {longest}], the model's positions, is required.",
                    nameof(lengths));
            }

            sum += lengths[i];
        }

        if (sum != tokens.Length)
        {
            throw new ArgumentException($"The lengths add up to {sum}; {tokens.Length} is required, the number of tokens.", nameof(lengths));
        }

        TokenIds.Require(tokens, _model.Config.VocabularySize, nameof(tokens));
    }

    private Span<float> MakeRoom(ref float[] array, int rows)
    {
        long needed = (long)rows * Width;
        if (needed > Array.MaxLength)
        {
            throw new ArgumentException(
                $"{rows} rows are {needed} numbers; at most {Array.MaxLength} fit into one array, {Array.MaxLength / Width} rows.");
        }

        if (needed > array.Length)
        {
            array = GC.AllocateUninitializedArray<float>((int)needed, pinned: true);
        }

        return array.AsSpan(0, (int)needed);
    }

    private void Free()
    {
        _forward.Dispose();
        _workspace.Dispose();
    }
}

/// <summary>A way to pool ranges of rows that follow one another.</summary>
/// <param name="Kind">How.</param>
/// <param name="Ends">Where each range ends; the first begins with row 0.</param>
/// <param name="Destination">Pinned; receives a row for each range.</param>
internal readonly record struct RangePool(PoolingKind Kind, ReadOnlyMemory<int> Ends, Memory<float> Destination);
