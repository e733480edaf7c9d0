using System.Runtime.InteropServices;

namespace Warpline.Native;

/// <summary>Owns something that the native library handed out for a device.</summary>
internal abstract class DeviceHandle : SafeHandle
{
    protected DeviceHandle(nint value, ComputeDevice device)
        : base(0, ownsHandle: true)
    {
        Device = device;
        SetHandle(value);
    }

    public override bool IsInvalid => handle == 0;

    public ComputeDevice Device { get; }

    /// <summary>The address; the caller keeps this object reachable while it is in use.</summary>
    public nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }
}

/// <summary>Owns a block of a device's memory.</summary>
internal sealed unsafe class DeviceMemoryHandle : DeviceHandle
{
    private readonly long _hostBytes;

    private DeviceMemoryHandle(nint value, ComputeDevice device, long bytes)
        : base(value, device)
    {
        // On the CPU it is memory that the collector must know of.
        _hostBytes = device.Kind == DeviceKind.Cpu ? bytes : 0;
        if (_hostBytes > 0)
        {
            GC.AddMemoryPressure(_hostBytes);
        }
    }

    /// <summary>Allocates, and waits until any stream may use the memory.</summary>
    public static DeviceMemoryHandle Allocate(ComputeDevice device, long bytes)
    {
        LaunchParams.Create(new LaunchContext(device), out LaunchParams at);
        nint value;
        NativeStatus.Check(NativeMethods.DeviceAlloc((ulong)bytes, &at, &value));
        DeviceMemoryHandle handle = new(value, device, bytes);
        try
        {
            NativeStatus.Check(NativeMethods.StreamSynchronize(&at));
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    protected override bool ReleaseHandle()
    {
        if (_hostBytes > 0)
        {
            GC.RemoveMemoryPressure(_hostBytes);
        }

        LaunchParams.Create(new LaunchContext(Device), out LaunchParams at);
        return NativeMethods.DeviceFree(handle, &at) == (int)WarplineStatus.Ok;
    }
}

/// <summary>Owns a stream, an event, or a graph that is ready to launch.</summary>
internal sealed unsafe class DeviceObjectHandle : DeviceHandle
{
    private readonly delegate*<nint, int> _destroy;

    private DeviceObjectHandle(nint value, ComputeDevice device, delegate*<nint, int> destroy)
        : base(value, device) => _destroy = destroy;

    public static DeviceObjectHandle CreateStream(ComputeDevice device)
    {
        NativeLoader.EnsureLoaded();
        nint value;
        NativeStatus.Check(NativeMethods.StreamCreate((int)device.Kind, device.Index, &value));
        return new DeviceObjectHandle(value, device, &NativeMethods.StreamDestroy);
    }

    public static DeviceObjectHandle CreateEvent(ComputeDevice device)
    {
        NativeLoader.EnsureLoaded();
        nint value;
        NativeStatus.Check(NativeMethods.EventCreate((int)device.Kind, device.Index, &value));
        return new DeviceObjectHandle(value, device, &NativeMethods.EventDestroy);
    }

    public static DeviceObjectHandle EndCapture(in LaunchContext context)
    {
        LaunchParams.Create(context, out LaunchParams at);
        nint value;
        NativeStatus.Check(NativeMethods.GraphEndCapture(&at, &value));
        return new DeviceObjectHandle(value, context.Device, &NativeMethods.GraphDestroy);
    }

    protected override bool ReleaseHandle() => _destroy(handle) == (int)WarplineStatus.Ok;
}
