namespace Warpline.Transformers;

/// <summary>The families of encoders, each a declaration of what it changes about BERT.</summary>
internal static class EncoderArchitectures
{
    private static readonly EncoderWeightNames Bert = new();

    private static readonly EncoderWeightNames DistilBert = new()
    {
        Prefix = "distilbert.",
        Query = "transformer.layer.{i}.attention.q_lin",
        Key = "transformer.layer.{i}.attention.k_lin",
        Value = "transformer.layer.{i}.attention.v_lin",
        AttentionOutput = "transformer.layer.{i}.attention.out_lin",
        AttentionNorm = "transformer.layer.{i}.sa_layer_norm",
        Up = "transformer.layer.{i}.ffn.lin1",
        Down = "transformer.layer.{i}.ffn.lin2",
        OutputNorm = "transformer.layer.{i}.output_layer_norm",
        Pooler = null,
    };

    private static readonly EncoderWeightNames Albert = new()
    {
        Prefix = "albert.",
        EmbeddingProjection = "encoder.embedding_hidden_mapping_in",
        AlwaysProjects = true,
        Query = "encoder.albert_layer_groups.{i}.albert_layers.0.attention.query",
        Key = "encoder.albert_layer_groups.{i}.albert_layers.0.attention.key",
        Value = "encoder.albert_layer_groups.{i}.albert_layers.0.attention.value",
        AttentionOutput = "encoder.albert_layer_groups.{i}.albert_layers.0.attention.dense",
        AttentionNorm = "encoder.albert_layer_groups.{i}.albert_layers.0.attention.LayerNorm",
        Up = "encoder.albert_layer_groups.{i}.albert_layers.0.ffn",
        Down = "encoder.albert_layer_groups.{i}.albert_layers.0.ffn_output",
        OutputNorm = "encoder.albert_layer_groups.{i}.albert_layers.0.full_layer_layer_norm",
        Pooler = "pooler",
    };

    private static readonly Dictionary<string, EncoderWeightNames> Names = new(StringComparer.Ordinal)
    {
        ["bert"] = Bert,
        ["distilbert"] = DistilBert,
        ["roberta"] = Bert with { Prefix = "roberta." },
        ["xlm-roberta"] = Bert with { Prefix = "roberta." },
        ["electra"] = Bert with { Prefix = "electra.", EmbeddingProjection = "embeddings_project", Pooler = null },
        ["albert"] = Albert,
    };

    /// <summary>The architecture of a configuration that was validated.</summary>
    public static EncoderSpec Describe(EncoderConfig config) => new()
    {
        Config = config,
        Names = Names[config.ModelType],
        PaddingBeforePositions = config.PositionOffset == 0 ? null : config.PadTokenId,
    };
}
