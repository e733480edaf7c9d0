using Warpline.Native;

namespace Warpline;

/// <summary>Work that a stream captured once, to be launched again and again in one call: see
/// <see cref="DeviceStream.BeginCapture"/>.</summary>
/// <remarks>Lifetime: the graph lives until <see cref="Dispose"/> or the garbage collector; launches that are enqueued still run.
/// The memory that the captured calls use must live as long. Thread safety: any thread may launch, launches do not overlap;
/// disposing is not safe while a call uses the graph.</remarks>
public sealed unsafe class DeviceGraph : IDisposable
{
    private readonly DeviceObjectHandle _handle;

    internal DeviceGraph(DeviceObjectHandle handle) => _handle = handle;

    /// <summary>The device that the graph was captured on.</summary>
    public ComputeDevice Device => _handle.Device;

    /// <summary>Enqueues all of the graph's work.</summary>
    /// <param name="stream">A stream of the graph's device.</param>
    /// <exception cref="ArgumentNullException">There is no stream.</exception>
    /// <exception cref="ObjectDisposedException">The graph or the stream is disposed.</exception>
    /// <exception cref="WarplineException">The stream is being captured, or another device's.</exception>
    public void Launch(DeviceStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        LaunchParams.Create(stream.Context, out LaunchParams at);
        NativeStatus.Check(NativeMethods.GraphLaunch(_handle.Value, &at));
        GC.KeepAlive(stream);
        GC.KeepAlive(this);
    }

    /// <summary>Destroys the graph. A second call does nothing.</summary>
    public void Dispose() => _handle.Dispose();
}
