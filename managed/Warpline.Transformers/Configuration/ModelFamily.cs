namespace Warpline.Transformers;

/// <summary>What the transformers library assumes for a family where config.json is silent, and which keys it heeds.</summary>
internal sealed record ModelFamily
{
    private static readonly ModelFamily[] _all =
    [
        new()
        {
            Name = "llama",
            MaxPositions = 2048,
            BeginOfSequenceId = 1,
            EndOfSequenceId = 2,
            HasAttentionBiasKey = true,
            HasMlpBiasKey = true,
        },
        new()
        {
            Name = "mistral",
            MaxPositions = 131_072,
            BeginOfSequenceId = 1,
            EndOfSequenceId = 2,
            KeyValueHeadCount = 8,
            Window = WindowRule.AllLayers,
        },
        new() { Name = "qwen2", MaxPositions = 32_768, KeyValueHeadCount = 32, Window = WindowRule.ByLayerType },
        new()
        {
            Name = "qwen3",
            MaxPositions = 32_768,
            KeyValueHeadCount = 32,
            HeadDimension = 128,
            HasAttentionBiasKey = true,
            Window = WindowRule.ByLayerType,
        },
    ];

    /// <summary>How a family applies sliding_window.</summary>
    public enum WindowRule
    {
        /// <summary>It has none.</summary>
        None,

        /// <summary>To every layer, unless null.</summary>
        AllLayers,

        /// <summary>To the layers that layer_types (else max_window_layers) names, if use_sliding_window is true.</summary>
        ByLayerType,
    }

    public static string[] Names { get; } = [.. _all.Select(family => family.Name)];

    public required string Name { get; init; }

    public required int MaxPositions { get; init; }

    /// <summary>Used where the key is absent; a null in the file means as many as query heads.</summary>
    public int? KeyValueHeadCount { get; init; }

    /// <summary>Null for hidden_size / num_attention_heads.</summary>
    public int? HeadDimension { get; init; }

    public int? BeginOfSequenceId { get; init; }

    public int? EndOfSequenceId { get; init; }

    public bool HasAttentionBiasKey { get; init; }

    public bool HasMlpBiasKey { get; init; }

    public WindowRule Window { get; init; }

    public static ModelFamily? Find(string name) => Array.Find(_all, family => family.Name == name);
}
