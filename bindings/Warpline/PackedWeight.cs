using Warpline.Native;

namespace Warpline;

/// <summary>A weight rearranged for <see cref="Gemm"/>, in memory that it owns. Its values are those of the weight.</summary>
/// <remarks>
/// Lifetime: independent of the weight that it was packed from; the memory lives until <see cref="Dispose"/>, or until the
/// garbage collector frees it. An op that is given the object keeps it alive until the op is done. Thread safety: any number of
/// ops may use it at once; disposing it during an op delays the release until the op is done.
/// </remarks>
public sealed unsafe class PackedWeight : IDisposable
{
    private PackedWeight(HostMemoryHandle memory, in TensorRef weight, long bytes)
    {
        Memory = memory;
        Bytes = bytes;
        ElementType = weight.ElementType;
        OutputSize = weight.Shape[0];
        InputSize = weight.Shape[1];
    }

    /// <summary>The size of the packed form in bytes.</summary>
    public long Bytes { get; }

    /// <summary>The type of the weight's elements.</summary>
    public ElementType ElementType { get; }

    /// <summary>N of the weight [N, K]: the extent of a result row.</summary>
    public long OutputSize { get; }

    /// <summary>K of the weight [N, K]: the extent of an input row.</summary>
    public long InputSize { get; }

    internal HostMemoryHandle Memory { get; }

    /// <summary>Packs a weight.</summary>
    /// <param name="weight">[N, K] of Float32, Float16 or BFloat16, last stride 1, in host memory. It is not used later.</param>
    /// <param name="device">The device whose products will use it; the CPU is the only one that packs.</param>
    /// <returns>The packed weight, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The device is not the CPU.</exception>
    /// <exception cref="WarplineException">The weight breaks a rule above, or memory is exhausted.</exception>
    public static PackedWeight Pack(in TensorRef weight, ComputeDevice device = default)
    {
        if (device.Kind != DeviceKind.Cpu)
        {
            throw new ArgumentException($"The device is {device}; must be cpu, where packed weights are used.", nameof(device));
        }

        long bytes = GetByteCount(weight);
        TensorRef source = weight;
        HostMemoryHandle memory = HostMemoryHandle.Allocate(bytes);
        try
        {
            NativeStatus.Check(NativeMethods.GemmPack(&source, memory.Address, (ulong)bytes));
            return new PackedWeight(memory, source, bytes);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>The size of a weight's packed form, before it is packed.</summary>
    /// <param name="weight">As for <see cref="Pack"/>; its elements are not read.</param>
    /// <returns>Bytes.</returns>
    /// <exception cref="WarplineException">The weight breaks a rule of <see cref="Pack"/>.</exception>
    public static long GetByteCount(in TensorRef weight)
    {
        NativeLoader.EnsureLoaded();
        TensorRef source = weight;
        ulong bytes;
        NativeStatus.Check(NativeMethods.GemmPackSize(&source, &bytes));
        return checked((long)bytes);
    }

    /// <summary>Frees the memory. A second call does nothing.</summary>
    public void Dispose() => Memory.Dispose();
}
