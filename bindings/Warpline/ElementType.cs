namespace Warpline;

/// <summary>Element types of tensors, with the values of the C ABI. Zero is no type: the tensor is absent.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum ElementType
{
    /// <summary>IEEE 754 binary32, <see cref="float"/>.</summary>
    Float32 = 1,

    /// <summary>IEEE 754 binary16, <see cref="Half"/>. Sums are kept in float32.</summary>
    Float16 = 2,

    /// <summary>The upper half of a binary32. Sums are kept in float32.</summary>
    BFloat16 = 3,

    /// <summary>32-bit signed integers: token ids, positions, offsets and lengths.</summary>
    Int32 = 4,
}

/// <summary>Sizes of element types.</summary>
/// <remarks>Stateless: safe from any thread.</remarks>
public static class ElementTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    /// <param name="type">The element type.</param>
    /// <returns>2 or 4.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="type"/> is none of <see cref="ElementType"/>.</exception>
    public static int ByteSize(this ElementType type) => type switch
    {
        ElementType.Float32 or ElementType.Int32 => 4,
        ElementType.Float16 or ElementType.BFloat16 => 2,
        _ => throw new ArgumentOutOfRangeException(
            nameof(type), type, "The element type must be Float32, Float16, BFloat16 or Int32."),
    };
}

/// <summary>How .NET types stand for element types.</summary>
internal static class ElementTypes
{
    /// <summary>The element type that spans of T hold.</summary>
    public static ElementType Of<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return ElementType.Float32;
        }

        if (typeof(T) == typeof(Half))
        {
            return ElementType.Float16;
        }

        if (typeof(T) == typeof(int))
        {
            return ElementType.Int32;
        }

        throw new ArgumentException($"Elements of type {typeof(T).Name} have no element type; must be float, Half or int.");
    }

    /// <summary>Whether elements of a type may be seen as T: its own .NET type, or ushort for the bits of 16-bit types.</summary>
    public static bool CanView<T>(ElementType type)
        where T : unmanaged => type switch
        {
            ElementType.Float32 => typeof(T) == typeof(float),
            ElementType.Float16 => typeof(T) == typeof(Half) || typeof(T) == typeof(ushort),
            ElementType.BFloat16 => typeof(T) == typeof(ushort),
            ElementType.Int32 => typeof(T) == typeof(int),
            _ => false,
        };
}
