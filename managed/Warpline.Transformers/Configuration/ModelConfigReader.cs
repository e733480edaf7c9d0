using System.Collections.Immutable;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Turns the keys of a config.json into a <see cref="ModelConfig"/>, with the family's defaults.</summary>
internal sealed class ModelConfigReader(ConfigFile file, string source)
{
    private const string _fullAttention = "full_attention";
    private const string _slidingAttention = "sliding_attention";
    private const int _defaultWindow = 4096;
    private const int _defaultMaxWindowLayers = 28;

    public ModelConfig Read()
    {
        ConfigValue typeKey = Value("model_type", file.ModelType);
        string modelType = typeKey.Text() ?? throw typeKey.Missing("a string");
        ModelFamily family = ModelFamily.Find(modelType)
            ?? throw new InvalidDataException($"{source}: {ModelRules.UnknownType(modelType)}");
        ConfigValue quantization = Value("quantization_config", file.QuantizationConfig);
        if (!quantization.IsNull)
        {
            throw quantization.Wrong("a checkpoint without quantisation");
        }

        int layers = Required("num_hidden_layers", file.NumHiddenLayers);
        int heads = Required("num_attention_heads", file.NumAttentionHeads);
        int maxPositions = Value("max_position_embeddings", file.MaxPositionEmbeddings).Integer() ?? family.MaxPositions;
        ConfigValue bos = Value("bos_token_id", file.BosTokenId);
        ConfigValue eos = Value("eos_token_id", file.EosTokenId);
        return new ModelConfig
        {
            ModelType = modelType,
            HiddenSize = Required("hidden_size", file.HiddenSize),
            IntermediateSize = Required("intermediate_size", file.IntermediateSize),
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = KeyValueHeads(family, heads),
            HeadDimension = HeadDimension(family, heads),
            VocabularySize = Required("vocab_size", file.VocabSize),
            MaxPositions = maxPositions,
            NormEpsilon = Value("rms_norm_eps", file.RmsNormEps).Number() ?? 1e-6,
            Activation = Activation(),
            AttentionBias = family.HasAttentionBiasKey && (Value("attention_bias", file.AttentionBias).Flag() ?? false),
            MlpBias = family.HasMlpBiasKey && (Value("mlp_bias", file.MlpBias).Flag() ?? false),
            TieWordEmbeddings = Value("tie_word_embeddings", file.TieWordEmbeddings).Flag() ?? false,
            Rope = new RopeConfigReader(file, source).Read(maxPositions),
            LayerWindows = Windows(family, layers),
            BeginOfSequenceId = bos.IsPresent ? bos.Integer() : family.BeginOfSequenceId,
            EndOfSequenceIds = eos.IsPresent ? [.. eos.TokenIds()] : family.EndOfSequenceId is int id ? [id] : [],
            StoredType = StoredType(),
        };
    }

    private ConfigValue Value(string key, JsonElement element) => new(source, key, element);

    private int Required(string key, JsonElement element)
    {
        ConfigValue value = Value(key, element);
        return value.Integer() ?? throw value.Missing("an integer above 0");
    }

    private int KeyValueHeads(ModelFamily family, int heads)
    {
        ConfigValue value = Value("num_key_value_heads", file.NumKeyValueHeads);
        return value.Integer() ?? (value.IsPresent ? heads : family.KeyValueHeadCount ?? heads);
    }

    private int HeadDimension(ModelFamily family, int heads)
    {
        ConfigValue value = Value("head_dim", file.HeadDim);
        if ((value.Integer() ?? family.HeadDimension) is int given)
        {
            return given;
        }

        int hidden = Required("hidden_size", file.HiddenSize);
        return heads > 0 && hidden % heads == 0
            ? hidden / heads
            : throw Value("hidden_size", file.HiddenSize).Wrong($"a multiple of num_attention_heads ({heads}), or head_dim,");
    }

    private HiddenActivation Activation()
    {
        ConfigValue value = Value("hidden_act", file.HiddenAct);
        return value.Text() switch
        {
            null or "silu" or "swish" => HiddenActivation.Silu,
            "gelu" => HiddenActivation.Gelu,
            "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" => HiddenActivation.GeluTanh,
            "relu" => HiddenActivation.Relu,
            _ => throw value.Wrong("one of silu, swish, gelu, gelu_pytorch_tanh, gelu_new, gelu_fast, relu"),
        };
    }

    private ElementType? StoredType()
    {
        ConfigValue value = Value("dtype", file.Dtype);
        value = value.IsNull ? Value("torch_dtype", file.TorchDtype) : value;
        return value.Text() switch
        {
            "float32" or "torch.float32" => ElementType.Float32,
            "float16" or "torch.float16" => ElementType.Float16,
            "bfloat16" or "torch.bfloat16" => ElementType.BFloat16,

            // Absent, "auto" and the like: what counts is how each weight is stored.
            _ => null,
        };
    }

    private ImmutableArray<int?> Windows(ModelFamily family, int layers)
    {
        if (family.Window == ModelFamily.WindowRule.None || layers is <= 0 or > ModelRules.MaxLayers)
        {
            // The rules complain of the number of layers afterwards; no list of that length is made before.
            return [];
        }

        ConfigValue windowKey = Value("sliding_window", file.SlidingWindow);
        int? window = windowKey.Integer() ?? (windowKey.IsPresent ? null : _defaultWindow);
        bool everyLayer = family.Window == ModelFamily.WindowRule.AllLayers;
        if (!everyLayer && !(Value("use_sliding_window", file.UseSlidingWindow).Flag() ?? false))
        {
            window = null;
        }

        int firstWindowed = everyLayer ? 0 : Value("max_window_layers", file.MaxWindowLayers).Integer() ?? _defaultMaxWindowLayers;
        ConfigValue typesKey = Value("layer_types", file.LayerTypes);
        // The family slides everywhere or nowhere; transformers passes over a list that says otherwise.
        string[]? types = everyLayer ? null : typesKey.Texts();
        if (types is null)
        {
            return window is null
                ? []
                : [.. Enumerable.Range(0, layers).Select(layer => layer >= firstWindowed ? window : null)];
        }

        return WindowsByType(typesKey, types, window);
    }

    private static ImmutableArray<int?> WindowsByType(ConfigValue key, string[] types, int? window)
    {
        if (types.Any(type => type is not (_fullAttention or _slidingAttention)))
        {
            throw key.Wrong($"{_fullAttention} or {_slidingAttention} for each layer");
        }

        bool anySliding = types.Contains(_slidingAttention);
        if (anySliding && window is null)
        {
            throw key.Wrong($"a sliding_window (and use_sliding_window) for the layers with {_slidingAttention}");
        }

        return [.. types.Select(type => type == _slidingAttention ? window : null)];
    }
}
