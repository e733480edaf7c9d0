using System.Numerics.Tensors;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class AttentionTests
{
    private const int Sq = 5;
    private const int Sk = 9;
    private const int Hq = 4;
    private const int Hkv = 2;
    private const int D = 12;
    private const int Dv = 8;

    private static readonly float[] Q = Numbers.Random(1, Sq * Hq * D);
    private static readonly float[] K = Numbers.Random(2, Sk * Hkv * D);
    private static readonly float[] V = Numbers.Random(3, Sk * Hkv * Dv);
    private static readonly float[] Slopes = [0.5f, 0.25f, 0.125f, 0.0625f];
    private static readonly float[] Sinks = [0.5f, -1f, 2f, 0f];

    private static IEnumerable<TestCaseData> Masks()
    {
        yield return Case("full", default, (_, _) => true);
        yield return Case("causal", new() { Causal = true }, (position, key) => key <= position);
        yield return Case("scaled", new() { Scale = 0.7f }, (_, _) => true);
        yield return Case("softcap", new() { Softcap = 3, Causal = true }, (position, key) => key <= position);
        yield return Case(
            "window", new() { Window = 3, Causal = true }, (position, key) => key <= position && key > position - 3);
        yield return Case("window without causal", new() { Window = 1 }, (position, key) => key == position);
        yield return Case("left", new() { WindowLeft = 2 }, (position, key) => key >= position - 2);
        yield return Case("right", new() { WindowRight = 1 }, (position, key) => key <= position + 1);
        yield return Case(
            "both", new() { WindowLeft = 1, WindowRight = 2 }, (position, key) => key >= position - 1 && key <= position + 2);

        static TestCaseData Case(string name, AttentionOptions options, Func<int, int, bool> allowed) =>
            new TestCaseData(options, allowed).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Masks))]
    public void Options_mean_what_they_say(AttentionOptions options, Func<int, int, bool> allowed)
    {
        using HostTensor query = HostTensor.Create<float>(Q, 1, Sq, Hq, D);
        using HostTensor key = HostTensor.Create<float>(K, 1, Sk, Hkv, D);
        using HostTensor value = HostTensor.Create<float>(V, 1, Sk, Hkv, Dv);
        using HostTensor output = Numbers.Poisoned(1, Sq, Hq, Dv);
        using HostTensor lse = Numbers.Poisoned(1, Hq, Sq);
        AttentionInputs inputs = new() { Query = query, Key = key, Value = value };
        Attention.Forward(inputs, output, options, lse);
        Assert.That(WarplineLibrary.LastKernel, Does.StartWith("attention."));
        (double[] expected, double[] expectedLse) = Reference(options, allowed).Run(Q, K, V);
        Numbers.AssertClose(output.AsSpan<float>(), expected, what: "output");
        Numbers.AssertClose(lse.AsSpan<float>(), expectedLse, what: "lse");
        Assert.That(Attention.IsSupported(inputs, output, options, out string? reason, lse), Is.True, reason);

        float[] spanOutput = new float[Sq * Hq * Dv];
        float[] spanLse = new float[Hq * Sq];
        Attention.Forward(
            new ReadOnlyTensorSpan<float>(Q, [1, Sq, Hq, D]),
            new ReadOnlyTensorSpan<float>(K, [1, Sk, Hkv, D]),
            new ReadOnlyTensorSpan<float>(V, [1, Sk, Hkv, Dv]),
            new TensorSpan<float>(spanOutput, [1, Sq, Hq, Dv]),
            options,
            spanLse);
        Assert.That(spanOutput, Is.EqualTo(output.AsSpan<float>().ToArray()), "spans give the same bits");
        Assert.That(spanLse, Is.EqualTo(lse.AsSpan<float>().ToArray()));
    }

    [Test]
    public void Slopes_and_sinks_enter_the_scores()
    {
        using HostTensor query = HostTensor.Create<float>(Q, 1, Sq, Hq, D);
        using HostTensor key = HostTensor.Create<float>(K, 1, Sk, Hkv, D);
        using HostTensor value = HostTensor.Create<float>(V, 1, Sk, Hkv, Dv);
        using HostTensor slopes = HostTensor.Create<float>(Slopes, Hq);
        using HostTensor sinks = HostTensor.Create<float>(Sinks, Hq);
        using HostTensor output = Numbers.Poisoned(1, Sq, Hq, Dv);
        using HostTensor lse = Numbers.Poisoned(1, Hq, Sq);
        AttentionOptions options = new() { Causal = true };
        Attention.Forward(
            new AttentionInputs { Query = query, Key = key, Value = value, AlibiSlopes = slopes, Sinks = sinks },
            output,
            options,
            lse);
        AttentionReference reference = Reference(options, (position, j) => j <= position, Slopes, Sinks);
        (double[] expected, double[] expectedLse) = reference.Run(Q, K, V);
        Numbers.AssertClose(output.AsSpan<float>(), expected, what: "output");
        Numbers.AssertClose(lse.AsSpan<float>(), expectedLse, what: "lse");
    }

    [Test]
    public void Packed_sequences_do_not_see_each_other()
    {
        // Two sequences: 2 queries of 3 keys, then 3 queries of 6 keys.
        using HostTensor query = HostTensor.Create<float>(Q, Sq, Hq, D);
        using HostTensor key = HostTensor.Create<float>(K, Sk, Hkv, D);
        using HostTensor value = HostTensor.Create<float>(V, Sk, Hkv, Dv);
        using HostTensor queryOffsets = HostTensor.Create<int>([0, 2, 5], 3);
        using HostTensor keyOffsets = HostTensor.Create<int>([0, 3, 9], 3);
        using HostTensor output = Numbers.Poisoned(Sq, Hq, Dv);
        using HostTensor lse = Numbers.Poisoned(Hq, Sq);
        AttentionOptions options = new() { Causal = true };
        Attention.Forward(
            new AttentionInputs { Query = query, Key = key, Value = value, QueryOffsets = queryOffsets, KeyOffsets = keyOffsets },
            output,
            options,
            lse);
        AssertSequence(0, 2, 0, 3, output, lse);
        AssertSequence(2, 3, 3, 6, output, lse);
    }

    [Test]
    public void Key_lengths_cut_dense_keys()
    {
        using HostTensor query = HostTensor.Create<float>(Q.AsSpan(0, Hq * D), 1, 1, Hq, D);
        using HostTensor key = HostTensor.Create<float>(K, 1, Sk, Hkv, D);
        using HostTensor value = HostTensor.Create<float>(V, 1, Sk, Hkv, Dv);
        using HostTensor lengths = HostTensor.Create<int>([6], 1);
        using HostTensor output = Numbers.Poisoned(1, 1, Hq, Dv);
        key.AsSpan<float>()[(6 * Hkv * D)..].Fill(float.NaN);
        value.AsSpan<float>()[(6 * Hkv * Dv)..].Fill(float.NaN);
        Attention.Forward(
            new AttentionInputs { Query = query, Key = key, Value = value, KeyLengths = lengths },
            output,
            new AttentionOptions { Causal = true });
        AttentionReference reference = new()
        {
            QueryLength = 1,
            KeyLength = 6,
            QueryHeads = Hq,
            KeyHeads = Hkv,
            KeyDimension = D,
            ValueDimension = Dv,
        };
        Numbers.AssertClose(output.AsSpan<float>(), reference.Run(Q, K, V).Output);
    }

    [Test]
    public void Float32_queries_serve_16_bit_keys()
    {
        Half[] halfKey = Numbers.ToHalf(K);
        Half[] halfValue = Numbers.ToHalf(V);
        using HostTensor query = HostTensor.Create<float>(Q, 1, Sq, Hq, D);
        using HostTensor key = HostTensor.Create<Half>(halfKey, 1, Sk, Hkv, D);
        using HostTensor value = HostTensor.Create<Half>(halfValue, 1, Sk, Hkv, Dv);
        using HostTensor output = Numbers.Poisoned(1, Sq, Hq, Dv);
        Attention.Forward(new AttentionInputs { Query = query, Key = key, Value = value }, output);
        float[] roundedKey = Array.ConvertAll(halfKey, element => (float)element);
        float[] roundedValue = Array.ConvertAll(halfValue, element => (float)element);
        double[] expected = Reference(default, (_, _) => true).Run(Q, roundedKey, roundedValue).Output;
        Numbers.AssertClose(output.AsSpan<float>(), expected, 2e-3);
    }

    [Test]
    public void What_is_not_supported_has_a_reason()
    {
        using HostTensor query = HostTensor.Allocate(ElementType.Float32, 1, Sq, 3, D);
        using HostTensor key = HostTensor.Allocate(ElementType.Float32, 1, Sk, Hkv, D);
        using HostTensor output = HostTensor.Allocate(ElementType.Float32, 1, Sq, 3, D);
        AttentionInputs inputs = new() { Query = query, Key = key, Value = key };
        Assert.That(Attention.IsSupported(inputs, output, default, out string? reason), Is.False);
        WarplineException exception = Numbers.Failure(
            () => Attention.Forward(new AttentionInputs { Query = query, Key = key, Value = key }, output));
        Assert.That(Numbers.Complaint(reason), Is.EqualTo(Numbers.Complaint(exception.Message)));
    }

    [Test]
    public void A_span_for_lse_of_another_length_is_refused()
    {
        float[] output = new float[Sq * Hq * D];
        Assert.That(
            () => Attention.Forward(
                new ReadOnlyTensorSpan<float>(Q, [1, Sq, Hq, D]),
                new ReadOnlyTensorSpan<float>(K, [1, Sk, Hkv, D]),
                new ReadOnlyTensorSpan<float>(K, [1, Sk, Hkv, D]),
                new TensorSpan<float>(output, [1, Sq, Hq, D]),
                lse: new float[3]),
            Throws.ArgumentException.With.Message.Contains($"lse has 3 elements; must have {Sq * Hq}"));
    }

    private static void AssertSequence(int firstQuery, int queries, int firstKey, int keys, HostTensor output, HostTensor lse)
    {
        AttentionReference reference = new()
        {
            QueryLength = queries,
            KeyLength = keys,
            QueryHeads = Hq,
            KeyHeads = Hkv,
            KeyDimension = D,
            ValueDimension = Dv,
            Allowed = (position, key) => key <= position,
        };
        (double[] expected, double[] expectedLse) = reference.Run(
            Q.AsSpan(firstQuery * Hq * D), K.AsSpan(firstKey * Hkv * D), V.AsSpan(firstKey * Hkv * Dv));
        Numbers.AssertClose(output.AsSpan<float>().Slice(firstQuery * Hq * Dv, queries * Hq * Dv), expected);
        for (int head = 0; head < Hq; head++)
        {
            Numbers.AssertClose(
                lse.AsSpan<float>().Slice((head * Sq) + firstQuery, queries), expectedLse.AsSpan(head * queries, queries));
        }
    }

    private static AttentionReference Reference(
        AttentionOptions options, Func<int, int, bool> allowed, float[]? slopes = null, float[]? sinks = null) => new()
        {
            QueryLength = Sq,
            KeyLength = Sk,
            QueryHeads = Hq,
            KeyHeads = Hkv,
            KeyDimension = D,
            ValueDimension = Dv,
            Scale = options.Scale,
            Softcap = options.Softcap,
            AlibiSlopes = slopes,
            Sinks = sinks,
            Allowed = allowed,
        };
}
