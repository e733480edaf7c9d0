using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>
/// Reads RoPE from the old keys (rope_theta and rope_scaling, with "type" or "rope_type") or the new one
/// (rope_parameters), in the order of precedence that transformers has.
/// </summary>
internal sealed class RopeConfigReader
{
    private const double _defaultTheta = 10_000;

    private readonly ConfigFile _file;
    private readonly RopeFile _rope;
    private readonly string _source;
    private readonly string _parent;

    public RopeConfigReader(ConfigFile file, string source)
    {
        _file = file;
        _source = source;
        bool old = !IsEmpty(file.RopeScaling);
        _parent = old ? "rope_scaling" : "rope_parameters";
        JsonElement element = old ? file.RopeScaling : file.RopeParameters;
        if (IsEmpty(element))
        {
            _rope = new RopeFile();
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            _rope = element.Deserialize(CheckpointJson.Default.RopeFile)!;
        }
        else
        {
            throw new ConfigValue(source, _parent, element).Wrong("an object");
        }
    }

    public RopeConfig Read(int maxPositions)
    {
        JsonElement byLayer = _rope.FullAttention.ValueKind != JsonValueKind.Undefined ? _rope.FullAttention : _rope.SlidingAttention;
        ConfigValue nested = Value("full_attention or sliding_attention", byLayer);
        if (nested.IsPresent)
        {
            throw nested.Wrong("one RoPE for all layers");
        }

        RopeConfig common = new()
        {
            Kind = Kind(),
            Theta = Value("rope_theta", _rope.RopeTheta).Number()
                ?? new ConfigValue(_source, "rope_theta", _file.RopeTheta).Number() ?? _defaultTheta,
        };
        RequireWholeHeads(common.Kind);
        return common.Kind switch
        {
            RopeKind.Linear => common with { Factor = Required("factor", _rope.Factor) },
            RopeKind.Llama3 => common with
            {
                Factor = Required("factor", _rope.Factor),
                LowFrequencyFactor = Required("low_freq_factor", _rope.LowFreqFactor),
                HighFrequencyFactor = Required("high_freq_factor", _rope.HighFreqFactor),
                OriginalMaxPositions = OriginalMaxPositions(maxPositions),
            },
            RopeKind.Yarn => Yarn(common, maxPositions),
            _ => common,
        };
    }

    // Python's truth: null and {} both count as not given.
    private static bool IsEmpty(JsonElement element) =>
        element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null
        || (element.ValueKind == JsonValueKind.Object && element.GetPropertyCount() == 0);

    private ConfigValue Value(string key, JsonElement element) => new(_source, $"{_parent}.{key}", element);

    private double Required(string key, JsonElement element)
    {
        ConfigValue value = Value(key, element);
        return value.Number() ?? throw value.Missing("a number");
    }

    private RopeKind Kind()
    {
        ConfigValue value = Value("rope_type", _rope.RopeType);
        value = value.IsNull ? Value("type", _rope.Type) : value;
        return value.Text() switch
        {
            // Dynamic NTK changes the base only from max_position_embeddings on, and no session gets there.
            null or "default" or "dynamic" => RopeKind.None,
            "linear" => RopeKind.Linear,
            "llama3" => RopeKind.Llama3,
            "yarn" => RopeKind.Yarn,
            _ => throw value.Wrong("one of default, dynamic, linear, llama3, yarn"),
        };
    }

    // These families rotate whole heads: transformers passes the key over, but where RoPE is scaled it fails.
    private void RequireWholeHeads(RopeKind kind)
    {
        ConfigValue inner = Value("partial_rotary_factor", _rope.PartialRotaryFactor);
        ConfigValue factor = inner.IsNull ? new ConfigValue(_source, "partial_rotary_factor", _file.PartialRotaryFactor) : inner;
        if (kind != RopeKind.None && factor.Number() is not (null or 1))
        {
            throw factor.Wrong("1");
        }
    }

    private int OriginalMaxPositions(int maxPositions) =>
        new ConfigValue(_source, "original_max_position_embeddings", _file.OriginalMaxPositionEmbeddings).Integer()
        ?? Value("original_max_position_embeddings", _rope.OriginalMaxPositionEmbeddings).Integer()
        ?? maxPositions;

    private RopeConfig Yarn(RopeConfig common, int maxPositions)
    {
        ConfigValue truncate = Value("truncate", _rope.Truncate);
        int original = OriginalMaxPositions(maxPositions);
        ConfigValue factorKey = Value("factor", _rope.Factor);
        double factor = factorKey.Number()
            ?? (factorKey.IsPresent && original > 0 ? (double)maxPositions / original : throw factorKey.Missing("a number"));
        return common with
        {
            Factor = factor,
            OriginalMaxPositions = original,
            BetaFast = NonZero("beta_fast", _rope.BetaFast) ?? common.BetaFast,
            BetaSlow = NonZero("beta_slow", _rope.BetaSlow) ?? common.BetaSlow,
            Truncate = truncate.Flag() ?? !truncate.IsPresent,
            AttentionFactor = Value("attention_factor", _rope.AttentionFactor).Number() ?? YarnAttentionFactor(factor),
        };
    }

    private double YarnAttentionFactor(double factor)
    {
        double? mscale = NonZero("mscale", _rope.Mscale);
        double? allDimensions = NonZero("mscale_all_dim", _rope.MscaleAllDim);
        return mscale is double scale && allDimensions is double all
            ? Magnitude(factor, scale) / Magnitude(factor, all)
            : Magnitude(factor, 1);
    }

    private static double Magnitude(double factor, double mscale) => factor <= 1 ? 1 : (0.1 * mscale * Math.Log(factor)) + 1;

    // Python's truth again: a zero counts as not given.
    private double? NonZero(string key, JsonElement element) => Value(key, element).Number() is double value and not 0 ? value : null;
}
