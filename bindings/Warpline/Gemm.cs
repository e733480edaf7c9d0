using System.Numerics.Tensors;
using Warpline.Native;

namespace Warpline;

/// <summary>
/// Products with a weight: y = act(x W^T + bias) + residual, and the gated form y = act(x W^T + bias) * (x U^T + upBias) +
/// residual.
/// </summary>
/// <remarks>
/// <para>Shapes: x [M, K], weights [N, K], biases [N], residual and y [M, N], last strides 1. Types: x and weights Float32,
/// Float16 or BFloat16, combined freely except Float16 with BFloat16; bias and residual any of the three; y of x's type or
/// Float32. Sums are kept in float32.</para>
/// <para>Thread safety: any number of callers. Lifetime: tensors must stay valid until the op is done, on the CPU until the call
/// returns; y must overlap no input, except that the residual may be y itself. The calls allocate nothing.</para>
/// </remarks>
public static unsafe class Gemm
{
    /// <summary>y = act(x W^T + bias) + residual with a plain row-major weight.</summary>
    /// <param name="weight">W [N, K].</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">Receives the result [M, N].</param>
    /// <param name="bias">[N], optional.</param>
    /// <param name="residual">[M, N], optional; may be <paramref name="y"/> itself.</param>
    /// <param name="activation">Applied before the residual is added.</param>
    /// <param name="context">Where and how to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule of this class, or memory is exhausted.</exception>
    public static void Run(
        in TensorRef weight,
        in TensorRef x,
        in TensorRef y,
        in TensorRef bias = default,
        in TensorRef residual = default,
        Activation activation = Activation.None,
        in LaunchContext context = default)
    {
        Fill(out GemmParams parameters, weight, x, y, bias, residual, activation);
        Call(&parameters, context);
    }

    /// <summary>y = act(x W^T + bias) + residual with a packed weight.</summary>
    /// <param name="weight">W [N, K], packed. It is kept alive during the call.</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">Receives the result [M, N].</param>
    /// <param name="bias">[N], optional.</param>
    /// <param name="residual">[M, N], optional; may be <paramref name="y"/> itself.</param>
    /// <param name="activation">Applied before the residual is added.</param>
    /// <param name="context">Where and how to run.</param>
    /// <exception cref="ArgumentNullException">There is no weight.</exception>
    /// <exception cref="ObjectDisposedException">The weight is disposed.</exception>
    /// <exception cref="WarplineException">A tensor breaks a rule of this class, or memory is exhausted.</exception>
    public static void Run(
        PackedWeight weight,
        in TensorRef x,
        in TensorRef y,
        in TensorRef bias = default,
        in TensorRef residual = default,
        Activation activation = Activation.None,
        in LaunchContext context = default)
    {
        ArgumentNullException.ThrowIfNull(weight);
        Fill(out GemmParams parameters, default, x, y, bias, residual, activation);
        bool held = false;
        try
        {
            weight.Memory.DangerousAddRef(ref held);
            parameters.Packed = weight.Memory.DangerousGetHandle();
            parameters.PackedBytes = (ulong)weight.Bytes;
            Call(&parameters, context);
        }
        finally
        {
            Release(weight, held);
        }
    }

    /// <summary>y = act(x W^T + bias) * (x U^T + upBias) + residual with plain weights: SwiGLU with
    /// <see cref="Activation.Silu"/>, GEGLU with <see cref="Activation.GeluTanh"/>.</summary>
    /// <param name="weight">W [N, K], the half that goes through the activation.</param>
    /// <param name="upWeight">U [N, K].</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">Receives the result [M, N].</param>
    /// <param name="activation">Applied to the first product.</param>
    /// <param name="bias">[N], optional, of the first product.</param>
    /// <param name="upBias">[N], optional, of the second product.</param>
    /// <param name="residual">[M, N], optional; may be <paramref name="y"/> itself.</param>
    /// <param name="context">Where and how to run.</param>
    /// <exception cref="WarplineException">A tensor breaks a rule of this class, or memory is exhausted.</exception>
    public static void RunGated(
        in TensorRef weight,
        in TensorRef upWeight,
        in TensorRef x,
        in TensorRef y,
        Activation activation,
        in TensorRef bias = default,
        in TensorRef upBias = default,
        in TensorRef residual = default,
        in LaunchContext context = default)
    {
        Fill(out GemmParams parameters, weight, x, y, bias, residual, activation, upWeight, upBias);
        Call(&parameters, context);
    }

