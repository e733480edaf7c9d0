namespace Warpline.Transformers;

/// <summary>What loading makes of a checkpoint's weights, in bytes.</summary>
public sealed record WeightAccount
{
    /// <summary>Elements of the tensors that the model uses, each shared one counted once.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>These tensors as the files hold them, each counted once. They are read into memory.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Of <see cref="StoredBytes"/> those that were freed again, because their values are elsewhere: packed, converted, or on a
    /// GPU. What a program holds in memory is not freed.</summary>
    public required long FreedBytes { get; init; }

    /// <summary>Tensors that are made at load beside those: converted to another type, or several stacked to one. For a GPU they are
    /// in host memory until the loading is done.</summary>
    public required long ConvertedBytes { get; init; }

    /// <summary>Packed copies of the weights of linear layers; see <see cref="ModelOptions.PackWeights"/>.</summary>
    public required long PackedBytes { get; init; }

    /// <summary>Copies in the memory of a GPU; 0 on the processor.</summary>
    public required long DeviceBytes { get; init; }

    /// <summary>Tensors of the checkpoint that the model does not use, by name.</summary>
    public required IReadOnlyList<string> UnusedTensors { get; init; }

    /// <summary>Memory that the weights take on the model's device: a GPU's copies, or on the processor what was read and not freed,
    /// and all copies together.</summary>
    public long MemoryBytes => DeviceBytes > 0 ? DeviceBytes : StoredBytes - FreedBytes + ConvertedBytes + PackedBytes;
}
