namespace Warpline.Transformers;

/// <summary>How texts are encoded.</summary>
public sealed record EncodeOptions
{
    /// <summary>The name of one of the checkpoint's prompts, which is put before each text; null for its default prompt, if it
    /// has one.</summary>
    public string? PromptName { get; init; }

    /// <summary>A prompt itself, in place of one of the checkpoint's; empty for none.</summary>
    public string? Prompt { get; init; }
}

/// <summary>How far encoding a list is.</summary>
/// <param name="Done">Texts whose vectors are ready.</param>
/// <param name="Total">All texts.</param>
public readonly record struct EncodeProgress(int Done, int Total);
