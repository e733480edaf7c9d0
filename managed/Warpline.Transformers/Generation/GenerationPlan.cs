namespace Warpline.Transformers;

/// <summary>Checked options with the checkpoint's defaults filled in.</summary>
internal sealed class GenerationPlan
{
    public required int? MaxOutputTokens { get; init; }

    /// <summary>The native op's settings; seed and position are set for each step.</summary>
    public required SamplingSettings Settings { get; init; }

    public required bool UsesHistory { get; init; }

    public required IReadOnlyList<string> StopSequences { get; init; }

    public required IReadOnlySet<int> EndIds { get; init; }

    public required int TopLogProbabilities { get; init; }

    public required ILogitsProcessor? LogitsProcessor { get; init; }

    /// <summary>Fills in and checks.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint's own settings cannot be used.</exception>
    public static GenerationPlan Create(GenerationOptions options, TransformerModel model)
    {
        GenerationDefaults defaults = model.RequireGenerationDefaults();
        Check(nameof(options.MaxOutputTokens), options.MaxOutputTokens, value => value >= 1, "at least 1");
        Check(
            nameof(options.Temperature), options.Temperature, value => value >= 0 && float.IsFinite(value),
            "a finite number from 0 on");
        Check(nameof(options.TopK), options.TopK, value => value >= 0, "at least 0");
        Check(nameof(options.TopP), options.TopP, value => value is > 0 and <= 1, "in (0, 1]");
        Check(nameof(options.MinP), options.MinP, value => value is >= 0 and <= 1, "in [0, 1]");
        Check(
            nameof(options.RepetitionPenalty), options.RepetitionPenalty, value => value > 0 && float.IsFinite(value),
            "a finite number above 0");
        Check(nameof(options.FrequencyPenalty), options.FrequencyPenalty, float.IsFinite, "a finite number");
        Check(nameof(options.PresencePenalty), options.PresencePenalty, float.IsFinite, "a finite number");
        int vocabulary = model.Config.VocabularySize;
        Check<int>(
            nameof(options.TopLogProbabilities), options.TopLogProbabilities, value => value >= 0 && value <= vocabulary,
            $"in [0, {vocabulary}]");
        CheckStops(options, model);

        bool narrowed = options.TopK is not null || options.TopP is not null || options.MinP is not null;
        bool sampling = options.Temperature is float given ? given > 0 : defaults.DoSample || narrowed;

        // The checkpoint's sampling values belong to its do_sample; its repetition penalty holds in either case.
        GenerationDefaults sampled = defaults.DoSample ? defaults : new GenerationDefaults();
        float repetition = options.RepetitionPenalty ?? (float)(defaults.RepetitionPenalty ?? 1);
        float frequency = options.FrequencyPenalty ?? 0, presence = options.PresencePenalty ?? 0;
        return new GenerationPlan
        {
            MaxOutputTokens = options.MaxOutputTokens ?? defaults.MaxNewTokens,
            Settings = new SamplingSettings
            {
                Greedy = !sampling,
                Temperature = sampling ? options.Temperature ?? (float)(sampled.Temperature ?? 1) : 1,
                TopK = options.TopK ?? sampled.TopK ?? 0,
                TopP = options.TopP ?? (float)(sampled.TopP ?? 1),
                MinP = options.MinP ?? (float)(sampled.MinP ?? 0),
                RepetitionPenalty = repetition,
                FrequencyPenalty = frequency,
                PresencePenalty = presence,
                Seed = unchecked((ulong)(options.Seed ?? Random.Shared.NextInt64())),
            },
            UsesHistory = repetition != 1 || frequency != 0 || presence != 0,
            StopSequences = options.StopSequences,
            EndIds = options.IgnoreEndOfSequence ? new HashSet<int>() : EndIdsOf(model),
            TopLogProbabilities = options.TopLogProbabilities,
            LogitsProcessor = options.LogitsProcessor,
        };
    }

    private static HashSet<int> EndIdsOf(TransformerModel model) =>
    [
        .. model.GenerationDefaults.EndOfSequenceIds.IsDefaultOrEmpty
            ? model.Config.EndOfSequenceIds
            : model.GenerationDefaults.EndOfSequenceIds,
    ];

    private static void CheckStops(GenerationOptions options, TransformerModel model)
    {
        IReadOnlyList<string> stops = options.StopSequences
            ?? throw new ArgumentException("StopSequences is null; an empty list means none.", nameof(options));
        if (stops.Count != 0 && model.Tokenizer is null)
        {
            throw new ArgumentException("Stop sequences need the text, and this model has no tokenizer.", nameof(options));
        }

        for (int i = 0; i < stops.Count; i++)
        {
            if (string.IsNullOrEmpty(stops[i]))
            {
                throw new ArgumentException($"StopSequences[{i}] is empty; a text is required.", nameof(options));
            }
        }
    }

    private static void Check<T>(string name, T? value, Func<T, bool> holds, string requirement)
        where T : struct
    {
        if (value is T given && !holds(given))
        {
            throw new ArgumentOutOfRangeException("options." + name, given, $"{name} must be {requirement}.");
        }
    }
}
