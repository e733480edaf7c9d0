using System.Numerics.Tensors;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class LayerOpTests
{
    private const int M = 3;
    private const int D = 19;

    private static readonly float[] X = Numbers.Random(1, M * D);
    private static readonly float[] Residual = Numbers.Random(2, M * D);
    private static readonly float[] Weight = Numbers.Random(3, D);
    private static readonly float[] Bias = Numbers.Random(4, D);

    [Test]
    public void Rms_norm_adds_the_residual_first([Values] bool zeroCentered, [Values] bool withResidual)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, D);
        using HostTensor weight = HostTensor.Create<float>(Weight, D);
        using HostTensor residual = HostTensor.Create<float>(Residual, M, D);
        using HostTensor y = Numbers.Poisoned(M, D);
        using HostTensor sum = Numbers.Poisoned(M, D);
        if (withResidual)
        {
            Norm.Rms(x, weight, y, 1e-3f, residual, sum, zeroCentered);
        }
        else
        {
            Norm.Rms(x, weight, y, 1e-3f, zeroCentered: zeroCentered);
        }

        double[] h = Sum(withResidual);
        double[] expected = new double[M * D];
        for (int row = 0; row < M; row++)
        {
            double meanSquare = h.AsSpan(row * D, D).ToArray().Average(value => value * value);
            for (int i = 0; i < D; i++)
            {
                expected[(row * D) + i] = h[(row * D) + i] / Math.Sqrt(meanSquare + 1e-3) * (Weight[i] + (zeroCentered ? 1 : 0));
            }
        }

        Numbers.AssertClose(y.AsSpan<float>(), expected);
        if (withResidual)
        {
            Numbers.AssertClose(sum.AsSpan<float>(), h);
        }

        if (!zeroCentered && !withResidual)
        {
            float[] managed = new float[M * D];
            Norm.Rms(new ReadOnlyTensorSpan<float>(X, [M, D]), Weight, new TensorSpan<float>(managed, [M, D]), 1e-3f);
            Assert.That(managed, Is.EqualTo(y.AsSpan<float>().ToArray()), "spans give the same bits");
        }
    }

    [Test]
    public void Layer_norm_has_mean_variance_weight_and_bias([Values] bool withResidual)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, D);
        using HostTensor weight = HostTensor.Create<float>(Weight, D);
        using HostTensor bias = HostTensor.Create<float>(Bias, D);
        using HostTensor residual = HostTensor.Create<float>(Residual, M, D);
        using HostTensor y = Numbers.Poisoned(M, D);
        Norm.Layer(x, weight, bias, y, 1e-3f, withResidual ? residual : default(TensorRef));
        double[] h = Sum(withResidual);
        double[] expected = new double[M * D];
        for (int row = 0; row < M; row++)
        {
            double mean = h.AsSpan(row * D, D).ToArray().Average();
            double variance = h.AsSpan(row * D, D).ToArray().Average(value => (value - mean) * (value - mean));
            for (int i = 0; i < D; i++)
            {
                expected[(row * D) + i] = ((h[(row * D) + i] - mean) / Math.Sqrt(variance + 1e-3) * Weight[i]) + Bias[i];
            }
        }

        Numbers.AssertClose(y.AsSpan<float>(), expected);
        if (!withResidual)
        {
            float[] managed = new float[M * D];
            Norm.Layer(new ReadOnlyTensorSpan<float>(X, [M, D]), Weight, Bias, new TensorSpan<float>(managed, [M, D]), 1e-3f);
            Assert.That(managed, Is.EqualTo(y.AsSpan<float>().ToArray()), "spans give the same bits");
        }
    }

    [Test]
    public void Activations_are_the_formulas([Values] Activation activation, [Values] bool gated)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, D);
        using HostTensor up = HostTensor.Create<float>(Residual, M, D);
        using HostTensor y = Numbers.Poisoned(M, D);
        Activations.Apply(activation, x, y, gated ? up : default(TensorRef));
        double[] expected = new double[M * D];
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = Numbers.Activate(activation, X[i]) * (gated ? Residual[i] : 1);
        }

        Numbers.AssertClose(y.AsSpan<float>(), expected);
        if (!gated)
        {
            float[] managed = new float[M * D];
            Activations.Apply(activation, new ReadOnlyTensorSpan<float>(X, [M, D]), new TensorSpan<float>(managed, [M, D]));
            Assert.That(managed, Is.EqualTo(y.AsSpan<float>().ToArray()), "spans give the same bits");
        }
    }

    [Test]
    public void Softmax_sums_to_one_and_has_a_logarithm([Values] bool logarithm)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, D);
        using HostTensor y = Numbers.Poisoned(M, D);
        Softmax.Apply(x, y, logarithm);
        double[] expected = new double[M * D];
        for (int row = 0; row < M; row++)
        {
            double sum = X.AsSpan(row * D, D).ToArray().Sum(value => Math.Exp(value));
            for (int i = 0; i < D; i++)
            {
                double probability = Math.Exp(X[(row * D) + i]) / sum;
                expected[(row * D) + i] = logarithm ? Math.Log(probability) : probability;
            }
        }

        Numbers.AssertClose(y.AsSpan<float>(), expected);
        float[] managed = new float[M * D];
        Softmax.Apply(new ReadOnlyTensorSpan<float>(X, [M, D]), new TensorSpan<float>(managed, [M, D]), logarithm);
        Assert.That(managed, Is.EqualTo(y.AsSpan<float>().ToArray()), "spans give the same bits");
    }

    [Test]
    public void Embedding_copies_rows()
    {
        using HostTensor table = HostTensor.Create<float>(X, M, D);
        using HostTensor ids = HostTensor.Create<int>([2, 0, 2, 1], 4);
        using HostTensor y = Numbers.Poisoned(4, D);
        Embedding.Lookup(table, ids, y);
        float[] expected = [.. X[(2 * D)..], .. X[..D], .. X[(2 * D)..], .. X[D..(2 * D)]];
        Assert.That(y.AsSpan<float>().ToArray(), Is.EqualTo(expected));

        using HostTensor wrong = HostTensor.Create<int>([0, M], 2);
        WarplineException exception = Numbers.Failure(() => Embedding.Lookup(table, wrong, y.View.Slice(0, 0, 2)));
        Assert.That(exception.Parameter, Is.EqualTo("ids[1]"), exception.Message);
    }

    [Test]
    public void Pooling_makes_one_row_of_each_sequence([Values] PoolingKind kind, [Values] bool normalize)
    {
        using HostTensor x = HostTensor.Create<float>(X, M, D);
        using HostTensor offsets = HostTensor.Create<int>([0, 2, 2, 3], 4);
        using HostTensor y = Numbers.Poisoned(3, D);
        Pooling.Apply(kind, x, offsets, y, normalize);
        double[] expected = new double[3 * D];
        Pool(0, 2).CopyTo(expected, 0);
        Pool(2, 3).CopyTo(expected, 2 * D);
        Numbers.AssertClose(y.AsSpan<float>(), expected);

        double[] Pool(int first, int end)
        {
            double[] row = new double[D];
            for (int i = 0; i < D; i++)
            {
                double[] column = [.. Enumerable.Range(first, end - first).Select(token => (double)X[(token * D) + i])];
                row[i] = kind switch
                {
                    PoolingKind.Mean => column.Average(),
                    PoolingKind.First => column[0],
                    PoolingKind.Last => column[^1],
                    _ => column.Max(),
                };
            }

            double length = normalize ? Math.Sqrt(row.Sum(value => value * value)) : 1;
            return Array.ConvertAll(row, value => value / length);
        }
    }

    private static double[] Sum(bool withResidual)
    {
        double[] h = Array.ConvertAll(X, value => (double)value);
        for (int i = 0; withResidual && i < h.Length; i++)
        {
            h[i] += Residual[i];
        }

        return h;
    }
}
