using System.Numerics.Tensors;
using Warpline.Native;

namespace Warpline;

/// <summary>Activation functions over matrices.</summary>
/// <remarks>Types: x and up of one type of Float32, Float16 and BFloat16; y of that or Float32. Last strides are 1. Thread
/// safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the call returns. The
/// calls allocate nothing.</remarks>
public static unsafe class Activations
{
    /// <summary>y = act(x), or act(x) * up where up is given.</summary>
    /// <param name="activation">The function.</param>
    /// <param name="x">[M, D].</param>
    /// <param name="y">Receives the result [M, D]; may be x or up itself.</param>
    /// <param name="up">[M, D], optional: the other half of a gated pair.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor or the activation breaks a rule.</exception>
    public static void Apply(
        Activation activation, in TensorRef x, in TensorRef y, in TensorRef up = default, in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out ActivationParams parameters);
        parameters.Activation = (int)activation;
        parameters.X = x;
        parameters.Up = up;
        parameters.Y = y;
        NativeStatus.Check(NativeMethods.Activation(&parameters, &at));
    }

    /// <summary>y = act(x) over managed memory, which is pinned for the call.</summary>
    /// <typeparam name="T">float or Half.</typeparam>
    /// <param name="activation">The function.</param>
    /// <param name="x">[M, D].</param>
    /// <param name="y">Receives the result [M, D]; may be x itself.</param>
    /// <param name="context">Where to run: the CPU.</param>
    /// <exception cref="ArgumentException">The element type is not served, a rank is too large, or the device is not the
    /// CPU.</exception>
    /// <exception cref="WarplineException">A tensor or the activation breaks a rule.</exception>
    public static void Apply<T>(
        Activation activation, ReadOnlyTensorSpan<T> x, TensorSpan<T> y, in LaunchContext context = default)
        where T : unmanaged
    {
        Spans.RequireHost(context);
        fixed (T* xData = x, yData = y)
        {
            Spans.View(xData, x, out TensorRef xView);
            Spans.View(yData, y, out TensorRef yView);
            Apply(activation, xView, yView, context: context);
        }
    }
}
