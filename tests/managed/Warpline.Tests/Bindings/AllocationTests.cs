using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class AllocationTests
{
    private const int Calls = 1000;

    /// <summary>Tensors of every op, at sizes that make one call cheap.</summary>
    private sealed class Operands : IDisposable
    {
        public readonly HostTensor X = Numbers.Poisoned(2, 8);
        public readonly HostTensor Y = Numbers.Poisoned(2, 8);
        public readonly HostTensor Square = Numbers.Poisoned(8, 8);
        public readonly HostTensor Row = Numbers.Poisoned(8);
        public readonly HostTensor Heads = Numbers.Poisoned(1, 2, 2, 4);
        public readonly HostTensor Output = Numbers.Poisoned(1, 2, 2, 4);
        public readonly HostTensor Tokens = Numbers.Poisoned(2, 2, 4);
        public readonly HostTensor Rotated = Numbers.Poisoned(2, 2, 4);
        public readonly HostTensor Cache = Numbers.Poisoned(1, 4, 2, 4);
        public readonly HostTensor Cos = Numbers.Poisoned(8, 2);
        public readonly HostTensor Sin = Numbers.Poisoned(8, 2);
        public readonly HostTensor Two = HostTensor.Create<int>([0, 1], 2);
        public readonly HostTensor Zero = HostTensor.Create<int>([0], 1);
        public readonly HostTensor Ids = HostTensor.Create<int>([0, 0], 2);
        public readonly HostTensor Offsets = HostTensor.Create<int>([0, 2], 2);
        public readonly HostTensor History = HostTensor.Create<int>([0, 1, 2], 3);
        public readonly PackedWeight Packed;
        public readonly SamplingSettings[] Settings = [new() { Temperature = 0.7f, TopK = 3 }, new() { TopP = 0.9f }];
        public readonly float[] ManagedX = Numbers.Random(1, 16);
        public readonly float[] ManagedWeight = Numbers.Random(2, 64);
        public readonly float[] ManagedY = new float[16];

        public Operands()
        {
            HostTensor[] filled = [X, Square, Row, Heads, Tokens, Cache];
            foreach (HostTensor tensor in filled)
            {
                Numbers.Random(3, (int)tensor.ElementCount).CopyTo(tensor.AsSpan<float>());
            }

            Packed = PackedWeight.Pack(Square);
        }

        public void Dispose()
        {
            HostTensor[] all =
            [
                X, Y, Square, Row, Heads, Output, Tokens, Rotated, Cache, Cos, Sin, Two, Zero, Ids, Offsets, History,
            ];
            foreach (HostTensor tensor in all)
            {
                tensor.Dispose();
            }

            Packed.Dispose();
        }
    }

    private static readonly Dictionary<string, Action<Operands>> Ops = new()
    {
        ["Gemm.Run"] = o => Gemm.Run(o.Square, o.X, o.Y, o.Row, activation: Activation.Silu),
        ["Gemm.Run packed"] = o => Gemm.Run(o.Packed, o.X, o.Y),
        ["Gemm.RunGated"] = o => Gemm.RunGated(o.Square, o.Square, o.X, o.Y, Activation.Silu),
        ["Gemm.RunGated packed"] = o => Gemm.RunGated(o.Packed, o.Packed, o.X, o.Y, Activation.Silu),
        ["Gemm.Run spans"] = o => Gemm.Run<float>(new(o.ManagedWeight, [8, 8]), new(o.ManagedX, [2, 8]), new(o.ManagedY, [2, 8])),
        ["Gemm.IsSupported"] = o => Gemm.IsSupported(o.Square, o.X, o.Y, out _),
        ["Attention.Forward"] = o => Attention.Forward(
            new AttentionInputs { Query = o.Heads, Key = o.Heads, Value = o.Heads },
            o.Output,
            new AttentionOptions { Causal = true }),
        ["Attention.Forward spans"] = o => Attention.Forward<float>(
            new(o.ManagedX, [1, 2, 2, 4]),
            new(o.ManagedX, [1, 2, 2, 4]),
            new(o.ManagedX, [1, 2, 2, 4]),
            new(o.ManagedY, [1, 2, 2, 4])),
        ["Attention.IsSupported"] = o => Attention.IsSupported(
            new AttentionInputs { Query = o.Heads, Key = o.Heads, Value = o.Heads }, o.Output, default, out _),
        ["KeyValueCache.Append"] = o => KeyValueCache.Append(
            o.Tokens, o.Tokens, o.Cache, o.Cache, o.Zero, cos: o.Cos, sin: o.Sin),
        ["Norm.Rms"] = o => Norm.Rms(o.X, o.Row, o.Y),
        ["Norm.Layer"] = o => Norm.Layer(o.X, o.Row, o.Row, o.Y),
        ["Norm.Rms spans"] = o => Norm.Rms<float>(new(o.ManagedX, [2, 8]), o.ManagedWeight.AsSpan(0, 8), new(o.ManagedY, [2, 8])),
        ["Rope.FillTables"] = o => Rope.FillTables(o.Cos, o.Sin, new RopeTableOptions()),
        ["Rope.Apply"] = o => Rope.Apply(o.Tokens, o.Rotated, o.Two, o.Cos, o.Sin),
        ["Activations.Apply"] = o => Activations.Apply(Activation.Gelu, o.X, o.Y),
        ["Embedding.Lookup"] = o => Embedding.Lookup(o.Square, o.Two, o.Y),
        ["Pooling.Apply"] = o => Pooling.Apply(PoolingKind.Mean, o.X, o.Offsets, o.Y.View.Slice(0, 0, 1)),
        ["Softmax.Apply"] = o => Softmax.Apply(o.X, o.Y),
        ["Sampling.ArgMax"] = o => Sampling.ArgMax(o.X, o.Ids),
        ["Sampling.ArgMax spans"] = o => Sampling.ArgMax(o.ManagedX),
        ["Sampling.Sample"] = o => Sampling.Sample(o.X, o.Settings, o.Ids),
        ["Sampling.Sample spans"] = o => Sampling.Sample(o.ManagedX, o.Settings[0], out _, [1, 2]),
        ["HostTensor.AsTensorSpan"] = o => o.X.AsTensorSpan<float>().Fill(0.5f),
    };

    private static IEnumerable<string> Names => Ops.Keys;

    [TestCaseSource(nameof(Names))]
    public void Calls_allocate_nothing(string name)
    {
        Action<Operands> op = Ops[name];
        using Operands operands = new();
        Rope.FillTables(operands.Cos, operands.Sin, new RopeTableOptions());
        for (int i = 0; i < 100; i++)
        {
            op(operands);
        }

        Assert.That(Allocation.Least(Calls, () => op(operands)), Is.Zero);
    }
}
