using System.Collections.Immutable;

namespace Warpline.Transformers;

/// <summary>A tensor as the header of its file describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as the file spells it, "BF16" for instance.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
/// <param name="ByteCount">Bytes in the file.</param>
/// <param name="File">The file's name, without its folder.</param>
public sealed record CheckpointTensor(string Name, string Type, ImmutableArray<long> Shape, long ByteCount, string File)
{
    /// <summary>Number of elements: the product of the extents, 1 for a scalar.</summary>
    public long ElementCount => Shape.Contains(0) ? 0 : Shape.Aggregate(1L, (product, extent) => checked(product * extent));
}
