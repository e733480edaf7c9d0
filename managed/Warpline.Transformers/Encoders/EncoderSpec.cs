namespace Warpline.Transformers;

/// <summary>
/// All that the encoders' one forward pass needs to know, as data: x = norm(word + position + type embedding), projected to the
/// layers' width where that is another; in each layer x = norm(x + output(attention(x))) and x = norm(x + down(act(up(x)))).
/// Norms are LayerNorms, everything has a bias, attention sees the whole sequence. A family is a row of
/// <see cref="EncoderArchitectures"/>, not a class.
/// </summary>
internal sealed record EncoderSpec
{
    public required EncoderConfig Config { get; init; }

    /// <summary>The padding token that positions are counted after; null where they begin with row 0.</summary>
    public int? PaddingBeforePositions { get; init; }

    public EncoderWeightNames Names { get; init; } = new();

    public int HeadSize => Config.HiddenSize / Config.HeadCount;
}

/// <summary>
/// Names of an encoder's weights. {i} stands for the layer; a linear layer or norm X has the tensors X.weight and X.bias. The
/// defaults are BERT's.
/// </summary>
internal sealed record EncoderWeightNames
{
    /// <summary>Before all names in the checkpoint of a model with a head, such as BertForMaskedLM.</summary>
    public string Prefix { get; init; } = "bert.";

    public string WordEmbedding { get; init; } = "embeddings.word_embeddings.weight";

    public string PositionEmbedding { get; init; } = "embeddings.position_embeddings.weight";

    public string TypeEmbedding { get; init; } = "embeddings.token_type_embeddings.weight";

    public string EmbeddingNorm { get; init; } = "embeddings.LayerNorm";

    /// <summary>Required where the embeddings have another width than the layers.</summary>
    public string? EmbeddingProjection { get; init; }

    /// <summary>Whether the projection is required at any width.</summary>
    public bool AlwaysProjects { get; init; }

    public string Query { get; init; } = "encoder.layer.{i}.attention.self.query";

    public string Key { get; init; } = "encoder.layer.{i}.attention.self.key";

    public string Value { get; init; } = "encoder.layer.{i}.attention.self.value";

    public string AttentionOutput { get; init; } = "encoder.layer.{i}.attention.output.dense";

    public string AttentionNorm { get; init; } = "encoder.layer.{i}.attention.output.LayerNorm";

    public string Up { get; init; } = "encoder.layer.{i}.intermediate.dense";

    public string Down { get; init; } = "encoder.layer.{i}.output.dense";

    public string OutputNorm { get; init; } = "encoder.layer.{i}.output.LayerNorm";

    /// <summary>Used where the checkpoint has it; null where the family has none.</summary>
    public string? Pooler { get; init; } = "pooler.dense";
}
