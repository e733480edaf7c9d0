using System.Diagnostics.CodeAnalysis;
using Warpline.Native;

namespace Warpline;

/// <summary>A queue of work on a CUDA device, a <c>cudaStream_t</c>. The CPU has none: an op there is done when its call
/// returns.</summary>
/// <remarks>
/// Lifetime: the stream lives until <see cref="Dispose"/> or the garbage collector; what is enqueued by then still runs. Keep it
/// reachable while its <see cref="Context"/> or <see cref="Handle"/> is in use. Thread safety: any thread may enqueue and wait;
/// a capture belongs to the thread that began it; disposing is not safe while a call uses the stream.
/// </remarks>
[SuppressMessage("Naming", "CA1711", Justification = "A stream of CUDA: the field's word.")]
public sealed unsafe class DeviceStream : IDisposable
{
    private readonly DeviceObjectHandle _handle;

    private DeviceStream(DeviceObjectHandle handle) => _handle = handle;

    /// <summary>The device that the stream belongs to.</summary>
    public ComputeDevice Device => _handle.Device;

    /// <summary>The <c>cudaStream_t</c>, for other libraries.</summary>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public nint Handle => _handle.Value;

    /// <summary>Where to run an op, so that it is enqueued here.</summary>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public LaunchContext Context => new(Device, Handle);

    /// <summary>Creates a stream that does not wait for CUDA's legacy default stream.</summary>
    /// <param name="device">A CUDA device.</param>
    /// <returns>The stream, the caller's to dispose.</returns>
    /// <exception cref="WarplineException">There is no such device, or it is the CPU.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static DeviceStream Create(ComputeDevice device) => new(DeviceObjectHandle.CreateStream(device));

    /// <summary>Waits until all that is enqueued here is done.</summary>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    /// <exception cref="WarplineException">A kernel failed, or the stream is being captured.</exception>
    public void Synchronize()
    {
        LaunchParams.Create(Context, out LaunchParams at);
        NativeStatus.Check(NativeMethods.StreamSynchronize(&at));
        GC.KeepAlive(this);
    }

    /// <summary>Makes what is enqueued here from now on wait for the event's latest record.</summary>
    /// <param name="deviceEvent">The event.</param>
    /// <exception cref="ArgumentNullException">There is no event.</exception>
    /// <exception cref="ObjectDisposedException">The stream or the event is disposed.</exception>
    /// <exception cref="WarplineException">The two cannot be joined, by a capture for instance.</exception>
    public void Wait(DeviceEvent deviceEvent)
    {
        ArgumentNullException.ThrowIfNull(deviceEvent);
        LaunchParams.Create(Context, out LaunchParams at);
        NativeStatus.Check(NativeMethods.StreamWaitEvent(deviceEvent.Handle, &at));
        GC.KeepAlive(deviceEvent);
        GC.KeepAlive(this);
    }

    /// <summary>Begins to capture: what this thread enqueues here, and in streams that wait for events of this one, is kept for a
    /// graph and does not run. Until <see cref="EndCapture"/> nothing may wait, allocate or free.</summary>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    /// <exception cref="WarplineException">The stream is being captured already.</exception>
    public void BeginCapture()
    {
        LaunchParams.Create(Context, out LaunchParams at);
        NativeStatus.Check(NativeMethods.GraphBeginCapture(&at));
        GC.KeepAlive(this);
    }

    /// <summary>Ends the capture and makes a graph of it. Its addresses and shapes are those of the captured calls: their memory
    /// must live as long as the graph is launched.</summary>
    /// <returns>The graph, the caller's to dispose.</returns>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    /// <exception cref="WarplineException">There is no capture, an illegal call spoilt it, or a stream did not join again; the
    /// capture is over then.</exception>
    public DeviceGraph EndCapture()
    {
        DeviceGraph graph = new(DeviceObjectHandle.EndCapture(Context));
        GC.KeepAlive(this);
        return graph;
    }

    /// <summary>Destroys the stream once its work is done. A second call does nothing.</summary>
    public void Dispose() => _handle.Dispose();
}
