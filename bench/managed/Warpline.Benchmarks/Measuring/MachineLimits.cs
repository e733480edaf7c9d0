using System.Runtime.Intrinsics;

namespace Warpline.Benchmarks.Measuring;

/// <summary>What the machine can do at most, as sides of a comparison.</summary>
internal static unsafe class MachineLimits
{
    private const int Step = 256;

    /// <summary>Reads memory once from one end to the other, each thread its own part.</summary>
    public static Side DenseRead(HostTensor memory, int threads)
    {
        byte* data = (byte*)memory.View.Address;
        long bytes = memory.View.ElementCount * memory.View.ElementType.ByteSize();
        long part = bytes / threads / Step * Step;
        ulong[] sums = new ulong[threads];
        return new Side("dense read", part * threads, () =>
        {
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => sums[i] += Sum(data + (i * part), part));
        });
    }

    /// <summary>The library's own product of 1024 x 1024 x 1024.</summary>
    public static Side Product(ElementType type, out IDisposable memory)
    {
        const int size = 1024;
        HostTensor x = RandomWeights.Tensor(type, size, size), weight = RandomWeights.Tensor(type, size, size);
        HostTensor y = HostTensor.Allocate(ElementType.Float32, size, size);
        memory = new Several(x, weight, y);
        const int calls = 20;
        return new Side($"product 1024^3 {type}", calls * 2.0 * size * size * size, () =>
        {
            for (int i = 0; i < calls; i++)
            {
                Gemm.Run(weight.View, x.View, y.View);
            }
        });
    }

    private static ulong Sum(byte* data, long bytes)
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        for (long i = 0; i < bytes; i += Step)
        {
            a += Vector512.Load((ulong*)(data + i));
            b += Vector512.Load((ulong*)(data + i + 64));
            c += Vector512.Load((ulong*)(data + i + 128));
            d += Vector512.Load((ulong*)(data + i + 192));
        }

        return Vector512.Sum(a + b + c + d);
    }

    private sealed class Several(params IDisposable[] parts) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable part in parts)
            {
                part.Dispose();
            }
        }
    }
}
