using System.Numerics.Tensors;
using Warpline.Native;

namespace Warpline;

/// <summary>RMSNorm and LayerNorm over the last dimension, with the residual sum fused in front.</summary>
/// <remarks>Types: Float32, Float16 or BFloat16; weights combine freely with x except Float16 with BFloat16; outputs of x's type
/// or Float32; arithmetic in float32. Last strides are 1. Thread safety: any number of callers. Lifetime: tensors must stay valid
/// until the op is done, on the CPU until the call returns; y may be x itself. The calls allocate nothing.</remarks>
public static unsafe class Norm
{
    /// <summary>h = x + residual; y = h / sqrt(mean(h^2) + epsilon) * weight.</summary>
    /// <param name="x">[..., D], rank 1 to 4.</param>
    /// <param name="weight">[D]; absent multiplies by one.</param>
    /// <param name="y">Receives the result, shaped as x; may be x itself.</param>
    /// <param name="epsilon">At least 0.</param>
    /// <param name="residual">As x, optional: added to x first.</param>
    /// <param name="residualOutput">As x, optional: receives x + residual; may be x or residual itself.</param>
    /// <param name="zeroCentered">The weight is stored minus one: multiply by 1 + weight.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor or epsilon breaks a rule.</exception>
    public static void Rms(
        in TensorRef x,
        in TensorRef weight,
        in TensorRef y,
        float epsilon = 1e-6f,
        in TensorRef residual = default,
        in TensorRef residualOutput = default,
        bool zeroCentered = false,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out NormParams parameters, NormParams.KindRms, x, weight, y, epsilon, residual, residualOutput, zeroCentered);
        NativeStatus.Check(NativeMethods.Norm(&parameters, &at));
    }

    /// <summary>h = x + residual; y = (h - mean) / sqrt(variance + epsilon) * weight + bias, with the biased variance.</summary>
    /// <param name="x">[..., D], rank 1 to 4.</param>
    /// <param name="weight">[D]; absent multiplies by one.</param>
    /// <param name="bias">[D]; absent adds nothing.</param>
    /// <param name="y">Receives the result, shaped as x; may be x itself.</param>
    /// <param name="epsilon">At least 0.</param>
    /// <param name="residual">As x, optional: added to x first.</param>
    /// <param name="residualOutput">As x, optional: receives x + residual; may be x or residual itself.</param>
    /// <param name="zeroCentered">The weight is stored minus one: multiply by 1 + weight.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor or epsilon breaks a rule.</exception>
    public static void Layer(
        in TensorRef x,
        in TensorRef weight,
        in TensorRef bias,
        in TensorRef y,
        float epsilon = 1e-5f,
        in TensorRef residual = default,
        in TensorRef residualOutput = default,
        bool zeroCentered = false,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out NormParams parameters, NormParams.KindLayer, x, weight, y, epsilon, residual, residualOutput, zeroCentered);
        parameters.Bias = bias;
        NativeStatus.Check(NativeMethods.Norm(&parameters, &at));
    }

    /// <summary>RMSNorm over managed memory, which is pinned for the call.</summary>
    /// <typeparam name="T">float or Half.</typeparam>
    /// <param name="x">[..., D], rank 1 to 4.</param>
    /// <param name="weight">D elements; none multiply by one.</param>
    /// <param name="y">Receives the result, shaped as x; may be x itself.</param>
    /// <param name="epsilon">At least 0.</param>
    /// <param name="context">Where to run: the CPU.</param>
    /// <exception cref="ArgumentException">The element type is not served, a rank is too large, or the device is not the
    /// CPU.</exception>
    /// <exception cref="WarplineException">A tensor or epsilon breaks a rule.</exception>
    public static void Rms<T>(
        ReadOnlyTensorSpan<T> x,
        ReadOnlySpan<T> weight,
        TensorSpan<T> y,
        float epsilon = 1e-6f,
        in LaunchContext context = default)
        where T : unmanaged
    {
        Spans.RequireHost(context);
        fixed (T* xData = x, weightData = weight, yData = y)
        {
            Spans.View(xData, x, out TensorRef xView);
            Spans.View(yData, y, out TensorRef yView);
            Rms(xView, Spans.OptionalView(weightData, weight.Length), yView, epsilon, context: context);
        }
    }

    /// <summary>LayerNorm over managed memory, which is pinned for the call.</summary>
    /// <typeparam name="T">float or Half.</typeparam>
    /// <param name="x">[..., D], rank 1 to 4.</param>
    /// <param name="weight">D elements; none multiply by one.</param>
    /// <param name="bias">D elements; none add nothing.</param>
    /// <param name="y">Receives the result, shaped as x; may be x itself.</param>
    /// <param name="epsilon">At least 0.</param>
    /// <param name="context">Where to run: the CPU.</param>
    /// <exception cref="ArgumentException">The element type is not served, a rank is too large, or the device is not the
    /// CPU.</exception>
    /// <exception cref="WarplineException">A tensor or epsilon breaks a rule.</exception>
    public static void Layer<T>(
        ReadOnlyTensorSpan<T> x,
        ReadOnlySpan<T> weight,
        ReadOnlySpan<T> bias,
        TensorSpan<T> y,
        float epsilon = 1e-5f,
        in LaunchContext context = default)
        where T : unmanaged
    {
        Spans.RequireHost(context);
        fixed (T* xData = x, weightData = weight, biasData = bias, yData = y)
        {
            Spans.View(xData, x, out TensorRef xView);
            Spans.View(yData, y, out TensorRef yView);
            TensorRef weightView = Spans.OptionalView(weightData, weight.Length);
            Layer(xView, weightView, Spans.OptionalView(biasData, bias.Length), yView, epsilon, context: context);
        }
    }

    private static void Fill(
        out NormParams parameters,
        int kind,
        in TensorRef x,
        in TensorRef weight,
        in TensorRef y,
        float epsilon,
        in TensorRef residual,
        in TensorRef residualOutput,
        bool zeroCentered)
    {
        NativeStruct.Create(out parameters);
        parameters.Flags = zeroCentered ? NormParams.FlagZeroCentered : 0;
        parameters.Kind = kind;
        parameters.Epsilon = epsilon;
        parameters.X = x;
        parameters.Residual = residual;
        parameters.Weight = weight;
        parameters.Y = y;
        parameters.ResidualOut = residualOutput;
    }
}
