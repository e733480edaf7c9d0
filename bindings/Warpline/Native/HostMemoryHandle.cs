using System.Runtime.InteropServices;

namespace Warpline.Native;

/// <summary>Owns one block of the native library's host memory: 256-byte aligned, counted by
/// WarplineLibrary.LiveHandles.</summary>
internal sealed unsafe class HostMemoryHandle : SafeHandle
{
    private readonly long _bytes;

    private HostMemoryHandle(nint memory, long bytes)
        : base(0, ownsHandle: true)
    {
        _bytes = bytes;
        SetHandle(memory);

        // Blocks that nobody disposes are freed by the collector, which must know what they weigh.
        if (bytes > 0)
        {
            GC.AddMemoryPressure(bytes);
        }
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The address of the block; the caller keeps this object reachable.</summary>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    public static HostMemoryHandle Allocate(long bytes)
    {
        NativeLoader.EnsureLoaded();
        nint memory;
        NativeStatus.Check(NativeMethods.HostAlloc((ulong)bytes, &memory));
        return new HostMemoryHandle(memory, bytes);
    }

    protected override bool ReleaseHandle()
    {
        if (_bytes > 0)
        {
            GC.RemoveMemoryPressure(_bytes);
        }

        return NativeMethods.HostFree(handle) == (int)WarplineStatus.Ok;
    }
}
