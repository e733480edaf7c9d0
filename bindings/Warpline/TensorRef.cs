using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Warpline;

/// <summary>
/// A view of memory that someone else owns: an address, an element type, a shape and strides in elements. It is the C ABI's
/// <c>wl_tensor</c>, bit for bit. The default value is an absent tensor.
/// </summary>
/// <remarks>
/// Lifetime: nothing here keeps the memory alive. It must stay valid, and at its place, until every op that was given the
/// view is done: pin managed arrays, and keep a <see cref="HostTensor"/> reachable (a <c>using</c> does) while its views are in
/// use. Thread safety: an immutable value; the memory behind it is as safe as its owner makes it.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly unsafe struct TensorRef
{
    /// <summary>The largest rank of a tensor.</summary>
    public const int MaxRank = 6;

    private readonly nint _data;
    private readonly ElementType _type;
    private readonly int _rank;
    private readonly Extents _shape;
    private readonly Extents _strides;
    private readonly ulong _reserved0;
    private readonly ulong _reserved1;

    /// <summary>A view of dense row-major memory.</summary>
    /// <param name="data">The address of the first element; may be null where an extent is zero.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">At most <see cref="MaxRank"/> extents of at least zero.</param>
    /// <exception cref="ArgumentException">The type is unknown, the rank too large, an extent negative, or the size in bytes
    /// is beyond 64 bits.</exception>
    public TensorRef(void* data, ElementType type, params ReadOnlySpan<long> shape)
    {
        Shapes.RequireByteSize(type, shape);
        _data = (nint)data;
        _type = type;
        _rank = shape.Length;
        shape.CopyTo(_shape);
        Shapes.FillDenseStrides(shape, _strides);
    }

    private TensorRef(void* data, ElementType type, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        _data = (nint)data;
        _type = type;
        _rank = shape.Length;
        shape.CopyTo(_shape);
        strides.CopyTo(_strides);
    }

    /// <summary>The address of the first element.</summary>
    public nint Address => _data;

    /// <summary>The type of the elements; zero for an absent tensor.</summary>
    public ElementType ElementType => _type;

    /// <summary>The number of extents.</summary>
    public int Rank => _rank;

    /// <summary>Whether there is a tensor: false for the default value, which stands for an optional tensor left out.</summary>
    public bool IsPresent => _type != 0;

    /// <summary>The extents. The span lives as long as this value.</summary>
    [UnscopedRef]
    public ReadOnlySpan<long> Shape => ((ReadOnlySpan<long>)_shape)[.._rank];

    /// <summary>The strides in elements. The span lives as long as this value.</summary>
    [UnscopedRef]
    public ReadOnlySpan<long> Strides => ((ReadOnlySpan<long>)_strides)[.._rank];

    /// <summary>The number of elements: the product of the extents; zero for an absent tensor.</summary>
    public long ElementCount
    {
        get
        {
            if (!IsPresent)
            {
                return 0;
            }

            long count = 1;
            foreach (long extent in Shape)
            {
                count *= extent;
            }

            return count;
        }
    }

    /// <summary>Whether the elements follow each other in row-major order without gaps.</summary>
    public bool IsDense
    {
        get
        {
            long expected = 1;
            for (int axis = _rank - 1; axis >= 0; axis--)
            {
                if (_shape[axis] == 0)
                {
                    return true;
                }

                if (_shape[axis] != 1 && _strides[axis] != expected)
                {
                    return false;
                }

                expected *= _shape[axis];
            }

            return true;
        }
    }

    /// <summary>A view with free strides.</summary>
    /// <param name="data">The address of the first element; may be null where an extent is zero.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">At most <see cref="MaxRank"/> extents of at least zero.</param>
    /// <param name="strides">As many strides, in elements; zero repeats an input along that axis.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentException">As the constructor, or the two lengths differ.</exception>
    public static TensorRef Strided(void* data, ElementType type, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides)
    {
        Shapes.RequireByteSize(type, shape);
        if (strides.Length != shape.Length)
        {
            throw new ArgumentException(
                $"There are {strides.Length} strides; must be {shape.Length}, one for each extent.", nameof(strides));
        }

        return new TensorRef(data, type, shape, strides);
    }

    /// <summary>A view of dense row-major memory at an address, for callers without pointers.</summary>
    /// <param name="address">The address of the first element, a device address for ops on a GPU.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">At most <see cref="MaxRank"/> extents of at least zero.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentException">As the constructor.</exception>
    public static TensorRef FromAddress(nint address, ElementType type, params ReadOnlySpan<long> shape) =>
        new((void*)address, type, shape);

    /// <summary>The part of one axis from an index on. No memory is copied or allocated.</summary>
    /// <param name="axis">The axis, from 0.</param>
    /// <param name="start">The first index that stays.</param>
    /// <param name="length">How many indices stay.</param>
    /// <returns>A view of the same rank.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The axis does not exist, or the range leaves it.</exception>
    public TensorRef Slice(int axis, long start, long length)
    {
        RequireAxis(axis);
        if (start < 0 || length < 0 || start > _shape[axis] - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start),
                $"The range of {length} from {start} must lie within [0, {_shape[axis]}), the extent of axis {axis}.");
        }

        TensorRef result = this;
        Unsafe.AsRef(in result._data) = Advance(start, _strides[axis]);
        Unsafe.AsRef(in result._shape)[axis] = length;
        return result;
    }

    /// <summary>One index of an axis, which leaves the shape. No memory is copied or allocated.</summary>
    /// <param name="axis">The axis, from 0.</param>
    /// <param name="index">The index on that axis.</param>
    /// <returns>A view of one rank less.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The axis or the index does not exist.</exception>
    public TensorRef Select(int axis, long index)
    {
        RequireAxis(axis);
        if (index < 0 || index >= _shape[axis])
        {
            throw new ArgumentOutOfRangeException(
                nameof(index), index, $"The index must be in [0, {_shape[axis]}), the extent of axis {axis}.");
        }

        Extents shape = default;
        Extents strides = default;
        for (int from = 0, to = 0; from < _rank; from++)
        {
            if (from != axis)
            {
                shape[to] = _shape[from];
                strides[to++] = _strides[from];
            }
        }

        int rank = _rank - 1;
        void* data = (void*)Advance(index, _strides[axis]);
        return new TensorRef(data, _type, ((ReadOnlySpan<long>)shape)[..rank], ((ReadOnlySpan<long>)strides)[..rank]);
    }

    /// <summary>The same dense elements under another shape. No memory is copied or allocated.</summary>
    /// <param name="shape">Extents with the same product.</param>
    /// <returns>A dense view.</returns>
    /// <exception cref="ArgumentException">The number of elements differs or the shape is not legal.</exception>
    /// <exception cref="InvalidOperationException">The view is not dense.</exception>
    public TensorRef Reshape(params ReadOnlySpan<long> shape)
    {
        if (!IsDense)
        {
            throw new InvalidOperationException($"{this} is not dense, so it has no other shape.");
        }

        TensorRef result = new((void*)_data, _type, shape);
        if (result.ElementCount != ElementCount)
        {
            throw new ArgumentException(
                $"The shape has {result.ElementCount} elements; must have {ElementCount}, those of {this}.", nameof(shape));
        }

        return result;
    }

    /// <summary>The view with two axes exchanged. No memory is copied or allocated.</summary>
    /// <param name="first">An axis, from 0.</param>
    /// <param name="second">Another axis.</param>
    /// <returns>A view of the same rank.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An axis does not exist.</exception>
    public TensorRef Transpose(int first, int second)
    {
        RequireAxis(first);
        RequireAxis(second);
        TensorRef result = this;
        ref Extents shape = ref Unsafe.AsRef(in result._shape);
        ref Extents strides = ref Unsafe.AsRef(in result._strides);
        (shape[first], shape[second]) = (shape[second], shape[first]);
        (strides[first], strides[second]) = (strides[second], strides[first]);
        return result;
    }

    /// <summary>Type and shape, "Float32 [2, 64]" for instance.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        if (!IsPresent)
        {
            return "absent tensor";
        }

        StringBuilder text = new StringBuilder().Append(_type).Append(' ');
        return Shapes.Append(text, Shape).ToString();
    }

    private nint Advance(long index, long stride) =>
        _data == 0 ? 0 : checked(_data + (nint)(index * stride * _type.ByteSize()));

    private void RequireAxis(int axis)
    {
        if ((uint)axis >= (uint)_rank)
        {
            throw new ArgumentOutOfRangeException(nameof(axis), axis, $"The axis must be in [0, {_rank}), the rank of {this}.");
        }
    }

    [InlineArray(MaxRank)]
    private struct Extents
    {
        private long _first;
    }
}
