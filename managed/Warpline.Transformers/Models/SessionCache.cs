namespace Warpline.Transformers;

/// <summary>Keys (rotated) and values of the tokens of one sequence, for all layers, in one block of the device's memory.</summary>
internal sealed class SessionCache : IDisposable
{
    private readonly DeviceTensor _memory;
    private readonly TensorRef[] _keys;
    private readonly TensorRef[] _values;

    public SessionCache(ArchitectureSpec spec, ComputeDevice device, ElementType type, int capacity)
    {
        Capacity = capacity;
        _memory = DeviceTensor.Allocate(device, type, spec.LayerCount, 2, capacity, spec.KeyValueHeads, spec.HeadSize);
        TensorRef all = _memory.View;
        _keys = [.. Enumerable.Range(0, spec.LayerCount).Select(layer => all.Select(0, layer).Slice(0, 0, 1))];
        _values = [.. Enumerable.Range(0, spec.LayerCount).Select(layer => all.Select(0, layer).Slice(0, 1, 1))];
    }

    /// <summary>Bytes of the cache.</summary>
    public long ByteCount => _memory.ByteCount;

    /// <summary>Bytes that each token of the capacity takes.</summary>
    public static long BytesPerToken(ArchitectureSpec spec, ElementType type) =>
        2L * spec.LayerCount * spec.KeyValueHeads * spec.HeadSize * type.ByteSize();

    /// <summary>Tokens that fit.</summary>
    public int Capacity { get; }

    /// <summary>A layer's keys: [1, capacity, heads, head size].</summary>
    public ref readonly TensorRef Keys(int layer) => ref _keys[layer];

    /// <summary>A layer's values, as <see cref="Keys"/>.</summary>
    public ref readonly TensorRef Values(int layer) => ref _values[layer];

    /// <summary>Copies the first tokens of another cache of the same shape, in the stream's order.</summary>
    public void CopyFrom(SessionCache other, int tokens, DeviceStream? stream)
    {
        foreach (TensorRef[] tensors in new[] { _keys, _values })
        {
            foreach (TensorRef tensor in tensors)
            {
                TensorRef used = tensor.Slice(1, 0, tokens);
                long bytes = used.ElementCount * used.ElementType.ByteSize();
                _memory.CopyRange(other._memory, used.Address - _memory.View.Address, bytes, stream);
            }
        }
    }

    public void Dispose() => _memory.Dispose();
}
