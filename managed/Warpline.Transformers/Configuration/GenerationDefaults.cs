using System.Collections.Immutable;

namespace Warpline.Transformers;

/// <summary>
/// What <c>generation_config.json</c> recommends. A null means that the file is silent (or that there is none);
/// sampling values count only where <see cref="DoSample"/> is true. Immutable.
/// </summary>
public sealed record GenerationDefaults
{
    private const long _maxBytes = 16 << 20;

    /// <summary>Whether to sample; else greedy (do_sample). A temperature of 0 means greedy too.</summary>
    public bool DoSample { get; init; }

    /// <summary>Temperature, above 0 (temperature).</summary>
    public double? Temperature { get; init; }

    /// <summary>Only the k likeliest tokens; 0 for all (top_k).</summary>
    public int? TopK { get; init; }

    /// <summary>Only the likeliest tokens that together reach this probability (top_p).</summary>
    public double? TopP { get; init; }

    /// <summary>Only tokens of at least this part of the likeliest one's probability (min_p).</summary>
    public double? MinP { get; init; }

    /// <summary>Divides the logits of tokens that have occurred, above 0 (repetition_penalty).</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>How many tokens to generate at most (max_new_tokens).</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Token that begins a sequence (bos_token_id).</summary>
    public int? BeginOfSequenceId { get; init; }

    /// <summary>Tokens that end a sequence (eos_token_id); empty if the file is silent.</summary>
    public ImmutableArray<int> EndOfSequenceIds { get; init; } = [];

    /// <summary>Reads <c>generation_config.json</c> of a checkpoint.</summary>
    /// <param name="directory">The checkpoint's directory.</param>
    /// <returns>The file's values; the defaults of this type where there is no file.</returns>
    /// <exception cref="InvalidDataException">A value is impossible; the message names file, key, value and requirement.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static GenerationDefaults Load(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        string path = Path.Combine(directory, "generation_config.json");
        return File.Exists(path) ? Parse(JsonFile.ReadBytes(path, _maxBytes), path) : new GenerationDefaults();
    }

    /// <summary>Reads the text of a <c>generation_config.json</c>.</summary>
    /// <param name="utf8Json">The text.</param>
    /// <param name="source">What messages call it.</param>
    /// <returns>The values, checked.</returns>
    /// <exception cref="InvalidDataException">A value is impossible; the message names source, key, value and requirement.</exception>
    public static GenerationDefaults Parse(ReadOnlySpan<byte> utf8Json, string source = "generation_config.json") =>
        JsonFile.Parse(utf8Json, CheckpointJson.Default.GenerationConfigFile, source, file => Read(file, source));

    private static GenerationDefaults Read(GenerationConfigFile file, string source)
    {
        const double tiny = 1e-6, large = 1e6;
        double? temperature = new ConfigValue(source, "temperature", file.Temperature).Number(0, large);
        return new GenerationDefaults
        {
            DoSample = temperature != 0 && (new ConfigValue(source, "do_sample", file.DoSample).Flag() ?? false),
            Temperature = temperature == 0 ? null : temperature,
            TopK = new ConfigValue(source, "top_k", file.TopK).Integer() is int topK ? Math.Max(topK, 0) : null,
            TopP = new ConfigValue(source, "top_p", file.TopP).Number(tiny, 1),
            MinP = new ConfigValue(source, "min_p", file.MinP).Number(0, 1),
            RepetitionPenalty = new ConfigValue(source, "repetition_penalty", file.RepetitionPenalty).Number(tiny, large),
            MaxNewTokens = new ConfigValue(source, "max_new_tokens", file.MaxNewTokens).Integer(1),
            BeginOfSequenceId = new ConfigValue(source, "bos_token_id", file.BosTokenId).Integer(0),
            EndOfSequenceIds = [.. new ConfigValue(source, "eos_token_id", file.EosTokenId).TokenIds()],
        };
    }
}
