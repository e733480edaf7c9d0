using ILGPU;
using ILGPU.Runtime;

namespace Warpline.Interop.Tests.DropIn;

/// <summary>ILGPU's memory as Warpline's tensors: docs/interop.md shows this to users.</summary>
internal static class IlgpuBuffers
{
    public static TensorRef View<T>(ArrayView<T> memory, ElementType type, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        TensorRef tensor = TensorRef.FromAddress(memory.LoadEffectiveAddressAsPtr(), type, shape);
        long bytes = tensor.ElementCount * type.ByteSize();
        return bytes == memory.LengthInBytes
            ? tensor
            : throw new ArgumentException(
                $"{tensor} has {bytes} bytes; must have {memory.LengthInBytes}, as the view.", nameof(shape));
    }
}
