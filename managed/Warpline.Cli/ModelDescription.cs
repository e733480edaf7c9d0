using System.Text.Json.Nodes;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary>What reports say of a model.</summary>
internal static class ModelDescription
{
    public static JsonObject Of(ModelConfig config) => new()
    {
        ["model_type"] = config.ModelType,
        ["kind"] = "decoder",
        ["layers"] = config.LayerCount,
        ["hidden_size"] = config.HiddenSize,
        ["intermediate_size"] = config.IntermediateSize,
        ["query_heads"] = config.HeadCount,
        ["key_value_heads"] = config.KeyValueHeadCount,
        ["head_dimension"] = config.HeadDimension,
        ["vocabulary"] = config.VocabularySize,
        ["max_positions"] = config.MaxPositions,
        ["rope"] = config.Rope.Kind.ToString(),
        ["window"] = config.LayerWindows.IsDefaultOrEmpty ? null : config.LayerWindows.Max(),
        ["tied_embeddings"] = config.TieWordEmbeddings,
    };

    public static JsonObject Of(EncoderConfig config) => new()
    {
        ["model_type"] = config.ModelType,
        ["kind"] = "encoder",
        ["layers"] = config.LayerCount,
        ["hidden_size"] = config.HiddenSize,
        ["intermediate_size"] = config.IntermediateSize,
        ["heads"] = config.HeadCount,
        ["head_dimension"] = config.HiddenSize / config.HeadCount,
        ["vocabulary"] = config.VocabularySize,
        ["max_tokens"] = config.MaxTokens,
    };

    /// <summary>What loading makes of the weights.</summary>
    public static JsonObject Of(WeightAccount weights) => new()
    {
        ["stored_bytes"] = weights.StoredBytes,
        ["freed_bytes"] = weights.FreedBytes,
        ["converted_bytes"] = weights.ConvertedBytes,
        ["packed_bytes"] = weights.PackedBytes,
        ["device_bytes"] = weights.DeviceBytes,
    };

    /// <summary>The model's tokenizer, or why it has none.</summary>
    public static string Tokenizer(object? tokenizer, string? error) => tokenizer?.GetType().Name ?? error ?? "none";
}
