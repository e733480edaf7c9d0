namespace Warpline.Transformers;

/// <summary>
/// How tokens are chosen and when a generation ends. What is null comes from the checkpoint's generation_config.json, its
/// sampling settings only if it says <c>do_sample</c>. A generation samples if <see cref="Temperature"/> is above 0, or if
/// it is null and generation_config.json says do_sample or one of <see cref="TopK"/>, <see cref="TopP"/> and
/// <see cref="MinP"/> is set; otherwise the most probable token is taken. The order is Hugging Face's: processor,
/// penalties, temperature, top-k, top-p, min-p.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>Largest number of tokens to produce, at least 1. Null: generation_config.json's max_new_tokens, else as many
    /// as the session holds.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Logits are divided by it; 0 takes the most probable token.</summary>
    public float? Temperature { get; init; }

    /// <summary>Keeps the k most probable tokens; 0 keeps all.</summary>
    public int? TopK { get; init; }

    /// <summary>Keeps the most probable tokens up to this probability mass, in (0, 1].</summary>
    public float? TopP { get; init; }

    /// <summary>Drops tokens that are less probable than this share of the most probable one, in [0, 1].</summary>
    public float? MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens that occurred, prompt included; 1 is none.</summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time that it occurred, prompt included.</summary>
    public float? FrequencyPenalty { get; init; }

    /// <summary>Subtracted from the logit of a token that occurred, prompt included.</summary>
    public float? PresencePenalty { get; init; }

    /// <summary>Seed of the random numbers: the same seed gives the same tokens. Null draws a seed. Only sampling uses it.</summary>
    public long? Seed { get; init; }

    /// <summary>Texts at which the generation ends; they are not part of the generated text.</summary>
    public IReadOnlyList<string> StopSequences { get; init; } = [];

    /// <summary>How many of the most probable tokens to report with each step.</summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>Goes on past end-of-sequence tokens.</summary>
    public bool IgnoreEndOfSequence { get; init; }

    /// <summary>Changes the logits before a token is chosen.</summary>
    public ILogitsProcessor? LogitsProcessor { get; init; }
}