    /// <summary>y = act(x W^T + bias) * (x U^T + upBias) + residual with packed weights.</summary>
    /// <param name="weight">W [N, K], packed, the half that goes through the activation. It is kept alive during
    /// the call.</param>
    /// <param name="upWeight">U [N, K], packed. It is kept alive during the call.</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">Receives the result [M, N].</param>
    /// <param name="activation">Applied to the first product.</param>
    /// <param name="bias">[N], optional, of the first product.</param>
    /// <param name="upBias">[N], optional, of the second product.</param>
    /// <param name="residual">[M, N], optional; may be <paramref name="y"/> itself.</param>
    /// <param name="context">Where and how to run.</param>
    /// <exception cref="ArgumentNullException">A weight is missing.</exception>
    /// <exception cref="ObjectDisposedException">A weight is disposed.</exception>
    /// <exception cref="WarplineException">A tensor breaks a rule of this class, or memory is exhausted.</exception>
    public static void RunGated(
        PackedWeight weight,
        PackedWeight upWeight,
        in TensorRef x,
        in TensorRef y,
        Activation activation,
        in TensorRef bias = default,
        in TensorRef upBias = default,
        in TensorRef residual = default,
        in LaunchContext context = default)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(upWeight);
        Fill(out GemmParams parameters, default, x, y, bias, residual, activation, upBias: upBias);
        bool held = false;
        bool upHeld = false;
        try
        {
            weight.Memory.DangerousAddRef(ref held);
            upWeight.Memory.DangerousAddRef(ref upHeld);
            parameters.Packed = weight.Memory.DangerousGetHandle();
            parameters.PackedBytes = (ulong)weight.Bytes;
            parameters.UpPacked = upWeight.Memory.DangerousGetHandle();
            parameters.UpPackedBytes = (ulong)upWeight.Bytes;
            Call(&parameters, context);
        }
        finally
        {
            Release(weight, held);
            Release(upWeight, upHeld);
        }
    }

    /// <summary>y = act(x W^T + bias) + residual over managed memory, which is pinned for the call.</summary>
    /// <typeparam name="T">float or Half.</typeparam>
    /// <param name="weight">W [N, K].</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">Receives the result [M, N].</param>
    /// <param name="bias">[N], optional: empty is none.</param>
    /// <param name="activation">The last step.</param>
    /// <param name="context">How to run, on the CPU.</param>
    /// <exception cref="ArgumentException">The element type is not served, a rank is too large, or the device is not the
    /// CPU.</exception>
    /// <exception cref="WarplineException">A tensor breaks a rule of this class, or memory is exhausted.</exception>
    public static void Run<T>(
        ReadOnlyTensorSpan<T> weight,
        ReadOnlyTensorSpan<T> x,
        TensorSpan<T> y,
        ReadOnlySpan<T> bias = default,
        Activation activation = Activation.None,
        in LaunchContext context = default)
        where T : unmanaged
    {
        Spans.RequireHost(context);
        fixed (T* weightData = weight, xData = x, yData = y, biasData = bias)
        {
            Spans.View(weightData, weight, out TensorRef weightView);
            Spans.View(xData, x, out TensorRef xView);
            Spans.View(yData, y, out TensorRef yView);
            Run(weightView, xView, yView, Spans.OptionalView(biasData, bias.Length), activation: activation, context: context);
        }
    }

    /// <summary>Whether a product would be accepted, without running it.</summary>
    /// <param name="weight">W [N, K], plain; packing changes nothing about the answer.</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">The result [M, N].</param>
    /// <param name="reason">Why it would not, in the library's words; else null.</param>
    /// <param name="bias">[N], optional.</param>
    /// <param name="residual">[M, N], optional.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="upWeight">U [N, K] of the gated form, optional.</param>
    /// <param name="upBias">[N], optional.</param>
    /// <param name="context">Where and how it would run.</param>
    /// <returns>Whether it would be accepted.</returns>
    public static bool IsSupported(
        in TensorRef weight,
        in TensorRef x,
        in TensorRef y,
        out string? reason,
        in TensorRef bias = default,
        in TensorRef residual = default,
        Activation activation = Activation.None,
        in TensorRef upWeight = default,
        in TensorRef upBias = default,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out GemmParams parameters, weight, x, y, bias, residual, activation, upWeight, upBias);
        byte* buffer = stackalloc byte[NativeStatus.ReasonBytes];
        int status = NativeMethods.GemmSupported(&parameters, &at, buffer, NativeStatus.ReasonBytes);
        return NativeStatus.IsSupported(status, buffer, out reason);
    }

    /// <summary>Bytes of workspace that a product needs on the context's device, 256-byte aligned: 0 on the CPU.</summary>
    /// <param name="weight">The weight [N, K].</param>
    /// <param name="x">The input [M, K].</param>
    /// <param name="y">The output [M, N].</param>
    /// <param name="bias">[N], optional.</param>
    /// <param name="residual">[M, N], optional.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="upWeight">The second half of a gated pair, optional.</param>
    /// <param name="upBias">Its bias, optional.</param>
    /// <param name="context">Where and how it would run; its own workspace is not looked at.</param>
    /// <returns>The size.</returns>
    /// <exception cref="WarplineException">The product would not be accepted.</exception>
    public static nuint GetWorkspaceSize(
        in TensorRef weight,
        in TensorRef x,
        in TensorRef y,
        in TensorRef bias = default,
        in TensorRef residual = default,
        Activation activation = Activation.None,
        in TensorRef upWeight = default,
        in TensorRef upBias = default,
        in LaunchContext context = default)
    {
        LaunchParams.Create(context, out LaunchParams at);
        Fill(out GemmParams parameters, weight, x, y, bias, residual, activation, upWeight, upBias);
        ulong bytes;
        NativeStatus.Check(NativeMethods.GemmWorkspaceSize(&parameters, &at, &bytes));
        return checked((nuint)bytes);
    }

    private static void Fill(
        out GemmParams parameters,
        in TensorRef weight,
        in TensorRef x,
        in TensorRef y,
        in TensorRef bias,
        in TensorRef residual,
        Activation activation,
        in TensorRef upWeight = default,
        in TensorRef upBias = default)
    {
        NativeStruct.Create(out parameters);
        parameters.Activation = (int)activation;
        parameters.X = x;
        parameters.Weight = weight;
        parameters.UpWeight = upWeight;
        parameters.UpBias = upBias;
        parameters.Bias = bias;
        parameters.Residual = residual;
        parameters.Y = y;
    }

    private static void Call(GemmParams* parameters, in LaunchContext context)
    {
        LaunchParams.Create(context, out LaunchParams at);
        NativeStatus.Check(NativeMethods.Gemm(parameters, &at));
    }

    private static void Release(PackedWeight weight, bool held)
    {
        if (held)
        {
            weight.Memory.DangerousRelease();
        }
    }
}
