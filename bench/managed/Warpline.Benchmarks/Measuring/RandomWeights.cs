namespace Warpline.Benchmarks.Measuring;

/// <summary>Numbers of the size that weights have, the same in every run.</summary>
internal sealed class RandomWeights(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Uniform numbers in (-scale, scale).</summary>
    public float[] Next(long count, float scale)
    {
        float[] values = new float[count];
        ulong state = _state;
        for (int i = 0; i < values.Length; i++)
        {
            // Vigna's xorshift64*.
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            values[i] = ((int)((state * 2685821657736338717UL) >> 40) - (1 << 23)) * (scale / (1 << 23));
        }

        _state = state;
        return values;
    }

    /// <summary>Numbers rounded to bfloat16, as bits.</summary>
    public static ushort[] ToBFloat16(float[] values) => Array.ConvertAll(values, Round);

    /// <summary>A tensor of such numbers; the caller's to dispose.</summary>
    public static HostTensor Tensor(ElementType type, params ReadOnlySpan<long> shape)
    {
        HostTensor tensor = HostTensor.Allocate(type, shape);
        float[] values = new RandomWeights(7).Next(tensor.View.ElementCount, 1);
        if (type == ElementType.Float32)
        {
            values.CopyTo(tensor.AsSpan<float>());
        }
        else
        {
            ToBFloat16(values).CopyTo(tensor.AsSpan<ushort>());
        }

        return tensor;
    }

    private static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
