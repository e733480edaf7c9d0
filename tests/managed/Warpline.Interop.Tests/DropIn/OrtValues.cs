using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Warpline.Interop.Tests.DropIn;

/// <summary>ONNX Runtime's tensors as Warpline's: docs/interop.md shows this to users.</summary>
internal static class OrtValues
{
    public static unsafe TensorRef View(OrtValue tensor)
    {
        OrtTensorTypeAndShapeInfo info = tensor.GetTensorTypeAndShape();
        ElementType type = info.ElementDataType switch
        {
            TensorElementType.Float => ElementType.Float32,
            TensorElementType.Float16 => ElementType.Float16,
            TensorElementType.BFloat16 => ElementType.BFloat16,
            TensorElementType.Int32 => ElementType.Int32,
            TensorElementType other => throw new ArgumentException(
                $"The tensor's elements are {other}; must be Float, Float16, BFloat16 or Int32.", nameof(tensor)),
        };
        ref byte data = ref MemoryMarshal.GetReference(tensor.GetTensorMutableRawData());
        return new TensorRef(Unsafe.AsPointer(ref data), type, info.Shape);
    }
}
