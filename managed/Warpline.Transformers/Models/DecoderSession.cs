namespace Warpline.Transformers;

/// <summary>
/// One sequence of tokens with its key/value cache. Tokens enter by <see cref="Forward"/>, in pieces of any size; the cache
/// has a fixed capacity and does not grow. The steady state allocates nothing.
/// </summary>
/// <remarks>
/// Threads: calls on one session must follow one another (a call while another runs, a generation or a scorer's included, throws
/// <see cref="InvalidOperationException"/>); sessions of one model may run at the same time. A session keeps its model's
/// memory in use only during calls: after the model's Dispose, calls throw <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed class DecoderSession : IDisposable
{
    /// <summary>Long inputs run in pieces of this many tokens, which bounds the memory of activations.</summary>
    internal const int ChunkTokens = 512;

    private readonly TransformerModel _model;
    private readonly Workspace _workspace;
    private readonly SessionCache _cache;
    private readonly DecoderForward _forward;
    private readonly UseGate _gate;
    private readonly int[] _tokens;

    // On the pinned heap, not native memory: a span over it stays readable whatever happens to the session.
    private float[] _logits;
    private int _position;

    internal DecoderSession(TransformerModel model, int capacity)
    {
        _model = model;
        Capacity = capacity;
        _tokens = new int[capacity];
        _logits = NewLogits(model.Spec.VocabularySize);
        _workspace = new Workspace(model.Options.Device, model.Options.BatchInvariant);
        try
        {
            _cache = new SessionCache(model.Spec, model.Options.Device, model.Options.ActivationType, capacity);
            _forward = new DecoderForward(model, _cache, _workspace, Math.Min(ChunkTokens, capacity));
        }
        catch
        {
            _cache?.Dispose();
            _workspace.Dispose();
            throw;
        }

        _gate = new UseGate(typeof(DecoderSession), exclusive: true, Free);
    }

    /// <summary>Tokens that the session can hold.</summary>
    public int Capacity { get; }

    /// <summary>Tokens that the session holds.</summary>
    public int Position => Volatile.Read(ref _position);

    /// <summary>The tokens that the session holds; valid until the next call.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Position);

    internal TransformerModel Model => _model;

    /// <summary>Bytes of the cache, the buffers, the model's rotary tables and the logits.</summary>
    internal long ByteCount => _cache.ByteCount + _forward.ByteCount + (_logits.Length * (long)sizeof(float));

    /// <summary>Runs the model over tokens that follow those the session holds.</summary>
    /// <param name="tokens">At least one token id, each in [0, vocabulary size).</param>
    /// <param name="mode">Which logits to return.</param>
    /// <returns>
    /// Logits in rows of the vocabulary's size; valid until the next call. <see cref="LogitsMode.All"/> holds all rows at
    /// once, tokens * vocabulary * 4 bytes: pass long inputs in pieces to bound that.
    /// </returns>
    /// <exception cref="ArgumentException">There are no tokens, more than fit, a token is none of the vocabulary, or the
    /// logits of all tokens are more than one array holds. The session is as before.</exception>
    /// <exception cref="InvalidOperationException">Another call on this session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model has been disposed.</exception>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens, LogitsMode mode = LogitsMode.Last)
    {
        Enter();
        try
        {
            return Advance(tokens, mode, CancellationToken.None);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Begins a call of several steps, which no other call may come between; <see cref="Exit"/> ends it.</summary>
    /// <exception cref="InvalidOperationException">Another call on this session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session has been disposed.</exception>
    internal void Enter() => _gate.Enter();

    /// <summary>Ends what <see cref="Enter"/> began.</summary>
    internal void Exit() => _gate.Exit();

    /// <summary>As <see cref="Forward"/>, for those who have entered; cancellation is seen between pieces, and those that ran stay
    /// in the session.</summary>
    internal ReadOnlySpan<float> Advance(ReadOnlySpan<int> tokens, LogitsMode mode, CancellationToken cancellation)
    {
        _gate.ThrowIfClosed();
        _model.Gate.Enter();
        try
        {
            Check(tokens);
            int vocabulary = _model.Spec.VocabularySize;
            int rows = mode switch
            {
                LogitsMode.All => tokens.Length,
                LogitsMode.Last => 1,
                LogitsMode.None => 0,
                _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Last, All or None is required."),
            };
            MakeRoom(rows, vocabulary);
            for (int from = 0; from < tokens.Length; from += ChunkTokens)
            {
                cancellation.ThrowIfCancellationRequested();
                ReadOnlySpan<int> chunk = tokens.Slice(from, Math.Min(ChunkTokens, tokens.Length - from));
                bool last = from + chunk.Length == tokens.Length;
                Span<float> logits = mode switch
                {
                    LogitsMode.All => _logits.AsSpan(from * vocabulary, chunk.Length * vocabulary),
                    LogitsMode.Last when last => _logits.AsSpan(0, vocabulary),
                    _ => [],
                };
                _forward.Run(chunk, _position, logits);
                chunk.CopyTo(_tokens.AsSpan(_position));
                Volatile.Write(ref _position, _position + chunk.Length);
            }

            return _logits.AsSpan(0, rows * vocabulary);
        }
        finally
        {
            _model.Gate.Exit();
        }
    }

    /// <summary>Forgets the tokens from a position on.</summary>
    /// <param name="length">Tokens to keep, in [0, <see cref="Position"/>].</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is outside that range.</exception>
    /// <exception cref="InvalidOperationException">Another call on this session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session has been disposed.</exception>
    public void Truncate(int length)
    {
        Enter();
        try
        {
            if (length < 0 || length > _position)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(length), length, $"The length must be in [0, {_position}], the tokens that the session holds.");
            }

            Volatile.Write(ref _position, length);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Forgets all tokens, for those who have entered.</summary>
    internal void Clear() => Volatile.Write(ref _position, 0);

    /// <summary>A second session of the same capacity that goes on from the same tokens; the cache is copied.</summary>
    /// <returns>The new session.</returns>
    /// <exception cref="InvalidOperationException">Another call on this session is running.</exception>
    /// <exception cref="ObjectDisposedException">The session or its model has been disposed.</exception>
    public DecoderSession Fork()
    {
        Enter();
        try
        {
            DecoderSession fork = _model.CreateSession(Capacity);
            fork._cache.CopyFrom(_cache, _position, fork._workspace.Stream);
            fork._workspace.Synchronize();
            _tokens.AsSpan(0, _position).CopyTo(fork._tokens);
            fork._position = _position;
            return fork;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Frees the cache, at once or when the running call ends.</summary>
    public void Dispose() => _gate.Close();

    private static float[] NewLogits(int length) => GC.AllocateUninitializedArray<float>(length, pinned: true);

    private void Check(ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty)
        {
            throw new ArgumentException("There are no tokens; at least one is required.", nameof(tokens));
        }

        if (tokens.Length > Capacity - _position)
        {
            throw new ArgumentException(
                $"The session holds {_position} tokens and got {tokens.Length} more; its capacity is {Capacity} "
                + $"(the model's most is {_model.Spec.MaxPositions}).", nameof(tokens));
        }

        TokenIds.Require(tokens, _model.Spec.VocabularySize, nameof(tokens));
    }

    private void MakeRoom(int rows, int vocabulary)
    {
        long needed = (long)rows * vocabulary;
        if (needed > Array.MaxLength)
        {
            throw new ArgumentException(
                $"The logits of {rows} tokens are {needed} numbers; at most {Array.MaxLength} fit, {Array.MaxLength / vocabulary} tokens.");
        }

        if (needed > _logits.Length)
        {
            _logits = NewLogits((int)needed);
        }
    }

    private void Free()
    {
        _forward.Dispose();
        _cache.Dispose();
        _workspace.Dispose();
    }
}
