using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>How a <see cref="WarplineChatClient"/> runs.</summary>
public sealed record WarplineChatClientOptions
{
    /// <summary>The model's name in metadata and responses; null for none.</summary>
    public string? ModelId { get; init; }

    /// <summary>Most tokens of a conversation, answer included; null for the model's positions, at most
    /// <see cref="TransformerModel.DefaultCapacity"/>.</summary>
    public int? Capacity { get; init; }

    /// <summary>How many calls run at once, at least 1; further ones wait. Each takes memory for a conversation of
    /// <see cref="Capacity"/>.</summary>
    public int Sessions { get; init; } = 1;
}
