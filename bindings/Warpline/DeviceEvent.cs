using Warpline.Native;

namespace Warpline;

/// <summary>A mark in a stream of a CUDA device that others can wait for, a <c>cudaEvent_t</c>. It keeps its time.</summary>
/// <remarks>Lifetime: the event lives until <see cref="Dispose"/> or the garbage collector. Thread safety: any thread may record
/// and wait; disposing is not safe while a call uses the event.</remarks>
public sealed unsafe class DeviceEvent : IDisposable
{
    private readonly DeviceObjectHandle _handle;

    private DeviceEvent(DeviceObjectHandle handle) => _handle = handle;

    /// <summary>The device that the event belongs to.</summary>
    public ComputeDevice Device => _handle.Device;

    /// <summary>The <c>cudaEvent_t</c>, for other libraries. Keep the event reachable while it is in use.</summary>
    /// <exception cref="ObjectDisposedException">The event is disposed.</exception>
    public nint Handle => _handle.Value;

    /// <summary>Creates an event.</summary>
    /// <param name="device">A CUDA device.</param>
    /// <returns>The event, the caller's to dispose.</returns>
    /// <exception cref="WarplineException">There is no such device, or it is the CPU.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static DeviceEvent Create(ComputeDevice device) => new(DeviceObjectHandle.CreateEvent(device));

    /// <summary>Records the event: it is reached when all that is enqueued in the stream so far is done.</summary>
    /// <param name="stream">A stream of the event's device.</param>
    /// <exception cref="ArgumentNullException">There is no stream.</exception>
    /// <exception cref="ObjectDisposedException">The event or the stream is disposed.</exception>
    /// <exception cref="WarplineException">The stream is another device's.</exception>
    public void Record(DeviceStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        LaunchParams.Create(stream.Context, out LaunchParams at);
        NativeStatus.Check(NativeMethods.EventRecord(Handle, &at));
        GC.KeepAlive(stream);
        GC.KeepAlive(this);
    }

    /// <summary>Waits until the event is reached; one that was never recorded counts as reached.</summary>
    /// <exception cref="ObjectDisposedException">The event is disposed.</exception>
    /// <exception cref="WarplineException">A kernel failed, or the event was recorded under a capture.</exception>
    public void Synchronize()
    {
        NativeStatus.Check(NativeMethods.EventSynchronize(Handle));
        GC.KeepAlive(this);
    }

    /// <summary>The time from another event to this one, both recorded and reached.</summary>
    /// <param name="start">The earlier event.</param>
    /// <returns>The time, to about half a microsecond.</returns>
    /// <exception cref="ArgumentNullException">There is no other event.</exception>
    /// <exception cref="ObjectDisposedException">An event is disposed.</exception>
    /// <exception cref="WarplineException">One of the two is not recorded or not reached.</exception>
    public TimeSpan ElapsedSince(DeviceEvent start)
    {
        ArgumentNullException.ThrowIfNull(start);
        float milliseconds;
        NativeStatus.Check(NativeMethods.EventElapsed(start.Handle, Handle, &milliseconds));
        GC.KeepAlive(start);
        GC.KeepAlive(this);
        return TimeSpan.FromMilliseconds((double)milliseconds);
    }

    /// <summary>Destroys the event. A second call does nothing.</summary>
    public void Dispose() => _handle.Dispose();
}
