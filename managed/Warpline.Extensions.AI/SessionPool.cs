using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>
/// The sessions of a client. What a session computed stays in it, so that the next turn of its conversation costs what is new.
/// </summary>
internal sealed class SessionPool(TransformerModel model, int count, int? capacity) : IDisposable
{
    private readonly SemaphoreSlim _free = new(count);
    private readonly Lock _lock = new();

    // The least recently used one first.
    private readonly List<DecoderSession> _idle = [];
    private int _made;
    private bool _disposed;

    /// <summary>Waits for a session that no other call has, and cuts it to what it has in common with a prompt; at least the
    /// prompt's last token is left to run.</summary>
    public async Task<DecoderSession> TakeAsync(int[] prompt, CancellationToken cancellation)
    {
        await _free.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            DecoderSession session = Choose(prompt) ?? Make();
            session.Truncate(Math.Min(session.Tokens.CommonPrefixLength(prompt), prompt.Length - 1));
            return session;
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <summary>Gives a session back.</summary>
    public void Return(DecoderSession session)
    {
        lock (_lock)
        {
            if (_disposed)
            {
                session.Dispose();
            }
            else
            {
                _idle.Add(session);
            }
        }

        _free.Release();
    }

    /// <summary>Frees the idle sessions at once, the others when they come back; whoever waits for one is told.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _idle.ForEach(session => session.Dispose());
            _idle.Clear();
        }

        // Wakes one that waits, whose failure wakes the next.
        _free.Release();
    }

    /// <summary>An idle session that this conversation seems to be of; else none while there may be more, else the oldest.</summary>
    private DecoderSession? Choose(int[] prompt)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(WarplineChatClient));
            DecoderSession? session = _idle.MaxBy(idle => idle.Tokens.CommonPrefixLength(prompt));
            if (session is null || 2 * session.Tokens.CommonPrefixLength(prompt) < session.Position)
            {
                if (_made < count)
                {
                    _made++;
                    return null;
                }

                session = _idle[0];
            }

            _idle.Remove(session);
            return session;
        }
    }

    private DecoderSession Make()
    {
        try
        {
            return model.CreateSession(capacity);
        }
        catch
        {
            lock (_lock)
            {
                _made--;
            }

            throw;
        }
    }
}
