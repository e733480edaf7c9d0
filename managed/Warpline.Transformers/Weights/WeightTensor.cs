using System.Collections.Immutable;

namespace Warpline.Transformers;

/// <summary>
/// One weight where it lies in memory: row-major, contiguous, possibly larger than 2 GiB, so there is no span over it.
/// The address is valid until the <see cref="IWeightSource"/> that gave it is disposed.
/// </summary>
/// <param name="Address">Address of the first element, aligned to the element's size; any value for an empty tensor.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
public readonly record struct WeightTensor(nint Address, ElementType Type, ImmutableArray<long> Shape)
{
    /// <summary>Number of elements: the product of the extents, 1 for a scalar.</summary>
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (long extent in Shape.AsSpan())
            {
                count = checked(count * extent);
            }

            return count;
        }
    }
}
