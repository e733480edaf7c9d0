namespace Warpline.Transformers;

/// <summary>What the transformers library assumes for a family of encoders where config.json is silent, and how the keys are
/// called there.</summary>
internal sealed record EncoderFamily
{
    private static readonly EncoderFamily[] _all =
    [
        new() { Name = "bert" },
        new()
        {
            Name = "distilbert",
            HiddenKey = "dim",
            IntermediateKey = "hidden_dim",
            LayersKey = "n_layers",
            HeadsKey = "n_heads",
            ActivationKey = "activation",
            TypeVocabularySize = 0,
            HasTypeVocabularyKey = false,
            HasNormEpsilonKey = false,
        },
        new() { Name = "roberta", PadTokenId = 1, PositionsFollowPadding = true },
        new() { Name = "xlm-roberta", PadTokenId = 1, PositionsFollowPadding = true },
        new() { Name = "electra", EmbeddingSize = 128 },
        new() { Name = "albert", EmbeddingSize = 128, Activation = HiddenActivation.GeluTanh, SharesLayers = true },
    ];

    private static readonly Dictionary<string, EncoderFamily> _byName = _all.ToDictionary(family => family.Name);

    public static string[] Names { get; } = [.. _all.Select(family => family.Name)];

    public required string Name { get; init; }

    public string HiddenKey { get; init; } = "hidden_size";

    public string IntermediateKey { get; init; } = "intermediate_size";

    public string LayersKey { get; init; } = "num_hidden_layers";

    public string HeadsKey { get; init; } = "num_attention_heads";

    public string ActivationKey { get; init; } = "hidden_act";

    public HiddenActivation Activation { get; init; } = HiddenActivation.Gelu;

    /// <summary>Where embedding_size is absent; null where the family has no such key and embeds in the layers' width.</summary>
    public int? EmbeddingSize { get; init; }

    public int TypeVocabularySize { get; init; } = 2;

    public bool HasTypeVocabularyKey { get; init; } = true;

    public bool HasNormEpsilonKey { get; init; } = true;

    public int PadTokenId { get; init; }

    /// <summary>Whether positions are counted from the row after the padding token's id, and a padding token has that row.</summary>
    public bool PositionsFollowPadding { get; init; }

    /// <summary>Whether num_hidden_groups and inner_group_num tell which layers share their weights.</summary>
    public bool SharesLayers { get; init; }

    public static EncoderFamily? Find(string name) => _byName.GetValueOrDefault(name);

    public static string UnknownType(string modelType) => ModelFamily.Find(modelType) is null
        ? $"model_type = \"{modelType}\"; one of {string.Join(", ", Names)} is required."
        : $"model_type = \"{modelType}\" is a decoder; an encoder is required, one of {string.Join(", ", Names)}.";
}
