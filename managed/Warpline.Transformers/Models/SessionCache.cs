namespace Warpline.Transformers;

/// <summary>Keys (rotated) and values of the tokens of one sequence, for all layers, in one block of memory.</summary>
internal sealed class SessionCache : IDisposable
{
    private readonly HostTensor _memory;
    private readonly TensorRef[] _keys;
    private readonly TensorRef[] _values;

    public SessionCache(ArchitectureSpec spec, ElementType type, int capacity)
    {
        Capacity = capacity;
        _memory = HostTensor.Allocate(type, spec.LayerCount, 2, capacity, spec.KeyValueHeads, spec.HeadSize);
        TensorRef all = _memory;
        _keys = [.. Enumerable.Range(0, spec.LayerCount).Select(layer => all.Select(0, layer).Slice(0, 0, 1))];
        _values = [.. Enumerable.Range(0, spec.LayerCount).Select(layer => all.Select(0, layer).Slice(0, 1, 1))];
    }

    /// <summary>Tokens that fit.</summary>
    public int Capacity { get; }

    /// <summary>A layer's keys: [1, capacity, heads, head size].</summary>
    public ref readonly TensorRef Keys(int layer) => ref _keys[layer];

    /// <summary>A layer's values, as <see cref="Keys"/>.</summary>
    public ref readonly TensorRef Values(int layer) => ref _values[layer];

    /// <summary>Copies the first tokens of another cache of the same shape.</summary>
    public void CopyFrom(SessionCache other, int tokens)
    {
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            Copy(other._keys[layer].Slice(1, 0, tokens), _keys[layer]);
            Copy(other._values[layer].Slice(1, 0, tokens), _values[layer]);
        }
    }

    public void Dispose() => _memory.Dispose();

    private static unsafe void Copy(TensorRef from, TensorRef to)
    {
        long bytes = from.ElementCount * from.ElementType.ByteSize();
        Buffer.MemoryCopy((void*)from.Address, (void*)to.Address, bytes, bytes);
    }
}
