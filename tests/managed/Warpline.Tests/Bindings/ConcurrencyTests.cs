using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class ConcurrencyTests
{
    private const int Tasks = 64;
    private const int Rounds = 20;
    private const int Tokens = 7;
    private const int Width = 32;

    [Test]
    public void Sixty_four_tasks_at_once_get_their_own_results()
    {
        using HostTensor weight = HostTensor.Create<float>(Numbers.Random(1000, Width * Width), Width, Width);
        using PackedWeight packed = PackedWeight.Pack(weight);
        using Barrier barrier = new(Tasks);
        Thread[] threads = new Thread[Tasks];
        Exception?[] failures = new Exception?[Tasks];
        for (int i = 0; i < Tasks; i++)
        {
            int task = i;
            threads[i] = new Thread(() =>
            {
                try
                {
                    barrier.SignalAndWait();
                    RunOne(task, weight, packed);
                }
                catch (Exception exception)
                {
                    failures[task] = exception;
                }
            });
            threads[i].Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.That(failures, Is.All.Null);
    }

    [Test]
    public async Task Errors_of_tasks_at_once_stay_apart()
    {
        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(task => Task.Run(() =>
        {
            for (int round = 0; round < 200; round++)
            {
                using HostTensor table = HostTensor.Create<float>([1, 2], 2, 1);
                using HostTensor ids = HostTensor.Create<int>([100 + task], 1);
                using HostTensor y = HostTensor.Allocate(ElementType.Float32, 1, 1);
                WarplineException exception = Numbers.Failure(() => Embedding.Lookup(table, ids, y));
                Assert.That(exception.Message, Does.Contain($"ids[0] is {100 + task};"));
                Assert.That(exception.Parameter, Is.EqualTo("ids[0]"));
            }
        })));
    }

    /// <summary>A product, then attention over its result, with inputs of this task only.</summary>
    private static void RunOne(int task, HostTensor weight, PackedWeight packed)
    {
        float[] inputs = Numbers.Random(task, Tokens * Width);
        double[] product = Numbers.Product(inputs, weight.AsSpan<float>().ToArray(), Tokens, Width, Width);
        float[] states = Array.ConvertAll(product, value => (float)value);
        AttentionReference reference = new()
        {
            QueryLength = Tokens,
            KeyLength = Tokens,
            QueryHeads = 2,
            KeyHeads = 2,
            KeyDimension = Width / 2,
            ValueDimension = Width / 2,
            Scale = 0.01,
            Allowed = (position, key) => key <= position,
        };
        double[] expected = reference.Run(states, states, states).Output;

        using HostTensor x = HostTensor.Create<float>(inputs, Tokens, Width);
        using HostTensor y = Numbers.Poisoned(Tokens, Width);
        using HostTensor output = Numbers.Poisoned(1, Tokens, 2, Width / 2);
        TensorRef heads = y.View.Reshape(1, Tokens, 2, Width / 2);
        AttentionOptions options = new() { Causal = true, Scale = 0.01f };
        for (int round = 0; round < Rounds; round++)
        {
            y.AsSpan<float>().Fill(float.NaN);
            output.AsSpan<float>().Fill(float.NaN);
            if (round % 2 == 0)
            {
                Gemm.Run(packed, x, y);
            }
            else
            {
                Gemm.Run(weight, x, y);
            }

            Attention.Forward(new AttentionInputs { Query = heads, Key = heads, Value = heads }, output, options);
            Numbers.AssertClose(y.AsSpan<float>(), product, 1e-4, $"product of task {task}");
            Numbers.AssertClose(output.AsSpan<float>(), expected, 1e-4, $"attention of task {task}");
        }
    }
}
