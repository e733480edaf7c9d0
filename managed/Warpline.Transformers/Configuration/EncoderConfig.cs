using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>
/// What an encoder of the BERT kind looks like: the meaning of <c>config.json</c>, with the defaults that the transformers
/// library has for each family. Immutable.
/// </summary>
public sealed record EncoderConfig
{
    internal const long MaxBytes = 16 << 20;

    /// <summary>Family: one of <see cref="KnownModelTypes"/> (model_type).</summary>
    public required string ModelType { get; init; }

    /// <summary>Width of the layers (hidden_size; distilbert's dim).</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the embeddings, projected to the layers' where it is another (electra's and albert's embedding_size).</summary>
    public required int EmbeddingSize { get; init; }

    /// <summary>Width inside the feed-forward layer (intermediate_size; distilbert's hidden_dim).</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of layers (num_hidden_layers; distilbert's n_layers).</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of layers with weights of their own, each used for a run of consecutive ones (albert's
    /// num_hidden_groups); elsewhere <see cref="LayerCount"/>.</summary>
    public required int DistinctLayerCount { get; init; }

    /// <summary>Attention heads; divides <see cref="HiddenSize"/> (num_attention_heads; distilbert's n_heads).</summary>
    public required int HeadCount { get; init; }

    /// <summary>Rows of the word embedding (vocab_size).</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Rows of the position embedding (max_position_embeddings).</summary>
    public required int PositionCount { get; init; }

    /// <summary>Rows of the embedding of token types (type_vocab_size); all tokens are of the first. 0 is none.</summary>
    public int TypeVocabularySize { get; init; }

    /// <summary>Epsilon of the norms (layer_norm_eps).</summary>
    public double NormEpsilon { get; init; } = 1e-12;

    /// <summary>Activation of the feed-forward layer (hidden_act; distilbert's activation).</summary>
    public HiddenActivation Activation { get; init; } = HiddenActivation.Gelu;

    /// <summary>The padding token (pad_token_id). Roberta counts positions from the row after it.</summary>
    public int PadTokenId { get; init; }

    /// <summary>Most tokens of a sequence, special ones included.</summary>
    public int MaxTokens => PositionCount - PositionOffset;

    /// <summary>The families that can be read.</summary>
    public static IReadOnlyList<string> KnownModelTypes => EncoderFamily.Names;

    /// <summary>Rows of the position embedding before that of a sequence's first token.</summary>
    internal int PositionOffset => EncoderFamily.Find(ModelType)?.PositionsFollowPadding == true ? PadTokenId + 1 : 0;

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <param name="directoryOrFile">The checkpoint's directory, or the file itself.</param>
    /// <returns>The configuration, checked.</returns>
    /// <exception cref="InvalidDataException">
    /// A value is missing, impossible or not supported; the message names file, key and value.
    /// </exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static EncoderConfig Load(string directoryOrFile)
    {
        string path = PathOf(directoryOrFile);
        return Parse(JsonFile.ReadBytes(path, MaxBytes), path);
    }

    /// <summary>Reads the text of a <c>config.json</c>.</summary>
    /// <param name="utf8Json">The text.</param>
    /// <param name="source">What messages call it.</param>
    /// <returns>The configuration, checked.</returns>
    /// <exception cref="InvalidDataException">
    /// A value is missing, impossible or not supported; the message names source, key and value.
    /// </exception>
    public static EncoderConfig Parse(ReadOnlySpan<byte> utf8Json, string source = "config.json")
    {
        EncoderConfig config = JsonFile.Parse(
            utf8Json, CheckpointJson.Default.DictionaryStringJsonElement, source, keys => new EncoderConfigReader(keys, source).Read());
        return config.FirstFault() is string fault ? throw new InvalidDataException($"{source}: {fault}") : config;
    }

    /// <summary>Whether a checkpoint is of one of <see cref="KnownModelTypes"/>, going by its model_type alone.</summary>
    /// <param name="directoryOrFile">The checkpoint's directory, or its <c>config.json</c>.</param>
    /// <returns>Whether this type reads it.</returns>
    /// <exception cref="InvalidDataException">The file is no JSON object.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static bool Describes(string directoryOrFile)
    {
        string path = PathOf(directoryOrFile);
        string type = JsonFile.Parse(
            JsonFile.ReadBytes(path, MaxBytes), CheckpointJson.Default.DictionaryStringJsonElement, path,
            keys => keys.TryGetValue("model_type", out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "");
        return EncoderFamily.Find(type) is not null;
    }

    /// <summary>Checks a configuration made in memory by the rules that files are checked by.</summary>
    /// <exception cref="ArgumentException">A value is impossible; the message names it by its key in config.json.</exception>
    public void Validate()
    {
        if (FirstFault() is string fault)
        {
            throw new ArgumentException(fault);
        }
    }

    private static string PathOf(string directoryOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(directoryOrFile);
        return Directory.Exists(directoryOrFile) ? Path.Combine(directoryOrFile, "config.json") : directoryOrFile;
    }

    private string? FirstFault() => Faults().FirstOrDefault(fault => fault is not null);

    private IEnumerable<string?> Faults()
    {
        EncoderFamily? family = EncoderFamily.Find(ModelType);
        if (family is null)
        {
            yield return EncoderFamily.UnknownType(ModelType);
            yield break;
        }

        yield return ModelRules.Size(family.HiddenKey, HiddenSize, ModelRules.MaxWidth);
        yield return ModelRules.Size("embedding_size", EmbeddingSize, ModelRules.MaxWidth);
        yield return ModelRules.Size(family.IntermediateKey, IntermediateSize, ModelRules.MaxInner);
        yield return ModelRules.Size(family.LayersKey, LayerCount, ModelRules.MaxLayers);
        yield return ModelRules.Size("num_hidden_groups", DistinctLayerCount, LayerCount);
        yield return ModelRules.Size(family.HeadsKey, HeadCount, ModelRules.MaxHeads);
        yield return ModelRules.Fault(
            HiddenSize % HeadCount == 0, family.HiddenKey, HiddenSize, $"a multiple of {family.HeadsKey} ({HeadCount})");
        yield return ModelRules.Size("vocab_size", VocabularySize, ModelRules.MaxVocabulary);
        yield return ModelRules.Fault(
            PadTokenId >= 0 && PadTokenId < VocabularySize, "pad_token_id", PadTokenId, $"a token id below vocab_size ({VocabularySize})");
        yield return ModelRules.Size("max_position_embeddings", PositionCount, ModelRules.MaxVocabulary);
        yield return ModelRules.Fault(
            MaxTokens >= 1, "max_position_embeddings", PositionCount, $"more than the {PositionOffset} rows before the first position");
        yield return ModelRules.Fault(
            TypeVocabularySize is >= 0 and <= ModelRules.MaxWidth,
            "type_vocab_size", TypeVocabularySize, $"an integer from 0 to {ModelRules.MaxWidth}");
        yield return ModelRules.Fault(NormEpsilon is > 0 and < 1, "layer_norm_eps", NormEpsilon, "a number between 0 and 1");
        yield return ModelRules.Fault(Enum.IsDefined(Activation), "hidden_act", (int)Activation, "a known activation");
    }
}
