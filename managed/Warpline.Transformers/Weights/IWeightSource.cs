namespace Warpline.Transformers;

/// <summary>
/// Weights by name, from a checkpoint on disk (<see cref="CheckpointWeights"/>) or from memory
/// (<see cref="InMemoryWeights"/>). Reading is safe from several threads at once; disposing is not.
/// Addresses handed out stay valid until <see cref="IDisposable.Dispose"/>.
/// </summary>
public interface IWeightSource : IDisposable
{
    /// <summary>Names of all tensors, in no particular order.</summary>
    IEnumerable<string> Names { get; }

    /// <summary>Finds a tensor by its name.</summary>
    /// <param name="name">Name as the checkpoint spells it.</param>
    /// <param name="tensor">The tensor, if there is one of that name.</param>
    /// <returns>Whether there is a tensor of that name.</returns>
    /// <exception cref="InvalidDataException">The tensor exists, but its element type has no <see cref="ElementType"/>.</exception>
    /// <exception cref="ObjectDisposedException">The source has been disposed.</exception>
    bool TryGet(string name, out WeightTensor tensor);
}
