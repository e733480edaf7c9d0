using System.Numerics.Tensors;

namespace Warpline.Native;

/// <summary>Views of pinned managed memory, for the span overloads.</summary>
internal static unsafe class Spans
{
    /// <summary>Spans live in host memory: the op must be done when the call returns.</summary>
    public static void RequireHost(in LaunchContext context)
    {
        if (context.Device.Kind != DeviceKind.Cpu)
        {
            throw new ArgumentException(
                $"The device is {context.Device}; spans need the CPU, a TensorRef serves other devices.", nameof(context));
        }
    }

    /// <summary>A view of a pinned tensor span.</summary>
    public static void View<T>(T* data, scoped ReadOnlyTensorSpan<T> span, out TensorRef view)
        where T : unmanaged
    {
        int rank = span.Rank;
        if (rank > TensorRef.MaxRank)
        {
            throw new ArgumentException($"The rank is {rank}; must be at most {TensorRef.MaxRank}.", nameof(span));
        }

        Span<long> shape = stackalloc long[TensorRef.MaxRank];
        Span<long> strides = stackalloc long[TensorRef.MaxRank];
        long dense = 1;
        for (int axis = rank - 1; axis >= 0; axis--)
        {
            // A tensor span gives axes of extent 1 the stride 0; ops want to see rows as dense.
            shape[axis] = span.Lengths[axis];
            strides[axis] = shape[axis] <= 1 ? dense : span.Strides[axis];
            dense = Math.Max(shape[axis], 1) * strides[axis];
        }

        view = TensorRef.Strided(data, ElementTypes.Of<T>(), shape[..rank], strides[..rank]);
    }

    /// <summary>A view of a pinned vector; absent where it is empty.</summary>
    public static TensorRef OptionalView<T>(T* data, int length)
        where T : unmanaged => length == 0 ? default : new TensorRef(data, ElementTypes.Of<T>(), length);

    /// <summary>A view of a pinned vector.</summary>
    public static TensorRef View<T>(T* data, int length)
        where T : unmanaged => new(data, ElementTypes.Of<T>(), length);
}
