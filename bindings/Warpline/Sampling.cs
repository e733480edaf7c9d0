using Warpline.Native;

namespace Warpline;

/// <summary>Choosing the next token of each row of logits.</summary>
/// <remarks>Results are exact: same logits, settings and history give the same tokens. Thread safety: any number of callers.
/// Lifetime: tensors must stay valid until the op is done, on the CPU until the call returns; spans are pinned for the call. The
/// calls allocate nothing.</remarks>
public static unsafe class Sampling
{
    /// <summary>The index of the largest element of each row, the lowest among equals. NaN is never chosen; a row of NaN only
    /// gives 0.</summary>
    /// <param name="logits">[M, V], Float32, Float16 or BFloat16, V at least 1.</param>
    /// <param name="ids">Receives Int32 [M].</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule.</exception>
    public static void ArgMax(in TensorRef logits, in TensorRef ids, in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out ArgMaxParams parameters);
        parameters.Logits = logits;
        parameters.Ids = ids;
        NativeStatus.Check(NativeMethods.ArgMax(&parameters, &at));
    }

    /// <summary>The index of the largest element of one row in managed memory.</summary>
    /// <param name="logits">At least one element.</param>
    /// <returns>The index.</returns>
    /// <exception cref="WarplineException">There is no element.</exception>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        int id;
        fixed (float* data = logits)
        {
            ArgMax(new TensorRef(data, ElementType.Float32, 1, logits.Length), new TensorRef(&id, ElementType.Int32, 1));
        }

        return id;
    }

    /// <summary>Draws one token for each row.</summary>
    /// <param name="logits">[M, V], Float32, Float16 or BFloat16, V at least 1.</param>
    /// <param name="settings">M of them.</param>
    /// <param name="ids">Receives Int32 [M].</param>
    /// <param name="logProbabilities">Float32 [M], optional: receives the natural logarithm of the chosen token's probability
    /// under the softmax of the logits as given.</param>
    /// <param name="history">Int32 [total], optional: token ids that the penalties count.</param>
    /// <param name="historyOffsets">Int32 [M + 1], exactly where there is a history.</param>
    /// <param name="context">Where to run.</param>
    /// <exception cref="WarplineException">A tensor, a setting or a history id breaks a rule, or nothing can be chosen in a
    /// row.</exception>
    public static void Sample(
        in TensorRef logits,
        ReadOnlySpan<SamplingSettings> settings,
        in TensorRef ids,
        in TensorRef logProbabilities = default,
        in TensorRef history = default,
        in TensorRef historyOffsets = default,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out SampleParams parameters);
        fixed (SamplingSettings* rows = settings)
        {
            parameters.Logits = logits;
            parameters.History = history;
            parameters.HistoryOffsets = historyOffsets;
            parameters.Settings = (nint)rows;
            parameters.SettingsCount = (ulong)settings.Length;
            parameters.Ids = ids;
            parameters.LogProbabilities = logProbabilities;
            NativeStatus.Check(NativeMethods.Sample(&parameters, &at));
        }
    }

    /// <summary>Draws the token of one row in managed memory.</summary>
    /// <param name="logits">At least one element.</param>
    /// <param name="settings">How to draw.</param>
    /// <param name="logProbability">The natural logarithm of the token's probability under the softmax of the logits.</param>
    /// <param name="history">Token ids that the penalties count; empty is none.</param>
    /// <returns>The token.</returns>
    /// <exception cref="WarplineException">A setting or a history id breaks a rule, or nothing can be chosen.</exception>
    public static int Sample(
        ReadOnlySpan<float> logits, in SamplingSettings settings, out float logProbability, ReadOnlySpan<int> history = default)
    {
        int id;
        float probability;
        int* offsets = stackalloc int[2] { 0, history.Length };
        fixed (float* data = logits)
        fixed (int* tokens = history)
        {
            bool counted = !history.IsEmpty;
            Sample(
                new TensorRef(data, ElementType.Float32, 1, logits.Length),
                new ReadOnlySpan<SamplingSettings>(in settings),
                new TensorRef(&id, ElementType.Int32, 1),
                new TensorRef(&probability, ElementType.Float32, 1),
                counted ? new TensorRef(tokens, ElementType.Int32, history.Length) : default,
                counted ? new TensorRef(offsets, ElementType.Int32, 2) : default);
        }

        logProbability = probability;
        return id;
    }
}
