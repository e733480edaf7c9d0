using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Warpline.ManagedCuda;

/// <summary>ManagedCuda's device variables, contexts and streams as Warpline's tensors and launch contexts. Nothing is copied,
/// allocated or made current.</summary>
/// <remarks>
/// Lifetime: the results are addresses and handles, which keep nothing alive. Variables, stream and context must not be disposed
/// until the stream has done the work; ManagedCuda does not tell whether they are. Thread safety: any number of callers.
/// </remarks>
public static class ManagedCudaExtensions
{
    /// <summary>A dense row-major tensor at the beginning of a device variable.</summary>
    /// <typeparam name="T">float for Float32; <see cref="Half"/> or ManagedCuda's half for Float16; ManagedCuda's bfloat16 for
    /// BFloat16; int for Int32. Memory of other types: <see cref="TensorRef.FromAddress"/>.</typeparam>
    /// <param name="variable">The memory. It may be larger than the tensor.</param>
    /// <param name="shape">At most <see cref="TensorRef.MaxRank"/> extents of at least zero.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ArgumentNullException">There is no variable.</exception>
    /// <exception cref="ArgumentException"><typeparamref name="T"/> stands for no element type, the shape is not legal, or the
    /// variable is smaller than the tensor.</exception>
    public static TensorRef AsTensor<T>(this CudaDeviceVariable<T> variable, params ReadOnlySpan<long> shape)
        where T : struct
    {
        ArgumentNullException.ThrowIfNull(variable);
        ElementType type = ElementTypeOf<T>();
        TensorRef tensor = TensorRef.FromAddress(Address(variable.DevicePointer), type, shape);
        ulong bytes = (ulong)tensor.ElementCount * (ulong)type.ByteSize();
        return bytes <= (ulong)variable.SizeInBytes
            ? tensor
            : throw new ArgumentException(
                $"{tensor} has {bytes} bytes; must have at most {(ulong)variable.SizeInBytes}, the size of the device variable.",
                nameof(shape));
    }

    /// <summary>Where to run an op: on the context's device, in a stream.</summary>
    /// <param name="context">The context; the calling thread's current one when an op is called (<see cref="CudaContext.SetCurrent"/>).</param>
    /// <param name="stream">The stream to enqueue on, of the same context; null is CUDA's default stream.</param>
    /// <param name="workspace">Scratch memory of at least the op's GetWorkspaceSize, for one op at a time; null where the op
    /// needs none.</param>
    /// <returns>The launch context.</returns>
    /// <exception cref="ArgumentNullException">There is no context.</exception>
    /// <exception cref="ArgumentException">The context does not know its device's number: it was made from a stream.</exception>
    public static LaunchContext AsLaunchContext(
        this CudaContext context, CudaStream? stream = null, CudaDeviceVariable<byte>? workspace = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.DeviceId < 0)
        {
            throw new ArgumentException(
                $"The context's DeviceId is {context.DeviceId}; must be at least 0. A CudaContext that is made from a stream has "
                + "none: give the one that the stream was created in.",
                nameof(context));
        }

        return new LaunchContext(
            ComputeDevice.Cuda(context.DeviceId),
            stream?.Stream.Pointer ?? 0,
            workspace is null ? 0 : Address(workspace.DevicePointer),
            workspace is null ? 0 : (nuint)(ulong)workspace.SizeInBytes);
    }

    private static nint Address(CUdeviceptr pointer) => checked((nint)(ulong)pointer.Pointer);

    private static ElementType ElementTypeOf<T>()
    {
        if (typeof(T) == typeof(float))
        {
            return ElementType.Float32;
        }

        if (typeof(T) == typeof(Half) || typeof(T) == typeof(half))
        {
            return ElementType.Float16;
        }

        if (typeof(T) == typeof(bfloat16))
        {
            return ElementType.BFloat16;
        }

        if (typeof(T) == typeof(int))
        {
            return ElementType.Int32;
        }

        throw new ArgumentException(
            $"The device variable's elements are {typeof(T).Name}; must be float, Half, half, bfloat16 or int.");
    }
}
