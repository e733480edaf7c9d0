using Warpline.Cli.Bench;

namespace Warpline.Benchmarks.Measuring;

/// <summary>What the machine can do at most, as sides of a comparison.</summary>
internal static class MachineLimits
{
    /// <summary>Reads memory once from one end to the other, each thread its own part.</summary>
    public static Side DenseRead(HostTensor memory, int threads)
    {
        long bytes = memory.View.ElementCount * memory.View.ElementType.ByteSize();
        long part = bytes / threads / MemoryRead.Unit * MemoryRead.Unit;
        return new Side("dense read", part * threads, new MemoryRead(memory.View.Address, part, threads).Run);
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
