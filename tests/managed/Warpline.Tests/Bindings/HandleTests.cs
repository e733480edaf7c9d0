using System.Runtime.CompilerServices;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
[NonParallelizable]
public sealed class HandleTests
{
    private const int Cycles = 1000;

    [Test]
    public void Live_handles_return_to_their_start_after_a_thousand_cycles()
    {
        Settle();
        using HostTensor weight = HostTensor.Create<float>(Numbers.Random(1, 64), 8, 8);
        long start = WarplineLibrary.LiveHandles;
        HostTensor[] tensors = new HostTensor[Cycles];
        PackedWeight[] packed = new PackedWeight[Cycles];
        for (int i = 0; i < Cycles; i++)
        {
            tensors[i] = HostTensor.Allocate(ElementType.Float32, 16);
            packed[i] = PackedWeight.Pack(weight);
        }

        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start + (2 * Cycles)));
        for (int i = 0; i < Cycles; i++)
        {
            tensors[i].Dispose();
            packed[i].Dispose();
        }

        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start));
        for (int i = 0; i < Cycles; i++)
        {
            using HostTensor tensor = HostTensor.Allocate(ElementType.Float32, 16);
            Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start + 1));
        }

        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start));
    }

    [Test]
    public void What_nobody_disposes_is_freed_by_the_collector()
    {
        Settle();
        long start = WarplineLibrary.LiveHandles;
        long peak = Forget();
        Assert.That(peak, Is.GreaterThan(start));
        Settle();
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start));
    }

    [Test]
    public void A_failed_pack_leaves_no_handle()
    {
        Settle();
        long start = WarplineLibrary.LiveHandles;
        Assert.That(
            () => PackedWeight.Pack(TensorRef.FromAddress(0, ElementType.Float32, 8, 8)).Dispose(),
            Throws.InstanceOf<WarplineException>());
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start));
    }

    [Test]
    public void A_weight_that_is_disposed_during_calls_is_freed_after_them()
    {
        Settle();
        long start = WarplineLibrary.LiveHandles;
        using (HostTensor weight = HostTensor.Create<float>(Numbers.Random(1, 64 * 64), 64, 64))
        using (HostTensor x = HostTensor.Create<float>(Numbers.Random(2, 64), 1, 64))
        {
            double[] expected = Numbers.Product(x.AsSpan<float>().ToArray(), weight.AsSpan<float>().ToArray(), 1, 64, 64);
            for (int round = 0; round < 20; round++)
            {
                PackedWeight packed = PackedWeight.Pack(weight);
                Task[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => CallUntilDisposed(packed, x, expected)))];
                Thread.Sleep(1);
                packed.Dispose();
                Task.WaitAll(callers);
            }
        }

        Settle();
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(start));
    }

    private static void CallUntilDisposed(PackedWeight packed, HostTensor x, double[] expected)
    {
        using HostTensor y = HostTensor.Allocate(ElementType.Float32, 1, 64);
        try
        {
            while (true)
            {
                y.Clear();
                Gemm.Run(packed, x, y);
                Numbers.AssertClose(y.AsSpan<float>(), expected);
            }
        }
        catch (ObjectDisposedException)
        {
            // The end of the loop: a call that began before the release has finished with the right result.
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Forget()
    {
        for (int i = 0; i < Cycles; i++)
        {
            _ = HostTensor.Allocate(ElementType.Float32, 1024);
        }

        return WarplineLibrary.LiveHandles;
    }

    private static void Settle()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
