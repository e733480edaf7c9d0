namespace Warpline.Transformers;

/// <summary>A dense tensor in the memory of a device, the processor's included, that it owns.</summary>
internal sealed unsafe class DeviceTensor : IDisposable
{
    private readonly HostTensor? _host;
    private readonly DeviceBuffer? _device;

    private DeviceTensor(HostTensor? host, DeviceBuffer? device, TensorRef view) => (_host, _device, View) = (host, device, view);

    public TensorRef View { get; }

    public long ByteCount => View.ElementCount * View.ElementType.ByteSize();

    /// <summary>Allocates a tensor; its elements are not initialised.</summary>
    public static DeviceTensor Allocate(ComputeDevice device, ElementType type, params ReadOnlySpan<long> shape)
    {
        if (device.Kind == DeviceKind.Cpu)
        {
            HostTensor host = HostTensor.Allocate(type, shape);
            return new DeviceTensor(host, null, host);
        }

        long bytes = type.ByteSize();
        foreach (long extent in shape)
        {
            bytes = checked(bytes * extent);
        }

        DeviceBuffer buffer = DeviceBuffer.Allocate(device, bytes);
        return new DeviceTensor(null, buffer, buffer.View(type, 0, shape));
    }

    /// <summary>Allocates a tensor with the elements of a dense one in host memory, which must stay as it is until the stream
    /// got there.</summary>
    public static DeviceTensor Copy(ComputeDevice device, in TensorRef source, DeviceStream? stream)
    {
        DeviceTensor tensor = Allocate(device, source.ElementType, source.Shape);
        tensor.Write(source.Address, source.ElementCount * source.ElementType.ByteSize(), stream);
        return tensor;
    }

    /// <summary>Writes the first bytes from host memory, in the stream's order.</summary>
    public void Write(nint source, long bytes, DeviceStream? stream)
    {
        if (_device is null)
        {
            Buffer.MemoryCopy((void*)source, (void*)View.Address, bytes, bytes);
        }
        else
        {
            _device.EnqueueCopyFrom(source, bytes, 0, stream);
        }
    }

    /// <summary>Reads the first bytes into host memory, in the stream's order.</summary>
    public void Read(nint destination, long bytes, DeviceStream? stream)
    {
        if (_device is null)
        {
            Buffer.MemoryCopy((void*)View.Address, (void*)destination, bytes, bytes);
        }
        else
        {
            _device.EnqueueCopyTo(destination, bytes, 0, stream);
        }
    }

    /// <summary>Copies a range of bytes from the same place of another tensor on the same device, in the stream's order.</summary>
    public void CopyRange(DeviceTensor source, long offset, long bytes, DeviceStream? stream)
    {
        if (_device is null)
        {
            Buffer.MemoryCopy((void*)(source.View.Address + (nint)offset), (void*)(View.Address + (nint)offset), bytes, bytes);
        }
        else
        {
            _device.EnqueueCopyFrom(source._device!, bytes, offset, offset, stream);
        }
    }

    public void Dispose()
    {
        _host?.Dispose();
        _device?.Dispose();
    }
}
