using System.Globalization;

namespace Warpline.Transformers;

/// <summary>
/// What a configuration must fulfil, whether it comes from a file or from a program. The caps keep every product of two
/// of them within 64 bits and far above any model there is.
/// </summary>
internal static class ModelRules
{
    public const int MaxLayers = 1 << 14;
    public const int MaxWidth = 1 << 20;
    public const int MaxInner = 1 << 24;
    public const int MaxHeads = 1 << 14;
    public const int MaxVocabulary = 1 << 26;

    private const int _maxHeadDimension = 1 << 14;
    private const double _maxNumber = 1e12;

    /// <summary>The first fault as "key = value; requirement is required.", or null if there is none.</summary>
    public static string? FirstFault(ModelConfig config) => Faults(config).FirstOrDefault(fault => fault is not null);

    private static IEnumerable<string?> Faults(ModelConfig config)
    {
        yield return ModelFamily.Find(config.ModelType) is null ? UnknownType(config.ModelType) : null;
        yield return Size("hidden_size", config.HiddenSize, MaxWidth);
        yield return Size("intermediate_size", config.IntermediateSize, MaxInner);
        yield return Size("num_hidden_layers", config.LayerCount, MaxLayers);
        yield return Size("num_attention_heads", config.HeadCount, MaxHeads);
        yield return Size("num_key_value_heads", config.KeyValueHeadCount, config.HeadCount);
        yield return Fault(
            config.HeadCount % config.KeyValueHeadCount == 0,
            "num_key_value_heads", config.KeyValueHeadCount, $"a divisor of num_attention_heads ({config.HeadCount})");
        yield return Size("head_dim", config.HeadDimension, _maxHeadDimension);
        yield return Size("vocab_size", config.VocabularySize, MaxVocabulary);
        yield return Size("max_position_embeddings", config.MaxPositions, int.MaxValue);
        yield return Fault(config.NormEpsilon is > 0 and < 1, "rms_norm_eps", config.NormEpsilon, "a number between 0 and 1");
        yield return Fault(Enum.IsDefined(config.Activation), "hidden_act", (int)config.Activation, "a known activation");
        yield return Fault(
            config.BeginOfSequenceId is null or >= 0, "bos_token_id", config.BeginOfSequenceId ?? 0, "a token id from 0 on");
        foreach (int id in config.EndOfSequenceIds.IsDefault ? [] : config.EndOfSequenceIds)
        {
            yield return Fault(id >= 0, "eos_token_id", id, "token ids from 0 on");
        }

        foreach (string? fault in WindowFaults(config).Concat(RopeFaults(config.Rope, config.HeadDimension)))
        {
            yield return fault;
        }
    }

    public static string UnknownType(string modelType) => EncoderFamily.Find(modelType) is null
        ? $"model_type = \"{modelType}\"; one of {string.Join(", ", ModelFamily.Names)} is required."
        : $"model_type = \"{modelType}\" is an encoder; a decoder is required, one of {string.Join(", ", ModelFamily.Names)}. "
            + $"{nameof(EncoderModel)} and {nameof(SentenceEncoder)} load encoders.";

    private static IEnumerable<string?> WindowFaults(ModelConfig config)
    {
        if (config.LayerWindows.IsDefaultOrEmpty)
        {
            yield break;
        }

        yield return Fault(
            config.LayerWindows.Length == config.LayerCount,
            "layer_types", config.LayerWindows.Length, $"an entry for each of the {config.LayerCount} layers");
        foreach (int? window in config.LayerWindows)
        {
            yield return window is int size ? Size("sliding_window", size, int.MaxValue) : null;
        }
    }

    private static IEnumerable<string?> RopeFaults(RopeConfig rope, int headDimension)
    {
        yield return Fault(rope.Theta is > 1 and <= _maxNumber, "rope_theta", rope.Theta, $"a number above 1, at most {_maxNumber}");
        yield return Fault(headDimension % 2 == 0, "head_dim", headDimension, "an even number");
        yield return Fault(Enum.IsDefined(rope.Kind), "rope_type", (int)rope.Kind, "a known kind");
        if (rope.Kind == RopeKind.None)
        {
            yield break;
        }

        yield return Fault(rope.Factor is >= 1 and <= _maxNumber, "factor", rope.Factor, $"a number from 1 to {_maxNumber}");
        if (rope.Kind == RopeKind.Linear)
        {
            yield break;
        }

        yield return Size("original_max_position_embeddings", rope.OriginalMaxPositions, int.MaxValue);
        if (rope.Kind == RopeKind.Llama3)
        {
            yield return Positive("low_freq_factor", rope.LowFrequencyFactor);
            yield return Positive("high_freq_factor", rope.HighFrequencyFactor);
            yield return Fault(
                rope.HighFrequencyFactor > rope.LowFrequencyFactor,
                "high_freq_factor", rope.HighFrequencyFactor, Text($"more than low_freq_factor ({rope.LowFrequencyFactor})"));
        }
        else
        {
            yield return Positive("beta_fast", rope.BetaFast);
            yield return Positive("beta_slow", rope.BetaSlow);
            yield return Fault(
                rope.BetaFast > rope.BetaSlow, "beta_fast", rope.BetaFast, Text($"more than beta_slow ({rope.BetaSlow})"));
            yield return Positive("attention_factor", rope.AttentionFactor);
        }
    }

    public static string? Size(string key, int value, int max) =>
        Fault(value >= 1 && value <= max, key, value, $"an integer from 1 to {max}");

    private static string? Positive(string key, double value) =>
        Fault(value is > 0 and <= _maxNumber, key, value, Text($"a number above 0, at most {_maxNumber}"));

    public static string? Fault(bool holds, string key, double value, string requirement) =>
        holds ? null : Text($"{key} = {value}; {requirement} is required.");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
