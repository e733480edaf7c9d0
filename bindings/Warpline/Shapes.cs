using System.Text;

namespace Warpline;

/// <summary>Arithmetic on shapes, checked: extents may come from files.</summary>
internal static class Shapes
{
    /// <summary>The bytes of a dense tensor; an argument exception where type or shape is not legal.</summary>
    public static long RequireByteSize(ElementType type, ReadOnlySpan<long> shape)
    {
        if (shape.Length > TensorRef.MaxRank)
        {
            throw new ArgumentException($"The rank is {shape.Length}; must be at most {TensorRef.MaxRank}.", nameof(shape));
        }

        long bytes = type.ByteSize();
        bool empty = false;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (shape[axis] < 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(shape), shape[axis], $"The extent of axis {axis} must be at least 0.");
            }

            empty |= shape[axis] == 0;
        }

        for (int axis = 0; axis < shape.Length; axis++)
        {
            // Also where an extent is zero: the strides that follow are products of the others.
            long extent = Math.Max(shape[axis], 1);
            if (extent > long.MaxValue / bytes)
            {
                string text = Append(new StringBuilder(), shape).ToString();
                throw new ArgumentException(
                    $"The shape {text} of {type} must take at most {long.MaxValue} bytes.", nameof(shape));
            }

            bytes *= extent;
        }

        return empty ? 0 : bytes;
    }

    /// <summary>Row-major strides without gaps.</summary>
    public static void FillDenseStrides(ReadOnlySpan<long> shape, Span<long> strides)
    {
        long stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= Math.Max(shape[axis], 1);
        }
    }

    /// <summary>"[2, 64]".</summary>
    public static StringBuilder Append(StringBuilder text, ReadOnlySpan<long> shape)
    {
        text.Append('[');
        for (int axis = 0; axis < shape.Length; axis++)
        {
            text.Append(axis == 0 ? "" : ", ").Append(shape[axis]);
        }

        return text.Append(']');
    }
}
