using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Warpline.Native;

namespace Warpline;

/// <summary>A dense row-major tensor in host memory that it owns, 256-byte aligned.</summary>
/// <remarks>
/// Lifetime: the memory lives until <see cref="Dispose"/>; a tensor that nobody disposes is freed by the garbage collector. A
/// <see cref="TensorRef"/> or span of it keeps nothing alive, so keep the tensor reachable while one is in use: declare it with
/// <c>using</c>, or hold it in a field. Thread safety: reading the properties is safe from any thread; disposing is not safe
/// while an op or a span uses the memory.
/// </remarks>
public sealed unsafe class HostTensor : IDisposable
{
    private readonly HostMemoryHandle _memory;
    private readonly TensorRef _view;

    private HostTensor(HostMemoryHandle memory, ElementType type, ReadOnlySpan<long> shape, long bytes)
    {
        _memory = memory;
        _view = new TensorRef((void*)memory.Address, type, shape);
        ByteCount = bytes;
    }

    /// <summary>The type of the elements.</summary>
    public ElementType ElementType => _view.ElementType;

    /// <summary>The number of extents.</summary>
    public int Rank => _view.Rank;

    /// <summary>The extents.</summary>
    public ReadOnlySpan<long> Shape => _view.Shape;

    /// <summary>The number of elements.</summary>
    public long ElementCount => _view.ElementCount;

    /// <summary>The size of the elements in bytes.</summary>
    public long ByteCount { get; }

    /// <summary>The whole tensor as a view, for ops and for slicing. Keep the tensor reachable while the view is in
    /// use.</summary>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public TensorRef View
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory.IsClosed, this);
            return _view;
        }
    }

    /// <summary>The whole tensor as a view, so that it can be given to ops. Keep the tensor reachable during the call.</summary>
    /// <param name="tensor">The tensor; null gives an absent one.</param>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public static implicit operator TensorRef(HostTensor? tensor) => tensor is null ? default : tensor.View;

    /// <summary>Allocates a tensor. Its elements are not initialised; see <see cref="Clear"/>.</summary>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">At most <see cref="TensorRef.MaxRank"/> extents of at least zero.</param>
    /// <returns>The tensor, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The type is unknown, the rank too large, an extent negative, or the size in bytes
    /// is beyond 64 bits.</exception>
    /// <exception cref="WarplineException">The system has no such block.</exception>
    public static HostTensor Allocate(ElementType type, params ReadOnlySpan<long> shape)
    {
        long bytes = Shapes.RequireByteSize(type, shape);
        HostMemoryHandle memory = HostMemoryHandle.Allocate(bytes);
        return new HostTensor(memory, type, shape, bytes);
    }

    /// <summary>Allocates a tensor and copies values into it.</summary>
    /// <typeparam name="T">float for Float32, Half for Float16, int for Int32.</typeparam>
    /// <param name="values">The elements in row-major order.</param>
    /// <param name="shape">Extents whose product is the number of values.</param>
    /// <returns>The tensor, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">As <see cref="Allocate"/>, or the number of values is another.</exception>
    public static HostTensor Create<T>(ReadOnlySpan<T> values, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        ElementType type = ElementTypes.Of<T>();
        long bytes = Shapes.RequireByteSize(type, shape);
        if (bytes / sizeof(T) != values.Length)
        {
            throw new ArgumentException(
                $"There are {values.Length} values; must be {bytes / sizeof(T)}, as the shape says.", nameof(values));
        }

        HostTensor tensor = Allocate(type, shape);
        values.CopyTo(tensor.AsSpan<T>());
        return tensor;
    }

    /// <summary>The elements in row-major order. Keep the tensor reachable while the span is in use.</summary>
    /// <typeparam name="T">float for Float32, Half for Float16, int for Int32, ushort for the bits of a 16-bit type.</typeparam>
    /// <returns>A span over the tensor's own memory.</returns>
    /// <exception cref="ArgumentException"><typeparamref name="T"/> does not stand for the element type.</exception>
    /// <exception cref="InvalidOperationException">There are more elements than a span can hold.</exception>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public Span<T> AsSpan<T>()
        where T : unmanaged
    {
        RequireView<T>();
        long count = ElementCount;
        return count <= int.MaxValue
            ? new Span<T>((void*)_memory.Address, (int)count)
            : throw new InvalidOperationException($"The tensor has {count} elements; a span holds at most {int.MaxValue}.");
    }

    /// <summary>The elements with their shape. Keep the tensor reachable while the span is in use.</summary>
    /// <typeparam name="T">As <see cref="AsSpan{T}"/>.</typeparam>
    /// <returns>A span over the tensor's own memory.</returns>
    /// <exception cref="ArgumentException"><typeparamref name="T"/> does not stand for the element type.</exception>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public TensorSpan<T> AsTensorSpan<T>()
        where T : unmanaged
    {
        RequireView<T>();
        Span<nint> lengths = stackalloc nint[Rank];
        for (int axis = 0; axis < lengths.Length; axis++)
        {
            lengths[axis] = checked((nint)Shape[axis]);
        }

        return new TensorSpan<T>((T*)_memory.Address, checked((nint)ElementCount), lengths);
    }

    /// <summary>Sets all elements to zero.</summary>
    /// <exception cref="ObjectDisposedException">The tensor is disposed.</exception>
    public void Clear()
    {
        NativeMemory.Clear((void*)View.Address, (nuint)ByteCount);
        GC.KeepAlive(this);
    }

    /// <summary>Frees the memory. A second call does nothing.</summary>
    public void Dispose() => _memory.Dispose();

    /// <summary>Type and shape, "Float32 [2, 64]" for instance.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => _view.ToString();

    private void RequireView<T>()
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_memory.IsClosed, this);
        if (!ElementTypes.CanView<T>(ElementType))
        {
            throw new ArgumentException($"The element type is {ElementType}; {typeof(T).Name} does not stand for it.");
        }
    }
}
