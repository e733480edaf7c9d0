using Warpline.Native;

namespace Warpline;

/// <summary>Memory of a device that it owns, 256-byte aligned. On the CPU it is memory of the host.</summary>
/// <remarks>
/// Lifetime: the memory lives until <see cref="Dispose"/>; a buffer that nobody disposes is freed by the garbage collector. A
/// <see cref="TensorRef"/> of it keeps nothing alive, so keep the buffer reachable, and dispose it only when the work that uses it
/// is done (<see cref="DeviceStream.Synchronize"/>). Thread safety: the properties may be read from any thread; copies of disjoint
/// parts may run at the same time.
/// </remarks>
public sealed unsafe class DeviceBuffer : IDisposable
{
    private readonly DeviceMemoryHandle _memory;

    private DeviceBuffer(DeviceMemoryHandle memory, long byteCount)
    {
        _memory = memory;
        ByteCount = byteCount;
    }

    private enum Direction
    {
        ToDevice = 1,
        ToHost = 2,
        OnDevice = 3,
    }

    /// <summary>The device whose memory it is.</summary>
    public ComputeDevice Device => _memory.Device;

    /// <summary>The size in bytes.</summary>
    public long ByteCount { get; }

    /// <summary>The address in the device's memory. Keep the buffer reachable while it is in use.</summary>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public nint Address => _memory.Value;

    /// <summary>Allocates memory that any stream may use at once. It is not initialised. Allocating waits for the device's default
    /// stream, so do it before the work that counts.</summary>
    /// <param name="device">The device.</param>
    /// <param name="byteCount">The size in bytes, at least 0.</param>
    /// <returns>The buffer, the caller's to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="WarplineException">There is no such device, or it has no such block.</exception>
    /// <exception cref="WarplineLoadException">The library could not be loaded.</exception>
    public static DeviceBuffer Allocate(ComputeDevice device, long byteCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(byteCount);
        return new DeviceBuffer(DeviceMemoryHandle.Allocate(device, byteCount), byteCount);
    }

    /// <summary>A dense tensor in this memory, for ops and for slicing. Keep the buffer reachable while the view is in use.</summary>
    /// <param name="type">The type of the elements.</param>
    /// <param name="byteOffset">Where the tensor begins.</param>
    /// <param name="shape">At most <see cref="TensorRef.MaxRank"/> extents of at least zero.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentException">The shape is not legal, or the tensor leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    public TensorRef View(ElementType type, long byteOffset, params ReadOnlySpan<long> shape)
    {
        RequireRange(byteOffset, Shapes.RequireByteSize(type, shape), nameof(byteOffset));
        return new TensorRef((void*)(Address + (nint)byteOffset), type, shape);
    }

    /// <summary>Copies values of the host into the buffer, and waits.</summary>
    /// <typeparam name="T">The type of the values; their bytes are copied.</typeparam>
    /// <param name="source">The values.</param>
    /// <param name="byteOffset">Where in the buffer they go.</param>
    /// <param name="stream">The stream whose turn the copy waits for; null for the device's default stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ArgumentException">The stream is another device's.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="WarplineException">The copy failed.</exception>
    public void CopyFrom<T>(ReadOnlySpan<T> source, long byteOffset = 0, DeviceStream? stream = null)
        where T : unmanaged
    {
        long bytes = (long)source.Length * sizeof(T);
        RequireRange(byteOffset, bytes, nameof(byteOffset));
        fixed (T* data = source)
        {
            Copy(Address + (nint)byteOffset, (nint)data, bytes, Direction.ToDevice, stream, wait: true);
        }
    }

    /// <summary>Copies bytes of the buffer to values of the host, and waits.</summary>
    /// <typeparam name="T">The type of the values; their bytes are copied.</typeparam>
    /// <param name="destination">Receives the values.</param>
    /// <param name="byteOffset">Where in the buffer they are.</param>
    /// <param name="stream">The stream whose turn the copy waits for; null for the device's default stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ArgumentException">The stream is another device's.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="WarplineException">The copy failed, or a kernel before it did.</exception>
    public void CopyTo<T>(Span<T> destination, long byteOffset = 0, DeviceStream? stream = null)
        where T : unmanaged
    {
        long bytes = (long)destination.Length * sizeof(T);
        RequireRange(byteOffset, bytes, nameof(byteOffset));
        fixed (T* data = destination)
        {
            Copy((nint)data, Address + (nint)byteOffset, bytes, Direction.ToHost, stream, wait: true);
        }
    }

