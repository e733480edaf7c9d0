using Warpline.Native;

namespace Warpline;

/// <summary>Ops on the key/value cache: dense buffers [B, capacity, Hkv, d] that the caller owns.</summary>
/// <remarks>Thread safety: any number of callers on different sequences. Lifetime: tensors must stay valid until the op is done,
/// on the CPU until the call returns; the caches must overlap no input. The calls allocate nothing.</remarks>
public static unsafe class KeyValueCache
{
    /// <summary>Writes new keys and values behind those that each sequence holds: token i of sequence b goes to position
    /// lengths[b] + i, its keys rotated on the way where <paramref name="cos"/> and <paramref name="sin"/> are given.</summary>
    /// <param name="key">New keys, packed [total, Hkv, d], Float32, Float16 or BFloat16.</param>
    /// <param name="value">New values, packed [total, Hkv, dv], of the keys' type.</param>
    /// <param name="keyCache">[B, capacity, Hkv, d] of any of these types, converted with rounding to nearest even.</param>
    /// <param name="valueCache">[B, capacity, Hkv, dv] of the key cache's type.</param>
    /// <param name="lengths">Int32 [B]: tokens that each sequence holds already; read, not changed.</param>
    /// <param name="offsets">Int32 [B + 1]: where each sequence's new tokens begin; absent where B is 1.</param>
    /// <param name="cos">Optional: [positions, R/2] of <see cref="Rope.FillTables"/>.</param>
    /// <param name="sin">As <paramref name="cos"/>.</param>
    /// <param name="interleaved">Rotates pairs (2i, 2i + 1) in place of (i, i + R/2).</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule, or a length would pass the capacity or the tables; nothing is
    /// written then.</exception>
    public static void Append(
        in TensorRef key,
        in TensorRef value,
        in TensorRef keyCache,
        in TensorRef valueCache,
        in TensorRef lengths,
        in TensorRef offsets = default,
        in TensorRef cos = default,
        in TensorRef sin = default,
        bool interleaved = false,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out KeyValueAppendParams parameters);
        parameters.Flags = interleaved ? KeyValueAppendParams.FlagRopeInterleaved : 0;
        parameters.K = key;
        parameters.V = value;
        parameters.KCache = keyCache;
        parameters.VCache = valueCache;
        parameters.Lengths = lengths;
        parameters.CuSeqlens = offsets;
        parameters.Cos = cos;
        parameters.Sin = sin;
        NativeStatus.Check(NativeMethods.KeyValueAppend(&parameters, &at));
    }
}
