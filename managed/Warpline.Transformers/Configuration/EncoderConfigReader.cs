using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Turns the keys of a config.json into an <see cref="EncoderConfig"/>, with the family's defaults.</summary>
internal sealed class EncoderConfigReader(Dictionary<string, JsonElement> keys, string source)
{
    private const int _defaultPositions = 512;
    private const double _defaultEpsilon = 1e-12;

    public EncoderConfig Read()
    {
        ConfigValue typeKey = Value("model_type");
        string modelType = typeKey.Text() ?? throw typeKey.Missing("a string");
        EncoderFamily family = EncoderFamily.Find(modelType)
            ?? throw new InvalidDataException($"{source}: {EncoderFamily.UnknownType(modelType)}");
        RefuseVariants();
        int hidden = Required(family.HiddenKey), layers = Required(family.LayersKey);
        return new EncoderConfig
        {
            ModelType = modelType,
            HiddenSize = hidden,
            EmbeddingSize = family.EmbeddingSize is int size ? Value("embedding_size").Integer() ?? size : hidden,
            IntermediateSize = Required(family.IntermediateKey),
            LayerCount = layers,
            DistinctLayerCount = family.SharesLayers ? Value("num_hidden_groups").Integer() ?? 1 : layers,
            HeadCount = Required(family.HeadsKey),
            VocabularySize = Required("vocab_size"),
            PositionCount = Value("max_position_embeddings").Integer() ?? _defaultPositions,
            TypeVocabularySize = family.HasTypeVocabularyKey
                ? Value("type_vocab_size").Integer() ?? family.TypeVocabularySize
                : family.TypeVocabularySize,
            NormEpsilon = (family.HasNormEpsilonKey ? Value("layer_norm_eps").Number() : null) ?? _defaultEpsilon,
            Activation = Activation(family),
            PadTokenId = Value("pad_token_id").Integer() ?? family.PadTokenId,
        };
    }

    private ConfigValue Value(string key) => new(source, key, keys.GetValueOrDefault(key));

    private int Required(string key)
    {
        ConfigValue value = Value(key);
        return value.Integer() ?? throw value.Missing("an integer above 0");
    }

    // What changes the computation in a way that is not served.
    private void RefuseVariants()
    {
        ConfigValue quantization = Value("quantization_config"), positions = Value("position_embedding_type");
        if (!quantization.IsNull)
        {
            throw quantization.Wrong("a checkpoint without quantisation");
        }

        if (positions.Text() is not (null or "absolute"))
        {
            throw positions.Wrong("absolute");
        }

        if (Value("is_decoder").Flag() == true)
        {
            throw Value("is_decoder").Wrong("false");
        }

        if (Value("inner_group_num").Integer() is not (null or 1))
        {
            throw Value("inner_group_num").Wrong("1");
        }
    }

    private HiddenActivation Activation(EncoderFamily family)
    {
        ConfigValue value = Value(family.ActivationKey);
        return value.Text() switch
        {
            null => family.Activation,
            "gelu" or "gelu_python" => HiddenActivation.Gelu,
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => HiddenActivation.GeluTanh,
            "relu" => HiddenActivation.Relu,
            "silu" or "swish" => HiddenActivation.Silu,
            _ => throw value.Wrong("one of gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu, swish"),
        };
    }
}
