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
}
