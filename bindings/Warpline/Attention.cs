using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Warpline.Native;

namespace Warpline;

/// <summary>
/// Attention, softmax(scale q k^T + modifiers) v: one op for prefill, decode and mixed batches. Score by score: scale, softcap,
/// ALiBi; then the softmax, with the head's sink in its sum.
/// </summary>
/// <remarks>
/// <para>Types: query, key and value of one type of Float32, Float16 and BFloat16, or Float32 queries with 16-bit keys and
/// values; output of the query's type or Float32. Any head dimensions; value and key may differ in theirs. Last strides are 1,
/// the others are free. A row that may attend nothing gives zeros.</para>
/// <para>Thread safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the call
/// returns; outputs must overlap no input. The calls allocate nothing.</para>
/// </remarks>
public static unsafe class Attention
{
    /// <summary>Runs attention.</summary>
    /// <param name="inputs">Queries, keys, values and what belongs to them.</param>
    /// <param name="output">Receives [B, Sq, Hq, dv], or packed [totalQ, Hq, dv] for packed queries.</param>
    /// <param name="options">Scale, mask and modifiers.</param>
    /// <param name="lse">Float32, optional: receives the natural logarithm of the sum of exponentials of each row's final scores,
    /// [B, Hq, Sq], or [Hq, totalQ] for packed queries.</param>
    /// <param name="context">Where and how to run.</param>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    /// <exception cref="WarplineException">A tensor or a number breaks a rule, or memory is exhausted.</exception>
    public static void Forward(
        in AttentionInputs inputs,
        in TensorRef output,
        in AttentionOptions options = default,
        in TensorRef lse = default,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out AttentionParams parameters, inputs, output, options, lse);
        NativeStatus.Check(NativeMethods.Attention(&parameters, &at));
    }

    /// <summary>Runs attention over managed memory, which is pinned for the call.</summary>
    /// <typeparam name="T">float or Half.</typeparam>
    /// <param name="query">Queries [B, Sq, Hq, d].</param>
    /// <param name="key">Keys [B, Sk, Hkv, d].</param>
    /// <param name="value">Values [B, Sk, Hkv, dv].</param>
    /// <param name="output">Receives [B, Sq, Hq, dv].</param>
    /// <param name="options">Scale, mask and modifiers.</param>
    /// <param name="lse">Receives the logarithm of the sum of exponentials, B * Hq * Sq of them; empty is none.</param>
    /// <param name="context">How to run, on the CPU.</param>
    /// <exception cref="ArgumentException">The options contradict each other, the element type is not served, a rank is too
    /// large, <paramref name="lse"/> has another length, or the device is not the CPU.</exception>
    /// <exception cref="WarplineException">A tensor or a number breaks a rule, or memory is exhausted.</exception>
    public static void Forward<T>(
        ReadOnlyTensorSpan<T> query,
        ReadOnlyTensorSpan<T> key,
        ReadOnlyTensorSpan<T> value,
        TensorSpan<T> output,
        in AttentionOptions options = default,
        Span<float> lse = default,
        in LaunchContext context = default)
        where T : unmanaged
    {
        Spans.RequireHost(context);
        LaunchParams.Create(context, out LaunchParams at);
        NativeStruct.Create(out AttentionParams parameters);
        Fill(ref parameters, options);
        fixed (T* queryData = query, keyData = key, valueData = value, outputData = output)
        fixed (float* lseData = lse)
        {
            Spans.View(queryData, query, out parameters.Q);
            Spans.View(keyData, key, out parameters.K);
            Spans.View(valueData, value, out parameters.V);
            Spans.View(outputData, output, out parameters.O);
            if (!lse.IsEmpty)
            {
                parameters.Lse = LseView(lseData, lse.Length, parameters.Q);
            }

            NativeStatus.Check(NativeMethods.Attention(&parameters, &at));
        }
    }

    /// <summary>Whether attention would be accepted, without running it.</summary>
    /// <param name="inputs">Queries, keys, values and what belongs to them.</param>
    /// <param name="output">The output.</param>
    /// <param name="options">Scale, mask and modifiers.</param>
    /// <param name="reason">Why it would not, in the library's words; else null.</param>
    /// <param name="lse">The logarithms, optional.</param>
    /// <param name="context">Where and how it would run.</param>
    /// <returns>Whether it would be accepted.</returns>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static bool IsSupported(
        in AttentionInputs inputs,
        in TensorRef output,
        in AttentionOptions options,
        out string? reason,
        in TensorRef lse = default,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out AttentionParams parameters, inputs, output, options, lse);
        byte* buffer = stackalloc byte[NativeStatus.ReasonBytes];
        int status = NativeMethods.AttentionSupported(&parameters, &at, buffer, NativeStatus.ReasonBytes);
        return NativeStatus.IsSupported(status, buffer, out reason);
    }

    /// <summary>Bytes of workspace that attention needs on the context's device, 256-byte aligned: 0 on the CPU.</summary>
    /// <param name="inputs">Queries, keys, values and what belongs to them.</param>
    /// <param name="output">The output.</param>
    /// <param name="options">Scale, mask and modifiers.</param>
    /// <param name="lse">The logarithms, optional.</param>
    /// <param name="context">Where and how it would run; its own workspace is not looked at.</param>
    /// <returns>The size.</returns>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    /// <exception cref="WarplineException">Attention would not be accepted.</exception>
    public static nuint GetWorkspaceSize(
        in AttentionInputs inputs,
        in TensorRef output,
        in AttentionOptions options,
        in TensorRef lse = default,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out AttentionParams parameters, inputs, output, options, lse);
        ulong bytes;
        NativeStatus.Check(NativeMethods.AttentionWorkspaceSize(&parameters, &at, &bytes));
        return checked((nuint)bytes);
    }

    private static void Fill(
        out AttentionParams parameters,
        in AttentionInputs inputs,
        in TensorRef output,
        in AttentionOptions options,
        in TensorRef lse)
    {
        NativeStruct.Create(out parameters);
        Fill(ref parameters, options);
        parameters.Q = inputs.Query;
        parameters.K = inputs.Key;
        parameters.V = inputs.Value;
        parameters.O = output;
        parameters.Lse = lse;
        parameters.CuSeqlensQ = inputs.QueryOffsets;
        parameters.CuSeqlensK = inputs.KeyOffsets;
        parameters.SequsedK = inputs.KeyLengths;
        parameters.AlibiSlopes = inputs.AlibiSlopes;
        parameters.Sinks = inputs.Sinks;
    }

    private static void Fill(ref AttentionParams parameters, in AttentionOptions options)
    {
        if (options.Scale is 0)
        {
            throw new ArgumentException("Scale is 0; must be another number, or null for 1 / sqrt(d).", nameof(options));
        }

        parameters.Flags = options.Causal ? AttentionParams.FlagCausal : 0;
        parameters.Scale = options.Scale ?? 0;
        parameters.Softcap = options.Softcap ?? 0;
        if (options.Window is int window)
        {
            if (window < 1 || options.WindowLeft is not null || options.WindowRight is not null)
            {
                throw new ArgumentException(
                    $"Window is {window}; must be at least 1, and alone, without WindowLeft and WindowRight.", nameof(options));
            }

            parameters.Flags |= AttentionParams.FlagWindow;
            parameters.WindowLeft = window - 1;
        }
        else if (options.WindowLeft is not null || options.WindowRight is not null)
        {
            if (options.WindowLeft < 0 || options.WindowRight < 0)
            {
                throw new ArgumentException(
                    $"WindowLeft is {options.WindowLeft}, WindowRight {options.WindowRight}; must be at least 0, or null for no "
                    + "bound.",
                    nameof(options));
            }

            parameters.Flags |= AttentionParams.FlagWindow;
            parameters.WindowLeft = options.WindowLeft ?? -1;
            parameters.WindowRight = options.WindowRight ?? -1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TensorRef LseView(float* data, int length, in TensorRef query)
    {
        if (query.Rank != 4)
        {
            throw new ArgumentException($"The query is {query}; must have rank 4.", nameof(query));
        }

        ReadOnlySpan<long> shape = query.Shape;
        long expected = shape[0] * shape[1] * shape[2];
        return length == expected
            ? new TensorRef(data, ElementType.Float32, shape[0], shape[2], shape[1])
            : throw new ArgumentException(
                $"lse has {length} elements; must have {expected}, one for each query row and head.", nameof(length));
    }
}
