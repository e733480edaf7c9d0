using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class RopeTests
{
    private const int Positions = 16;
    private const int Heads = 2;
    private const int D = 10;
    private const int R = 8;

    [Test]
    public void Tables_hold_the_angles([Values(RopeScaling.None, RopeScaling.Linear)] RopeScaling scaling)
    {
        using HostTensor cos = Numbers.Poisoned(Positions, R / 2);
        using HostTensor sin = Numbers.Poisoned(Positions, R / 2);
        Rope.FillTables(
            cos, sin, new RopeTableOptions { Base = 500, Scaling = scaling, Factor = scaling == RopeScaling.None ? 0 : 4 });
        double[] angles = Angles(500, scaling == RopeScaling.None ? 1 : 4);
        Numbers.AssertClose(cos.AsSpan<float>(), Array.ConvertAll(angles, Math.Cos), 1e-6);
        Numbers.AssertClose(sin.AsSpan<float>(), Array.ConvertAll(angles, Math.Sin), 1e-6);
    }

    [Test]
    public void Llama3_scaling_keeps_high_frequencies_and_divides_low_ones()
    {
        RopeTableOptions options = new()
        {
            Base = 10_000,
            Scaling = RopeScaling.Llama3,
            Factor = 8,
            LowFrequencyFactor = 1,
            HighFrequencyFactor = 4,
            OriginalMaxPositions = 64,
        };
        using HostTensor cos = Numbers.Poisoned(Positions, R / 2);
        using HostTensor sin = Numbers.Poisoned(Positions, R / 2);
        Rope.FillTables(cos, sin, options);
        double[] expected = new double[Positions * R / 2];
        for (int i = 0; i < R / 2; i++)
        {
            double frequency = Math.Pow(10_000, -2.0 * i / R);
            double wavelength = 2 * Math.PI / frequency;
            double smooth = ((64 / wavelength) - 1) / (4 - 1);
            double scaled = wavelength > 64 ? frequency / 8
                : wavelength < 16 ? frequency
                : ((1 - smooth) * frequency / 8) + (smooth * frequency);
            for (int position = 0; position < Positions; position++)
            {
                expected[(position * R / 2) + i] = Math.Sin(position * scaled);
            }
        }

        Numbers.AssertClose(sin.AsSpan<float>(), expected, 1e-6);
    }

    [Test]
    public void Yarn_multiplies_by_its_attention_factor()
    {
        RopeTableOptions options = new()
        {
            Base = 100,
            Scaling = RopeScaling.Yarn,
            Factor = 4,
            OriginalMaxPositions = 32,
            BetaFast = 32,
            BetaSlow = 1,
            YarnExactRange = true,
        };
        using HostTensor cos = Numbers.Poisoned(Positions, R / 2);
        using HostTensor sin = Numbers.Poisoned(Positions, R / 2);
        Rope.FillTables(cos, sin, options);
        Assert.That(cos.AsSpan<float>()[0], Is.EqualTo((0.1 * Math.Log(4)) + 1).Within(1e-6), "the default");
        Rope.FillTables(cos, sin, options with { AttentionFactor = 1.5 });
        Assert.That(cos.AsSpan<float>()[0], Is.EqualTo(1.5f));
        float[] exact = sin.AsSpan<float>().ToArray();
        Rope.FillTables(cos, sin, options with { AttentionFactor = 1.5, YarnExactRange = false });
        Assert.That(sin.AsSpan<float>().ToArray(), Is.Not.EqualTo(exact), "the rounded range is another");
    }

    [Test]
    public void Heads_are_rotated_by_their_position([Values] bool interleaved)
    {
        float[] x = Numbers.Random(1, 3 * Heads * D);
        using HostTensor input = HostTensor.Create<float>(x, 3, Heads, D);
        using HostTensor output = Numbers.Poisoned(3, Heads, D);
        using HostTensor positions = HostTensor.Create<int>([5, 0, 15], 3);
        using HostTensor cos = Numbers.Poisoned(Positions, R / 2);
        using HostTensor sin = Numbers.Poisoned(Positions, R / 2);
        Rope.FillTables(cos, sin, new RopeTableOptions());
        Rope.Apply(input, output, positions, cos, sin, interleaved);
        int[] rows = [5, 0, 15];
        double[] expected = new double[x.Length];
        for (int token = 0; token < 3; token++)
        {
            for (int head = 0; head < Heads; head++)
            {
                int at = ((token * Heads) + head) * D;
                Rotate(x.AsSpan(at, D), expected.AsSpan(at, D), rows[token], interleaved);
            }
        }

        Numbers.AssertClose(output.AsSpan<float>(), expected, 1e-6);
        using HostTensor beyond = HostTensor.Create<int>([0, 1, Positions], 3);
        Assert.That(
            () => Rope.Apply(input, output, beyond, cos, sin),
            Throws.InstanceOf<WarplineException>().With.Property("Parameter").EqualTo("positions[2]"));
    }

    [Test]
    public void Append_converts_rotates_and_leaves_the_rest_alone([Values] bool interleaved, [Values] bool rotate)
    {
        // Two sequences that hold 3 and 0 tokens get 1 and 2 more.
        const int capacity = 6;
        float[] key = Numbers.Random(1, 3 * Heads * D);
        float[] value = Numbers.Random(2, 3 * Heads * 4);
        using HostTensor keys = HostTensor.Create<float>(key, 3, Heads, D);
        using HostTensor values = HostTensor.Create<float>(value, 3, Heads, 4);
        using HostTensor keyCache = Numbers.Poisoned(2, capacity, Heads, D);
        using HostTensor valueCache = Numbers.Poisoned(2, capacity, Heads, 4);
        using HostTensor lengths = HostTensor.Create<int>([3, 0], 2);
        using HostTensor offsets = HostTensor.Create<int>([0, 1, 3], 3);
        using HostTensor cos = Numbers.Poisoned(Positions, R / 2);
        using HostTensor sin = Numbers.Poisoned(Positions, R / 2);
        Rope.FillTables(cos, sin, new RopeTableOptions());
        TensorRef cosView = rotate ? cos : default(TensorRef);
        TensorRef sinView = rotate ? sin : default(TensorRef);
        KeyValueCache.Append(keys, values, keyCache, valueCache, lengths, offsets, cosView, sinView, rotate && interleaved);

        (int Sequence, int Position)[] places = [(0, 3), (1, 0), (1, 1)];
        for (int token = 0; token < 3; token++)
        {
            int row = (places[token].Sequence * capacity) + places[token].Position;
            double[] expected = new double[Heads * D];
            for (int head = 0; head < Heads; head++)
            {
                ReadOnlySpan<float> source = key.AsSpan(((token * Heads) + head) * D, D);
                if (rotate)
                {
                    Rotate(source, expected.AsSpan(head * D, D), places[token].Position, interleaved);
                }
                else
                {
                    for (int i = 0; i < D; i++)
                    {
                        expected[(head * D) + i] = source[i];
                    }
                }
            }

            Numbers.AssertClose(keyCache.AsSpan<float>().Slice(row * Heads * D, Heads * D), expected, 1e-6);
            Assert.That(
                valueCache.AsSpan<float>().Slice(row * Heads * 4, Heads * 4).ToArray(),
                Is.EqualTo(value[(token * Heads * 4)..((token + 1) * Heads * 4)]));
        }

        int untouched = keyCache.AsSpan<float>().ToArray().Count(float.IsNaN);
        Assert.That(untouched, Is.EqualTo(((2 * capacity) - 3) * Heads * D));

        using HostTensor full = HostTensor.Create<int>([capacity, 0], 2);
        Assert.That(
            () => KeyValueCache.Append(keys, values, keyCache, valueCache, full, offsets),
            Throws.InstanceOf<WarplineException>().With.Property("Parameter").EqualTo("lengths[0]"));
    }

    private static double[] Angles(double @base, double factor)
    {
        double[] angles = new double[Positions * R / 2];
        for (int i = 0; i < angles.Length; i++)
        {
            angles[i] = i / (R / 2) * Math.Pow(@base, -2.0 * (i % (R / 2)) / R) / factor;
        }

        return angles;
    }

    private static void Rotate(ReadOnlySpan<float> x, Span<double> y, int position, bool interleaved)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = x[i];
        }

        for (int i = 0; i < R / 2; i++)
        {
            double angle = position * Math.Pow(10_000, -2.0 * i / R);
            int first = interleaved ? 2 * i : i;
            int second = interleaved ? (2 * i) + 1 : i + (R / 2);
            y[first] = (x[first] * Math.Cos(angle)) - (x[second] * Math.Sin(angle));
            y[second] = (x[second] * Math.Cos(angle)) + (x[first] * Math.Sin(angle));
        }
    }
}
