using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Warpline.Transformers;

/// <summary>
/// Weights that a program holds in memory. Arrays are pinned until the source is disposed and tensors kept alive; neither
/// is copied, so what is written into one later is seen by the model. Adding is for one thread; reading is safe from several.
/// </summary>
public sealed class InMemoryWeights : IWeightSource
{
    private readonly Dictionary<string, WeightTensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<GCHandle> _pins = [];
    private readonly List<HostTensor> _kept = [];
    private bool _disposed;

    /// <inheritdoc/>
    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>Adds a float32 tensor.</summary>
    /// <param name="name">Name as checkpoints of the model's family spell it.</param>
    /// <param name="values">The elements, row-major; pinned until the source is disposed.</param>
    /// <param name="shape">Extents, outermost first.</param>
    /// <exception cref="ArgumentException">The name is taken, or the shape does not fit the array.</exception>
    public void Add(string name, float[] values, params ReadOnlySpan<long> shape) =>
        Add(name, values, ElementType.Float32, shape);

    /// <summary>Adds a tensor of any type, given by values of the same size (ushort for bfloat16).</summary>
    /// <typeparam name="T">A type of the size of one element.</typeparam>
    /// <param name="name">Name as checkpoints of the model's family spell it.</param>
    /// <param name="values">The elements, row-major; pinned until the source is disposed.</param>
    /// <param name="type">What the bits of an element mean.</param>
    /// <param name="shape">Extents, outermost first.</param>
    /// <exception cref="ArgumentException">The name is taken, or type or shape does not fit the array.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public void Add<T>(string name, T[] values, ElementType type, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        RequireFree(name);
        int elementBytes = type.ByteSize();
        if (Unsafe.SizeOf<T>() != elementBytes)
        {
            throw new ArgumentException(
                $"{typeof(T).Name} has {Unsafe.SizeOf<T>()} bytes; {type} requires values of {elementBytes}.", nameof(type));
        }

        Int128 count = 1;
        foreach (long extent in shape)
        {
            if (extent < 0)
            {
                throw new ArgumentException($"The extent {extent} is negative.", nameof(shape));
            }

            // An array has fewer than 2^31 elements, so a larger product is settled before it could overflow.
            count = Int128.Min(count * extent, int.MaxValue);
        }

        if (count != values.Length)
        {
            throw new ArgumentException(
                $"Shape [{string.Join(", ", shape.ToArray())}] of \"{name}\" does not fit an array of {values.Length} elements.",
                nameof(shape));
        }

        GCHandle pin = GCHandle.Alloc(values, GCHandleType.Pinned);
        _pins.Add(pin);
        _tensors.Add(name, new WeightTensor(pin.AddrOfPinnedObject(), type, [.. shape]));
    }

    /// <summary>Adds a tensor that stays the caller's; it must not be disposed before the source.</summary>
    /// <param name="name">Name as checkpoints of the model's family spell it.</param>
    /// <param name="tensor">The tensor.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="ObjectDisposedException">The tensor or the source is disposed.</exception>
    public void Add(string name, HostTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        RequireFree(name);
        _tensors.Add(name, new WeightTensor(tensor.View.Address, tensor.ElementType, [.. tensor.Shape]));
        _kept.Add(tensor);
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out WeightTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _tensors.TryGetValue(name, out tensor);
    }

    /// <summary>Unpins the arrays; addresses handed out are no longer valid.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _pins.ForEach(pin => pin.Free());
            _kept.Clear();
            _tensors.Clear();
        }
    }

    private void RequireFree(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_tensors.ContainsKey(name))
        {
            throw new ArgumentException($"There is already a tensor named \"{name}\".", nameof(name));
        }
    }
}
