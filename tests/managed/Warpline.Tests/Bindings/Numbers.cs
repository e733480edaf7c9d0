using NUnit.Framework;

namespace Warpline.Tests.Bindings;

/// <summary>Inputs and comparisons that the binding tests share. References are written in double, from the formulas.</summary>
internal static class Numbers
{
    /// <summary>Numbers of normal size and both signs, the same for the same seed.</summary>
    public static float[] Random(int seed, int count)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)((random.NextDouble() * 4) - 2);
        }

        return values;
    }

    public static Half[] ToHalf(float[] values) => Array.ConvertAll(values, value => (Half)value);

    /// <summary>What a bfloat16 keeps of a float that it can hold exactly or that is rounded to nearest even.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    public static float FromBFloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>A tensor full of NaN, so that an element that an op leaves out is seen.</summary>
    public static HostTensor Poisoned(params ReadOnlySpan<long> shape)
    {
        HostTensor tensor = HostTensor.Allocate(ElementType.Float32, shape);
        tensor.AsSpan<float>().Fill(float.NaN);
        return tensor;
    }

    /// <summary>The exception of a call that must fail in the native library.</summary>
    public static WarplineException Failure(Action call) => Assert.Throws<WarplineException>(call)!;

    /// <summary>An error text without the function that it begins with.</summary>
    public static string? Complaint(string? message) => message?[(message.IndexOf(':') + 1)..];

    public static void AssertClose(
        ReadOnlySpan<float> actual, ReadOnlySpan<double> expected, double tolerance = 2e-5, string what = "")
    {
        Assert.That(actual.Length, Is.EqualTo(expected.Length), what);
        for (int i = 0; i < actual.Length; i++)
        {
            if (double.IsNegativeInfinity(expected[i]) && float.IsNegativeInfinity(actual[i]))
            {
                continue;
            }

            // Written so that NaN fails.
            if (!(Math.Abs(actual[i] - expected[i]) <= tolerance * (1 + Math.Abs(expected[i]))))
            {
                Assert.Fail($"{what} element {i} is {actual[i]:R}; the reference says {expected[i]:R}.");
            }
        }
    }

    public static double Activate(Activation activation, double x) => activation switch
    {
        Activation.None => x,
        Activation.Gelu => x / 2 * (1 + Erf(x / Math.Sqrt(2))),
        Activation.GeluTanh => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Relu => Math.Max(x, 0),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };

    /// <summary>x W^T as [M, N].</summary>
    public static double[] Product(float[] x, float[] weight, int m, int n, int k)
    {
        double[] y = new double[m * n];
        for (int row = 0; row < m; row++)
        {
            for (int column = 0; column < n; column++)
            {
                for (int i = 0; i < k; i++)
                {
                    y[(row * n) + column] += (double)x[(row * k) + i] * weight[(column * k) + i];
                }
            }
        }

        return y;
    }

    /// <summary>The error function by the series whose terms all have one sign; 1 to double precision from 6 on.</summary>
    private static double Erf(double x)
    {
        if (Math.Abs(x) >= 6)
        {
            return Math.Sign(x);
        }

        double sum = x;
        double term = x;
        for (int n = 1; n < 200; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
