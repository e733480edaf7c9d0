namespace Warpline.Transformers;

/// <summary>
/// Lets an owner close something that others may be using: after <see cref="Close"/> nobody enters any more, and the
/// action runs once, when the last user has left.
/// </summary>
/// <param name="owner">The type of the thing, for messages.</param>
/// <param name="exclusive">Whether only one user at a time is legal.</param>
/// <param name="onClosed">Frees what is guarded.</param>
internal sealed class UseGate(Type owner, bool exclusive, Action onClosed)
{
    private readonly Lock _lock = new();
    private int _users;
    private bool _closed;

    /// <summary>Counts a user in.</summary>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    /// <exception cref="InvalidOperationException">The gate is exclusive and in use.</exception>
    public void Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
            if (exclusive && _users != 0)
            {
                throw new InvalidOperationException(
                    $"This {owner.Name} is in use by another call; calls on one {owner.Name} must follow one another.");
            }

            _users++;
        }
    }

    /// <summary>Tells a user who is in that the thing is to be closed.</summary>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    public void ThrowIfClosed()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
        }
    }

    /// <summary>Counts a user out.</summary>
    public void Exit()
    {
        lock (_lock)
        {
            if (--_users != 0 || !_closed)
            {
                return;
            }
        }

        onClosed();
    }

    /// <summary>Closes the gate; further calls do nothing.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            if (_users != 0)
            {
                return;
            }
        }

        onClosed();
    }
}
