namespace Warpline.Transformers;

/// <summary>The element types that a safetensors header may name.</summary>
public enum SafetensorsType
{
    /// <summary>One byte, 0 or 1 (BOOL).</summary>
    Bool,

    /// <summary>4-bit float, two in a byte (F4).</summary>
    Float4,

    /// <summary>6-bit float with 2 exponent bits (F6_E2M3).</summary>
    Float6E2M3,

    /// <summary>6-bit float with 3 exponent bits (F6_E3M2).</summary>
    Float6E3M2,

    /// <summary>Unsigned 8-bit integer (U8).</summary>
    UInt8,

    /// <summary>Signed 8-bit integer (I8).</summary>
    Int8,

    /// <summary>8-bit float with 5 exponent bits (F8_E5M2).</summary>
    Float8E5M2,

    /// <summary>8-bit float with 4 exponent bits (F8_E4M3).</summary>
    Float8E4M3,

    /// <summary>8-bit power of two (F8_E8M0).</summary>
    Float8E8M0,

    /// <summary>Signed 16-bit integer (I16).</summary>
    Int16,

    /// <summary>Unsigned 16-bit integer (U16).</summary>
    UInt16,

    /// <summary>IEEE half precision (F16).</summary>
    Float16,

    /// <summary>bfloat16 (BF16).</summary>
    BFloat16,

    /// <summary>Signed 32-bit integer (I32).</summary>
    Int32,

    /// <summary>Unsigned 32-bit integer (U32).</summary>
    UInt32,

    /// <summary>IEEE single precision (F32).</summary>
    Float32,

    /// <summary>Complex number of two single precision parts (C64).</summary>
    Complex64,

    /// <summary>IEEE double precision (F64).</summary>
    Float64,

    /// <summary>Signed 64-bit integer (I64).</summary>
    Int64,

    /// <summary>Unsigned 64-bit integer (U64).</summary>
    UInt64,
}

/// <summary>Spellings and sizes of <see cref="SafetensorsType"/>.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, SafetensorsType Type, int Bits)[] _table =
    [
        ("F32", SafetensorsType.Float32, 32),
        ("BF16", SafetensorsType.BFloat16, 16),
        ("F16", SafetensorsType.Float16, 16),
        ("I32", SafetensorsType.Int32, 32),
        ("I64", SafetensorsType.Int64, 64),
        ("F64", SafetensorsType.Float64, 64),
        ("BOOL", SafetensorsType.Bool, 8),
        ("U8", SafetensorsType.UInt8, 8),
        ("I8", SafetensorsType.Int8, 8),
        ("I16", SafetensorsType.Int16, 16),
        ("U16", SafetensorsType.UInt16, 16),
        ("U32", SafetensorsType.UInt32, 32),
        ("U64", SafetensorsType.UInt64, 64),
        ("C64", SafetensorsType.Complex64, 64),
        ("F8_E4M3", SafetensorsType.Float8E4M3, 8),
        ("F8_E5M2", SafetensorsType.Float8E5M2, 8),
        ("F8_E8M0", SafetensorsType.Float8E8M0, 8),
        ("F6_E2M3", SafetensorsType.Float6E2M3, 6),
        ("F6_E3M2", SafetensorsType.Float6E3M2, 6),
        ("F4", SafetensorsType.Float4, 4),
    ];

    /// <summary>All spellings, for messages.</summary>
    public static string KnownNames => string.Join(", ", _table.Select(row => row.Name));

    public static bool TryParse(string name, out SafetensorsType type)
    {
        foreach (var row in _table)
        {
            if (row.Name == name)
            {
                type = row.Type;
                return true;
            }
        }

        type = default;
        return false;
    }

    public static string NameOf(SafetensorsType type) => Row(type).Name;

    public static int BitsOf(SafetensorsType type) => Row(type).Bits;

    /// <summary>The element type that computes with this type, if there is one.</summary>
    public static bool TryToElementType(SafetensorsType type, out ElementType elementType)
    {
        (bool found, elementType) = type switch
        {
            SafetensorsType.Float32 => (true, ElementType.Float32),
            SafetensorsType.Float16 => (true, ElementType.Float16),
            SafetensorsType.BFloat16 => (true, ElementType.BFloat16),
            SafetensorsType.Int32 => (true, ElementType.Int32),
            _ => (false, default),
        };
        return found;
    }

    private static (string Name, SafetensorsType Type, int Bits) Row(SafetensorsType type)
    {
        foreach (var row in _table)
        {
            if (row.Type == type)
            {
                return row;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(type), type, "A type that safetensors knows is required.");
    }
}
