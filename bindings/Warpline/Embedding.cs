using Warpline.Native;

namespace Warpline;

/// <summary>Rows of an embedding table.</summary>
/// <remarks>Thread safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the
/// call returns. The calls allocate nothing.</remarks>
public static unsafe class Embedding
{
    /// <summary>y[t] = table[ids[t]], converted with rounding to nearest even.</summary>
    /// <param name="table">[V, D], Float32, Float16 or BFloat16.</param>
    /// <param name="ids">Int32 [T], each in [0, V).</param>
    /// <param name="y">Receives [T, D] of any of these types.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule, or an id is outside the table.</exception>
    public static void Lookup(in TensorRef table, in TensorRef ids, in TensorRef y, in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out EmbeddingParams parameters);
        parameters.Table = table;
        parameters.Ids = ids;
        parameters.Y = y;
        NativeStatus.Check(NativeMethods.Embedding(&parameters, &at));
    }
}
