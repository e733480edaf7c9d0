using Warpline.Native;

namespace Warpline;

/// <summary>Rotary position embedding: tables of angles, and the rotation.</summary>
/// <remarks>Thread safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the
/// call returns. The calls allocate nothing.</remarks>
public static unsafe class Rope
{
    /// <summary>Fills tables of cos and sin of position times frequency for positions 0, 1, ..., computed in double.</summary>
    /// <param name="cos">Float32 [positions, R/2].</param>
    /// <param name="sin">Float32 [positions, R/2].</param>
    /// <param name="options">Base and scaling.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor or a factor breaks a rule.</exception>
    public static void FillTables(
        in TensorRef cos, in TensorRef sin, in RopeTableOptions options, in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out RopeTableParams parameters);
        parameters.Scaling = (int)options.Scaling;
        parameters.Base = options.Base;
        parameters.Factor = options.Factor;
        parameters.LowFrequencyFactor = options.LowFrequencyFactor;
        parameters.HighFrequencyFactor = options.HighFrequencyFactor;
        parameters.OriginalMaxPositions = options.OriginalMaxPositions;
        parameters.BetaFast = options.BetaFast;
        parameters.BetaSlow = options.BetaSlow;
        parameters.AttentionFactor = options.AttentionFactor;
        parameters.YarnExactRange = options.YarnExactRange ? 1 : 0;
        parameters.FrequencyDtype = (int)(options.FrequencyType ?? 0);
        parameters.Cos = cos;
        parameters.Sin = sin;
        NativeStatus.Check(NativeMethods.RopeTable(&parameters, &at));
    }

    /// <summary>Rotates the first R elements of each head by the angle of the token's position and copies the rest.</summary>
    /// <param name="x">[T, H, d], Float32, Float16 or BFloat16.</param>
    /// <param name="y">Receives the result, shaped as x, of x's type or Float32; may be x itself.</param>
    /// <param name="positions">Int32 [T]: rows of the tables.</param>
    /// <param name="cos">Float32 [positions, R/2], R at most d.</param>
    /// <param name="sin">As <paramref name="cos"/>.</param>
    /// <param name="interleaved">Rotates pairs (2i, 2i + 1) in place of (i, i + R/2).</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule, or a position is outside the tables.</exception>
    public static void Apply(
        in TensorRef x,
        in TensorRef y,
        in TensorRef positions,
        in TensorRef cos,
        in TensorRef sin,
        bool interleaved = false,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out RopeParams parameters);
        parameters.Flags = interleaved ? RopeParams.FlagInterleaved : 0;
        parameters.X = x;
        parameters.Y = y;
        parameters.Positions = positions;
        parameters.Cos = cos;
        parameters.Sin = sin;
        NativeStatus.Check(NativeMethods.Rope(&parameters, &at));
    }
}
