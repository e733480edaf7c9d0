using System.Numerics.Tensors;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class GemmTests
{
    private const int M = 3;
    private const int N = 20;
    private const int K = 37;

    private static readonly float[] X = Numbers.Random(1, M * K);
    private static readonly float[] Weight = Numbers.Random(2, N * K);
    private static readonly float[] Up = Numbers.Random(3, N * K);
    private static readonly float[] Bias = Numbers.Random(4, N);
    private static readonly float[] UpBias = Numbers.Random(5, N);
    private static readonly float[] Residual = Numbers.Random(6, M * N);

    [Test]
    public void Plain_and_packed_weights_give_the_product(
        [Values] bool packed, [Values] Activation activation, [Values] bool withBias, [Values] bool withResidual)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, K);
        using HostTensor weight = HostTensor.Create<float>(Weight, N, K);
        using HostTensor bias = HostTensor.Create<float>(Bias, N);
        using HostTensor residual = HostTensor.Create<float>(Residual, M, N);
        using HostTensor y = Numbers.Poisoned(M, N);
        TensorRef biasView = withBias ? bias : default(TensorRef);
        TensorRef residualView = withResidual ? residual : default(TensorRef);
        if (packed)
        {
            using PackedWeight packedWeight = PackedWeight.Pack(weight);
            Assert.That((packedWeight.OutputSize, packedWeight.InputSize), Is.EqualTo(((long)N, (long)K)));
            Assert.That(packedWeight.Bytes, Is.GreaterThanOrEqualTo(N * K * 4));
            Gemm.Run(packedWeight, x, y, biasView, residualView, activation);
        }
        else
        {
            Gemm.Run(weight, x, y, biasView, residualView, activation);
        }

        Assert.That(WarplineLibrary.LastKernel, Does.StartWith("gemm."));
        double[] expected = Numbers.Product(X, Weight, M, N, K);
        for (int i = 0; i < expected.Length; i++)
        {
            double sum = expected[i] + (withBias ? Bias[i % N] : 0);
            expected[i] = Numbers.Activate(activation, sum) + (withResidual ? Residual[i] : 0);
        }

        Numbers.AssertClose(y.AsSpan<float>(), expected);
    }

    [Test]
    public void A_gated_pair_multiplies_two_products(
        [Values] bool packed, [Values(Activation.Silu, Activation.GeluTanh)] Activation activation)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, K);
        using HostTensor weight = HostTensor.Create<float>(Weight, N, K);
        using HostTensor up = HostTensor.Create<float>(Up, N, K);
        using HostTensor bias = HostTensor.Create<float>(Bias, N);
        using HostTensor upBias = HostTensor.Create<float>(UpBias, N);
        using HostTensor residual = HostTensor.Create<float>(Residual, M, N);
        using HostTensor y = Numbers.Poisoned(M, N);
        if (packed)
        {
            using PackedWeight packedWeight = PackedWeight.Pack(weight);
            using PackedWeight packedUp = PackedWeight.Pack(up);
            Gemm.RunGated(packedWeight, packedUp, x, y, activation, bias, upBias, residual);
        }
        else
        {
            Gemm.RunGated(weight, up, x, y, activation, bias, upBias, residual);
        }

        double[] first = Numbers.Product(X, Weight, M, N, K);
        double[] second = Numbers.Product(X, Up, M, N, K);
        double[] expected = new double[M * N];
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = (Numbers.Activate(activation, first[i] + Bias[i % N]) * (second[i] + UpBias[i % N])) + Residual[i];
        }

        Numbers.AssertClose(y.AsSpan<float>(), expected, 1e-4);
    }

    [Test]
    public void Spans_of_managed_memory_are_pinned_for_the_call()
    {
        float[] y = new float[M * N];
        Gemm.Run(
            new ReadOnlyTensorSpan<float>(Weight, [N, K]),
            new ReadOnlyTensorSpan<float>(X, [M, K]),
            new TensorSpan<float>(y, [M, N]),
            Bias,
            Activation.Silu);
        double[] expected = Numbers.Product(X, Weight, M, N, K);
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = Numbers.Activate(Activation.Silu, expected[i] + Bias[i % N]);
        }

        Numbers.AssertClose(y, expected);
    }

    [Test]
    public void Spans_with_one_row_or_a_slice_keep_their_strides()
    {
        // Columns 4 to 20 of x and weight: rows are K apart but 16 long.
        ReadOnlyTensorSpan<float> x = new ReadOnlyTensorSpan<float>(X, [M, K])[1..2, 4..20];
        ReadOnlyTensorSpan<float> weight = new ReadOnlyTensorSpan<float>(Weight, [N, K])[.., 4..20];
        float[] y = new float[N];
        Gemm.Run(weight, x, new TensorSpan<float>(y, [1, N]));
        double[] expected = new double[N];
        for (int column = 0; column < N; column++)
        {
            for (int i = 4; i < 20; i++)
            {
                expected[column] += (double)X[K + i] * Weight[(column * K) + i];
            }
        }

        Numbers.AssertClose(y, expected);
    }

    [Test]
    public void Half_spans_and_views_give_the_product()
    {
        Half[] x = Numbers.ToHalf(X);
        Half[] weight = Numbers.ToHalf(Weight);
        Half[] y = new Half[M * N];
        Gemm.Run(
            new ReadOnlyTensorSpan<Half>(weight, [N, K]),
            new ReadOnlyTensorSpan<Half>(x, [M, K]),
            new TensorSpan<Half>(y, [M, N]));
        double[] expected = Numbers.Product(
            Array.ConvertAll(x, value => (float)value), Array.ConvertAll(weight, value => (float)value), M, N, K);
        Numbers.AssertClose(Array.ConvertAll(y, value => (float)value), expected, 2e-3);
    }

    [Test]
    public void BFloat16_weights_serve_float32_inputs()
    {
        using HostTensor weight = HostTensor.Allocate(ElementType.BFloat16, N, K);
        Span<ushort> bits = weight.AsSpan<ushort>();
        float[] rounded = new float[N * K];
        for (int i = 0; i < bits.Length; i++)
        {
            bits[i] = Numbers.ToBFloat16(Weight[i]);
            rounded[i] = Numbers.FromBFloat16(bits[i]);
        }

        using HostTensor x = HostTensor.Create<float>(X, M, K);
        using HostTensor y = Numbers.Poisoned(M, N);
        double[] expected = Numbers.Product(X, rounded, M, N, K);
        Gemm.Run(weight, x, y);
        Numbers.AssertClose(y.AsSpan<float>(), expected);
        using PackedWeight packed = PackedWeight.Pack(weight);
        y.AsSpan<float>().Fill(float.NaN);
        Gemm.Run(packed, x, y);
        Numbers.AssertClose(y.AsSpan<float>(), expected);
    }

    [Test]
    public void Batch_invariant_rows_have_the_same_bits_alone_and_together()
    {
        LaunchContext context = new(ComputeDevice.Cpu) { BatchInvariant = true };
        using HostTensor x = HostTensor.Create<float>(X, M, K);
        using HostTensor weight = HostTensor.Create<float>(Weight, N, K);
        using HostTensor together = Numbers.Poisoned(M, N);
        using HostTensor alone = Numbers.Poisoned(M, N);
        Gemm.Run(weight, x, together, context: context);
        for (int row = 0; row < M; row++)
        {
            Gemm.Run(weight, x.View.Slice(0, row, 1), alone.View.Slice(0, row, 1), context: context);
        }

        Assert.That(alone.AsSpan<float>().SequenceEqual(together.AsSpan<float>()));
    }

    [Test]
    public void Support_is_answered_with_a_reason()
    {
        using HostTensor x = HostTensor.Allocate(ElementType.Float16, M, K);
        using HostTensor weight = HostTensor.Allocate(ElementType.BFloat16, N, K);
        using HostTensor y = HostTensor.Allocate(ElementType.Float32, M, N);
        Assert.That(Gemm.IsSupported(weight, x, y, out string? reason), Is.False);
        WarplineException exception = Numbers.Failure(() => Gemm.Run(weight, x, y));
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.Unsupported));
        Assert.That(Numbers.Complaint(reason), Is.EqualTo(Numbers.Complaint(exception.Message)));

        using HostTensor half = HostTensor.Allocate(ElementType.Float16, N, K);
        Assert.That(Gemm.IsSupported(half, x, y, out reason, upWeight: half), Is.True, reason);
        Assert.That(reason, Is.Null);
    }
}
