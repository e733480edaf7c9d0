using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Warpline.Transformers;

/// <summary>
/// Generates text as a stream. Each generation runs on a thread of its own, at most a few tokens ahead of its consumer.
/// </summary>
/// <remarks>
/// Threads: any number of generations at once, on different sessions. A generation starts when its enumeration does and
/// ends, thread included, before the enumeration's end, break or exception returns. The generator does not own the model.
/// </remarks>
public sealed class TextGenerator : IAsyncDisposable
{
    private const int TokensAhead = 16;

    private readonly TransformerModel _model;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _running = [];
    private bool _disposed;

    /// <summary>Creates a generator.</summary>
    /// <param name="model">The model; it must live as long as the generations.</param>
    public TextGenerator(TransformerModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text; encoded by the model's tokenizer as it encodes the beginning of a sequence.</param>
    /// <param name="options">How to choose tokens and when to end; null for the checkpoint's own settings.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>The tokens as they come.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or the prompt has no tokens or more than fit.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer, or its generation_config.json is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The generator has been disposed.</exception>
    /// <exception cref="OperationCanceledException">From the enumeration: it was cancelled, or the generator disposed.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(
        string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return GenerateAsync(_model.RequireTokenizer().EncodeToIds(prompt).ToArray(), options, cancellationToken);
    }

    /// <summary>Continues a sequence of token ids, in a session of its own.</summary>
    /// <param name="prompt">At least one token id; nothing is added.</param>
    /// <param name="options">How to choose tokens and when to end; null for the checkpoint's own settings.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>The tokens as they come.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or the prompt has no tokens or more than fit.</exception>
    /// <exception cref="InvalidOperationException">The model's generation_config.json is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The generator has been disposed.</exception>
    /// <exception cref="OperationCanceledException">From the enumeration: it was cancelled, or the generator disposed.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(
        ReadOnlyMemory<int> prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        GenerationPlan plan = Prepare(prompt, options);
        int most = _model.Config.MaxPositions;
        if (prompt.Length > most)
        {
            throw new ArgumentException($"The prompt has {prompt.Length} tokens; at most {most} are possible.", nameof(prompt));
        }

        // The last token chosen never enters the session.
        long wanted = (long)prompt.Length + (plan.MaxOutputTokens ?? TransformerModel.DefaultCapacity) - 1;
        return RunAsync(() => _model.CreateSession((int)Math.Min(wanted, most)), true, prompt, plan, cancellationToken);
    }

    /// <summary>
    /// Continues a session. Afterwards the session holds its earlier tokens, the prompt and the generated tokens except the
    /// last one, so a next prompt may begin with that one. When cancelled it holds what had been computed, and goes on. From the
    /// enumeration's beginning to its end no other call on the session may come between.
    /// </summary>
    /// <param name="session">A session of this generator's model; it stays the caller's.</param>
    /// <param name="prompt">At least one token id, appended to what the session holds.</param>
    /// <param name="options">How to choose tokens and when to end; null for the checkpoint's own settings.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>The tokens as they come.</returns>
    /// <exception cref="ArgumentException">An option is out of range, the prompt has no tokens, or the session is of another
    /// model. More tokens than fit are reported by the enumeration.</exception>
    /// <exception cref="InvalidOperationException">The model's generation_config.json is wrong. From the enumeration: another call
    /// on the session is running.</exception>
    /// <exception cref="ObjectDisposedException">The generator has been disposed.</exception>
    /// <exception cref="OperationCanceledException">From the enumeration: it was cancelled, or the generator disposed.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(
        DecoderSession session, ReadOnlyMemory<int> prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (session.Model != _model)
        {
            throw new ArgumentException("The session belongs to another model than the generator.", nameof(session));
        }

        return RunAsync(() => session, false, prompt, Prepare(prompt, options), cancellationToken);
    }

    /// <summary>Cancels all running generations and waits until their threads have ended.</summary>
    /// <returns>The end of the last one.</returns>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_lock)
        {
            _disposed = true;
            running = [.. _running];
        }

        // Never disposed: it has no timer, and a second call may come before the first has ended.
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private GenerationPlan Prepare(ReadOnlyMemory<int> prompt, GenerationOptions? options)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (prompt.IsEmpty)
        {
            throw new ArgumentException("The prompt has no tokens; at least one is required.", nameof(prompt));
        }

        return GenerationPlan.Create(options ?? new GenerationOptions(), _model);
    }

    private async IAsyncEnumerable<GeneratedToken> RunAsync(
        Func<DecoderSession> open,
        bool owned,
        ReadOnlyMemory<int> prompt,
        GenerationPlan plan,
        CancellationToken callerCancellation,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Channel<GeneratedToken> channel = Channel.CreateBounded<GeneratedToken>(
            new BoundedChannelOptions(TokensAhead) { SingleReader = true, SingleWriter = true });
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(
            callerCancellation, cancellationToken, StopToken());
        Task worker = StartThread(() => Produce(open, owned, prompt, plan, channel.Writer, ending.Token));
        try
        {
            await foreach (GeneratedToken token in channel.Reader.ReadAllAsync(ending.Token).ConfigureAwait(false))
            {
                yield return token;
                ending.Token.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await worker.ConfigureAwait(false);
        }
    }

    private CancellationToken StopToken()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _stop.Token;
        }
    }

    /// <summary>Runs an action that does not throw on a thread of its own.</summary>
    private Task StartThread(Action action)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _running.Add(done.Task);
        }

        Thread thread = new(() =>
        {
            action();
            Forget();
            done.SetResult();
        })
        {
            IsBackground = true,
            Name = "Warpline generation",
        };
        try
        {
            thread.Start();
        }
        catch
        {
            // No thread, so nothing that disposing would wait for.
            Forget();
            throw;
        }

        return done.Task;

        void Forget()
        {
            lock (_lock)
            {
                _running.Remove(done.Task);
            }
        }
    }

    private void Produce(
        Func<DecoderSession> open,
        bool owned,
        ReadOnlyMemory<int> prompt,
        GenerationPlan plan,
        ChannelWriter<GeneratedToken> writer,
        CancellationToken cancellation)
    {
        DecoderSession? session = null;
        Exception? failure = null;
        try
        {
            session = open();
            session.Enter();
            try
            {
                GenerationLoop loop = new(_model, session, plan);
                foreach (GeneratedToken token in loop.Run(prompt, cancellation))
                {
                    while (!writer.TryWrite(token))
                    {
                        writer.WaitToWriteAsync(cancellation).AsTask().GetAwaiter().GetResult();
                    }
                }
            }
            finally
            {
                session.Exit();
            }
        }
#pragma warning disable CA1031 // Whatever happens on this thread is the consumer's to see.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        if (owned)
        {
            session?.Dispose();
        }

        writer.Complete(failure);
    }
}
