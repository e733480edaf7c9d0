namespace Warpline.Transformers;

/// <summary>What loading makes of a checkpoint's weights, in bytes.</summary>
public sealed record WeightAccount
{
    /// <summary>Elements of the tensors that the model uses, each shared one counted once.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>These tensors as the files hold them, each counted once. On the processor the model runs from there, the mapped
    /// files' pages, unless it has copies.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Tensors that are made at load beside those: converted to another type, several stacked to one, or moved to an
    /// aligned address. For a GPU they are in host memory until the loading is done.</summary>
    public required long ConvertedBytes { get; init; }

    /// <summary>Packed copies of the weights of linear layers; see <see cref="ModelOptions.PackWeights"/>.</summary>
    public required long PackedBytes { get; init; }

    /// <summary>Copies in the memory of a GPU; 0 on the processor.</summary>
    public required long DeviceBytes { get; init; }

    /// <summary>Tensors of the checkpoint that the model does not use, by name.</summary>
    public required IReadOnlyList<string> UnusedTensors { get; init; }

    /// <summary>Memory that the weights take on the model's device: a GPU's copies, or on the processor the files' pages and all
    /// copies together.</summary>
    public long MemoryBytes => DeviceBytes > 0 ? DeviceBytes : StoredBytes + ConvertedBytes + PackedBytes;
}
