using Warpline.Native;

namespace Warpline;

/// <summary>Ways to make one row out of a sequence's rows, with the values of the C ABI.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum PoolingKind
{
    /// <summary>The mean of all rows.</summary>
    Mean = 1,

    /// <summary>The first row.</summary>
    First = 2,

    /// <summary>The last row.</summary>
    Last = 3,

    /// <summary>The largest element of each column.</summary>
    Max = 4,
}

/// <summary>One row for each sequence out of its token rows.</summary>
/// <remarks>Thread safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the
/// call returns. The calls allocate nothing.</remarks>
public static unsafe class Pooling
{
    /// <summary>Pools the rows of each sequence. An empty sequence gives a zero row.</summary>
    /// <param name="kind">How.</param>
    /// <param name="x">Packed token rows [total, D], Float32, Float16 or BFloat16.</param>
    /// <param name="offsets">Int32 [B + 1]: where each sequence begins.</param>
    /// <param name="y">Receives [B, D], of x's type or Float32.</param>
    /// <param name="normalize">Divides each result by its Euclidean length.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor, an offset or the kind breaks a rule.</exception>
    public static void Apply(
        PoolingKind kind,
        in TensorRef x,
        in TensorRef offsets,
        in TensorRef y,
        bool normalize = false,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out PoolParams parameters);
        parameters.Flags = normalize ? PoolParams.FlagNormalize : 0;
        parameters.Kind = (int)kind;
        parameters.X = x;
        parameters.CuSeqlens = offsets;
        parameters.Y = y;
        NativeStatus.Check(NativeMethods.Pool(&parameters, &at));
    }
}
