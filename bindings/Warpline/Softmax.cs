using System.Numerics.Tensors;
using Warpline.Native;

namespace Warpline;

/// <summary>Softmax over the last dimension, with the row's maximum subtracted.</summary>
/// <remarks>Thread safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the
/// call returns. The calls allocate nothing.</remarks>
public static unsafe class Softmax
{
    /// <summary>Softmax of each row, or its natural logarithm. Negative infinity counts as no probability; a row of nothing else
    /// gives zeros (the logarithm: negative infinity).</summary>
    /// <param name="x">[M, D], Float32, Float16 or BFloat16.</param>
    /// <param name="y">Receives [M, D], of x's type or Float32; may be x itself.</param>
    /// <param name="logarithm">Gives the logarithm.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule.</exception>
    public static void Apply(in TensorRef x, in TensorRef y, bool logarithm = false, in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out SoftmaxParams parameters);
        parameters.Flags = logarithm ? SoftmaxParams.FlagLog : 0;
        parameters.X = x;
        parameters.Y = y;
        NativeStatus.Check(NativeMethods.Softmax(&parameters, &at));
    }

    /// <summary>Softmax of each row of managed memory, which is pinned for the call.</summary>
    /// <typeparam name="T">float or Half.</typeparam>
    /// <param name="x">[M, D].</param>
    /// <param name="y">Receives [M, D]; may be x itself.</param>
    /// <param name="logarithm">Gives the logarithm.</param>
    /// <param name="context">Where to run: the CPU.</param>
    /// <exception cref="ArgumentException">The element type is not served, a rank is too large, or the device is not the
    /// CPU.</exception>
    /// <exception cref="WarplineException">A tensor breaks a rule.</exception>
    public static void Apply<T>(
        ReadOnlyTensorSpan<T> x, TensorSpan<T> y, bool logarithm = false, in LaunchContext context = default)
        where T : unmanaged
    {
        Spans.RequireHost(context);
        fixed (T* xData = x, yData = y)
        {
            Spans.View(xData, x, out TensorRef xView);
            Spans.View(yData, y, out TensorRef yView);
            Apply(xView, yView, logarithm, context);
        }
    }
}
