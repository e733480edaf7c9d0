using System.Collections.Immutable;

namespace Warpline.Transformers;

/// <summary>
/// What a decoder looks like: the meaning of <c>config.json</c>, with the defaults that the transformers library has for
/// each family. Immutable.
/// </summary>
public sealed record ModelConfig
{
    private const long _maxBytes = 16 << 20;

    /// <summary>Family: one of <see cref="KnownModelTypes"/> (model_type).</summary>
    public required string ModelType { get; init; }

    /// <summary>Width of the residual stream (hidden_size).</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the feed-forward layer (intermediate_size).</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of layers (num_hidden_layers).</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads (num_attention_heads).</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; divides <see cref="HeadCount"/> (num_key_value_heads).</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Dimensions of a head (head_dim).</summary>
    public required int HeadDimension { get; init; }

    /// <summary>Rows of the embedding (vocab_size).</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The longest context that the model is made for (max_position_embeddings).</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Epsilon of the RMS norms (rms_norm_eps).</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Activation of the feed-forward layer (hidden_act).</summary>
    public HiddenActivation Activation { get; init; }

    /// <summary>Whether llama's or qwen3's attention projections have biases (attention_bias); qwen2's always have.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Whether llama's feed-forward projections have biases (mlp_bias).</summary>
    public bool MlpBias { get; init; }

    /// <summary>Whether the output projection is the embedding (tie_word_embeddings).</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Rotary position embedding.</summary>
    public RopeConfig Rope { get; init; } = new();

    /// <summary>
    /// Sliding window of each layer: how many keys a query sees, its own included; null where it sees all. Empty means
    /// that no layer has a window.
    /// </summary>
    public ImmutableArray<int?> LayerWindows { get; init; } = [];

    /// <summary>Token that begins a sequence, if there is one (bos_token_id).</summary>
    public int? BeginOfSequenceId { get; init; }

    /// <summary>Tokens that end a sequence (eos_token_id); may be empty.</summary>
    public ImmutableArray<int> EndOfSequenceIds { get; init; } = [];

    /// <summary>Type in which the weights were saved, where the file says so (dtype, torch_dtype).</summary>
    public ElementType? StoredType { get; init; }

    /// <summary>The families that can be read.</summary>
    public static IReadOnlyList<string> KnownModelTypes => ModelFamily.Names;

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <param name="directoryOrFile">The checkpoint's directory, or the file itself.</param>
    /// <returns>The configuration, checked.</returns>
    /// <exception cref="InvalidDataException">
    /// A value is missing, impossible or not supported; the message names file, key and value.
    /// </exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static ModelConfig Load(string directoryOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(directoryOrFile);
        string path = Directory.Exists(directoryOrFile) ? Path.Combine(directoryOrFile, "config.json") : directoryOrFile;
        return Parse(JsonFile.ReadBytes(path, _maxBytes), path);
    }

    /// <summary>Reads the text of a <c>config.json</c>.</summary>
    /// <param name="utf8Json">The text.</param>
    /// <param name="source">What messages call it.</param>
    /// <returns>The configuration, checked.</returns>
    /// <exception cref="InvalidDataException">
    /// A value is missing, impossible or not supported; the message names source, key and value.
    /// </exception>
    public static ModelConfig Parse(ReadOnlySpan<byte> utf8Json, string source = "config.json")
    {
        ModelConfig config = JsonFile.Parse(
            utf8Json, CheckpointJson.Default.ConfigFile, source, file => new ModelConfigReader(file, source).Read());
        return ModelRules.FirstFault(config) is string fault ? throw new InvalidDataException($"{source}: {fault}") : config;
    }

    /// <summary>Checks a configuration made in memory by the rules that files are checked by.</summary>
    /// <exception cref="ArgumentException">A value is impossible; the message names it by its key in config.json.</exception>
    public void Validate()
    {
        if (ModelRules.FirstFault(this) is string fault)
        {
            throw new ArgumentException(fault);
        }
    }

    /// <summary>The sliding window of a layer.</summary>
    /// <param name="layer">Index of the layer, from 0.</param>
    /// <returns>How many keys a query sees, its own included; null if it sees all.</returns>
    public int? WindowOf(int layer) => LayerWindows.IsDefaultOrEmpty ? null : LayerWindows[layer];
}