    /// <summary>Enqueues a copy from memory of the host, which must stay as it is until the stream got there.</summary>
    /// <param name="source">The address, of a <see cref="HostTensor"/> or of a mapped file for instance.</param>
    /// <param name="byteCount">How many bytes.</param>
    /// <param name="byteOffset">Where in the buffer they go.</param>
    /// <param name="stream">The stream; null for the device's default stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ArgumentException">The stream is another device's.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="WarplineException">The copy could not be enqueued.</exception>
    public void EnqueueCopyFrom(nint source, long byteCount, long byteOffset = 0, DeviceStream? stream = null)
    {
        RequireRange(byteOffset, byteCount, nameof(byteOffset));
        Copy(Address + (nint)byteOffset, source, byteCount, Direction.ToDevice, stream, wait: false);
    }

    /// <summary>Enqueues a copy to memory of the host, which must live until the stream got there and is not to be read
    /// before.</summary>
    /// <param name="destination">The address.</param>
    /// <param name="byteCount">How many bytes.</param>
    /// <param name="byteOffset">Where in the buffer they are.</param>
    /// <param name="stream">The stream; null for the device's default stream.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ArgumentException">The stream is another device's.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="WarplineException">The copy could not be enqueued.</exception>
    public void EnqueueCopyTo(nint destination, long byteCount, long byteOffset = 0, DeviceStream? stream = null)
    {
        RequireRange(byteOffset, byteCount, nameof(byteOffset));
        Copy(destination, Address + (nint)byteOffset, byteCount, Direction.ToHost, stream, wait: false);
    }

    /// <summary>Enqueues a copy within the device's memory. The two ranges must not overlap.</summary>
    /// <param name="source">A buffer of the same device.</param>
    /// <param name="byteCount">How many bytes.</param>
    /// <param name="sourceOffset">Where in the source they are.</param>
    /// <param name="byteOffset">Where in this buffer they go.</param>
    /// <param name="stream">The stream; null for the device's default stream.</param>
    /// <exception cref="ArgumentNullException">There is no source.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A range leaves its buffer.</exception>
    /// <exception cref="ArgumentException">The source or the stream is another device's.</exception>
    /// <exception cref="ObjectDisposedException">A buffer is disposed.</exception>
    /// <exception cref="WarplineException">The copy could not be enqueued.</exception>
    public void EnqueueCopyFrom(
        DeviceBuffer source, long byteCount, long sourceOffset = 0, long byteOffset = 0, DeviceStream? stream = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Device != Device)
        {
            throw new ArgumentException($"The source is memory of {source.Device}; must be of {Device}.", nameof(source));
        }

        source.RequireRange(sourceOffset, byteCount, nameof(sourceOffset));
        RequireRange(byteOffset, byteCount, nameof(byteOffset));
        Copy(
            Address + (nint)byteOffset, source.Address + (nint)sourceOffset, byteCount, Direction.OnDevice, stream, wait: false);
        GC.KeepAlive(source);
    }

    /// <summary>Enqueues that all bytes are set to one value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="stream">The stream; null for the device's default stream.</param>
    /// <exception cref="ArgumentException">The stream is another device's.</exception>
    /// <exception cref="ObjectDisposedException">The buffer is disposed.</exception>
    /// <exception cref="WarplineException">The call failed.</exception>
    public void Fill(byte value, DeviceStream? stream = null)
    {
        LaunchParams.Create(ContextOf(stream), out LaunchParams at);
        NativeStatus.Check(NativeMethods.Fill(Address, value, (ulong)ByteCount, &at));
        GC.KeepAlive(stream);
        GC.KeepAlive(this);
    }

    /// <summary>Frees the memory. A second call does nothing.</summary>
    public void Dispose() => _memory.Dispose();

    private LaunchContext ContextOf(DeviceStream? stream)
    {
        if (stream is null)
        {
            return new LaunchContext(Device);
        }

        return stream.Device == Device
            ? stream.Context
            : throw new ArgumentException($"The stream is one of {stream.Device}; must be of {Device}.", nameof(stream));
    }

    private void RequireRange(long offset, long bytes, string name)
    {
        if (offset < 0 || bytes < 0 || offset > ByteCount - bytes)
        {
            throw new ArgumentOutOfRangeException(
                name, $"The range of {bytes} bytes from {offset} must lie within the {ByteCount} bytes of the buffer.");
        }
    }

    private void Copy(nint destination, nint source, long bytes, Direction direction, DeviceStream? stream, bool wait)
    {
        LaunchParams.Create(ContextOf(stream), out LaunchParams at);
        NativeStatus.Check(NativeMethods.Copy(destination, source, (ulong)bytes, (int)direction, &at));
        if (wait)
        {
            NativeStatus.Check(NativeMethods.StreamSynchronize(&at));
        }

        GC.KeepAlive(stream);
        GC.KeepAlive(this);
    }
}
