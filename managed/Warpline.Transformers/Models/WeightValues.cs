using System.Numerics.Tensors;

namespace Warpline.Transformers;

/// <summary>Values of weights in host memory, converted between the types of numbers with rounding to nearest even.</summary>
internal static unsafe class WeightValues
{
    private const int _piece = 4096;

    /// <summary>Tensors of one shape [N, ...] behind each other as one [count * N, ...], in one type.</summary>
    public static HostTensor Stack(ReadOnlySpan<WeightTensor> tensors, ElementType type)
    {
        long[] shape = [.. tensors[0].Shape];
        shape[0] *= tensors.Length;
        HostTensor result = HostTensor.Allocate(type, shape);
        long elements = tensors[0].ElementCount, elementBytes = type.ByteSize();
        for (int i = 0; i < tensors.Length; i++)
        {
            Convert(tensors[i], result.View.Address + (nint)(i * elements * elementBytes), type);
        }

        return result;
    }

    /// <summary>The elements of a tensor as float32.</summary>
    public static HostTensor ToSingle(WeightTensor tensor) => Stack([tensor], ElementType.Float32);

    private static void Convert(WeightTensor source, nint destination, ElementType type)
    {
        long bytes = source.ElementCount * source.Type.ByteSize();
        if (source.Type == type)
        {
            Buffer.MemoryCopy((void*)source.Address, (void*)destination, bytes, bytes);
            return;
        }

        Span<float> values = stackalloc float[_piece];
        for (long done = 0; done < source.ElementCount; done += _piece)
        {
            Span<float> piece = values[..(int)Math.Min(_piece, source.ElementCount - done)];
            Read(source.Address + (nint)(done * source.Type.ByteSize()), source.Type, piece);
            Write(piece, destination + (nint)(done * type.ByteSize()), type);
        }
    }

    private static void Read(nint address, ElementType type, Span<float> values)
    {
        switch (type)
        {
            case ElementType.Float32:
                new ReadOnlySpan<float>((void*)address, values.Length).CopyTo(values);
                break;
            case ElementType.Float16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>((void*)address, values.Length), values);
                break;
            default:
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)((ushort*)address)[i] << 16);
                }

                break;
        }
    }

    private static void Write(ReadOnlySpan<float> values, nint address, ElementType type)
    {
        switch (type)
        {
            case ElementType.Float32:
                values.CopyTo(new Span<float>((void*)address, values.Length));
                break;
            case ElementType.Float16:
                TensorPrimitives.ConvertToHalf(values, new Span<Half>((void*)address, values.Length));
                break;
            default:
                for (int i = 0; i < values.Length; i++)
                {
                    ((ushort*)address)[i] = ToBFloat16(values[i]);
                }

                break;
        }
    }

    private static ushort ToBFloat16(float value)
    {
        const uint quiet = 0x40, half = 0x7FFF;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | quiet : (bits + half + ((bits >> 16) & 1)) >> 16);
    }
}
