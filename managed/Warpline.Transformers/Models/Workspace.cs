namespace Warpline.Transformers;

/// <summary>
/// Where ops run, with the scratch memory that those of one stream share: as large as the largest of them needed so far. The
/// processor's ops have no stream and scratch memory of their own.
/// </summary>
internal sealed class Workspace : IDisposable
{
    private DeviceBuffer? _memory;

    public Workspace(ComputeDevice device, bool batchInvariant)
    {
        Stream = device.Kind == DeviceKind.Cpu ? null : DeviceStream.Create(device);
        Context = (Stream?.Context ?? new LaunchContext(device)) with { BatchInvariant = batchInvariant };
    }

    public ComputeDevice Device => Context.Device;

    /// <summary>The stream; null on the processor, where ops are done when they return.</summary>
    public DeviceStream? Stream { get; }

    /// <summary>The context without scratch memory.</summary>
    public LaunchContext Context { get; }

    /// <summary>Whether ops have to be asked how much they need.</summary>
    public bool IsNeeded => Stream is not null;

    /// <summary>Counts how often the scratch memory moved: a captured graph holds its address.</summary>
    public int Generation { get; private set; }

    /// <summary>The context with so many bytes of scratch memory.</summary>
    public LaunchContext With(nuint bytes)
    {
        if (bytes == 0)
        {
            return Context;
        }

        if (_memory is null || (nuint)_memory.ByteCount < bytes)
        {
            Synchronize();
            _memory?.Dispose();
            _memory = null;
            _memory = DeviceBuffer.Allocate(Device, checked((long)bytes));
            Generation++;
        }

        return Context with { Workspace = _memory.Address, WorkspaceBytes = (nuint)_memory.ByteCount };
    }

    /// <summary>Waits until all that was enqueued is done.</summary>
    public void Synchronize() => Stream?.Synchronize();

    public void Dispose()
    {
        _memory?.Dispose();
        Stream?.Dispose();
    }
}
