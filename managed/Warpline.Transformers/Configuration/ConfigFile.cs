using System.Text.Json;
using System.Text.Json.Serialization;

namespace Warpline.Transformers;

/// <summary>The keys of <c>config.json</c> that are used, as they stand in the file; unknown keys are ignored.</summary>
internal sealed class ConfigFile
{
    [JsonPropertyName("model_type")]
    public JsonElement ModelType { get; init; }

    [JsonPropertyName("hidden_size")]
    public JsonElement HiddenSize { get; init; }

    [JsonPropertyName("intermediate_size")]
    public JsonElement IntermediateSize { get; init; }

    [JsonPropertyName("num_hidden_layers")]
    public JsonElement NumHiddenLayers { get; init; }

    [JsonPropertyName("num_attention_heads")]
    public JsonElement NumAttentionHeads { get; init; }

    [JsonPropertyName("num_key_value_heads")]
    public JsonElement NumKeyValueHeads { get; init; }

    [JsonPropertyName("head_dim")]
    public JsonElement HeadDim { get; init; }

    [JsonPropertyName("vocab_size")]
    public JsonElement VocabSize { get; init; }

    [JsonPropertyName("max_position_embeddings")]
    public JsonElement MaxPositionEmbeddings { get; init; }

    [JsonPropertyName("original_max_position_embeddings")]
    public JsonElement OriginalMaxPositionEmbeddings { get; init; }

    [JsonPropertyName("rms_norm_eps")]
    public JsonElement RmsNormEps { get; init; }

    [JsonPropertyName("hidden_act")]
    public JsonElement HiddenAct { get; init; }

    [JsonPropertyName("attention_bias")]
    public JsonElement AttentionBias { get; init; }

    [JsonPropertyName("mlp_bias")]
    public JsonElement MlpBias { get; init; }

    [JsonPropertyName("tie_word_embeddings")]
    public JsonElement TieWordEmbeddings { get; init; }

    [JsonPropertyName("rope_theta")]
    public JsonElement RopeTheta { get; init; }

    [JsonPropertyName("rope_scaling")]
    public JsonElement RopeScaling { get; init; }

    [JsonPropertyName("rope_parameters")]
    public JsonElement RopeParameters { get; init; }

    [JsonPropertyName("partial_rotary_factor")]
    public JsonElement PartialRotaryFactor { get; init; }

    [JsonPropertyName("sliding_window")]
    public JsonElement SlidingWindow { get; init; }

    [JsonPropertyName("use_sliding_window")]
    public JsonElement UseSlidingWindow { get; init; }

    [JsonPropertyName("max_window_layers")]
    public JsonElement MaxWindowLayers { get; init; }

    [JsonPropertyName("layer_types")]
    public JsonElement LayerTypes { get; init; }

    [JsonPropertyName("bos_token_id")]
    public JsonElement BosTokenId { get; init; }

    [JsonPropertyName("eos_token_id")]
    public JsonElement EosTokenId { get; init; }

    [JsonPropertyName("dtype")]
    public JsonElement Dtype { get; init; }

    [JsonPropertyName("torch_dtype")]
    public JsonElement TorchDtype { get; init; }

    [JsonPropertyName("quantization_config")]
    public JsonElement QuantizationConfig { get; init; }
}

/// <summary>The keys under <c>rope_scaling</c> or <c>rope_parameters</c>.</summary>
internal sealed class RopeFile
{
    [JsonPropertyName("rope_type")]
    public JsonElement RopeType { get; init; }

    /// <summary>The older spelling of rope_type.</summary>
    [JsonPropertyName("type")]
    public JsonElement Type { get; init; }

    [JsonPropertyName("rope_theta")]
    public JsonElement RopeTheta { get; init; }

    [JsonPropertyName("partial_rotary_factor")]
    public JsonElement PartialRotaryFactor { get; init; }

    [JsonPropertyName("factor")]
    public JsonElement Factor { get; init; }

    [JsonPropertyName("low_freq_factor")]
    public JsonElement LowFreqFactor { get; init; }

    [JsonPropertyName("high_freq_factor")]
    public JsonElement HighFreqFactor { get; init; }

    [JsonPropertyName("original_max_position_embeddings")]
    public JsonElement OriginalMaxPositionEmbeddings { get; init; }

    [JsonPropertyName("beta_fast")]
    public JsonElement BetaFast { get; init; }

    [JsonPropertyName("beta_slow")]
    public JsonElement BetaSlow { get; init; }

    [JsonPropertyName("attention_factor")]
    public JsonElement AttentionFactor { get; init; }

    [JsonPropertyName("mscale")]
    public JsonElement Mscale { get; init; }

    [JsonPropertyName("mscale_all_dim")]
    public JsonElement MscaleAllDim { get; init; }

    [JsonPropertyName("truncate")]
    public JsonElement Truncate { get; init; }

    /// <summary>RoPE by layer type, which no family here has.</summary>
    [JsonPropertyName("full_attention")]
    public JsonElement FullAttention { get; init; }

    /// <summary>RoPE by layer type, which no family here has.</summary>
    [JsonPropertyName("sliding_attention")]
    public JsonElement SlidingAttention { get; init; }
}

/// <summary>The keys of <c>generation_config.json</c> that are used.</summary>
internal sealed class GenerationConfigFile
{
    [JsonPropertyName("do_sample")]
    public JsonElement DoSample { get; init; }

    [JsonPropertyName("temperature")]
    public JsonElement Temperature { get; init; }

    [JsonPropertyName("top_k")]
    public JsonElement TopK { get; init; }

    [JsonPropertyName("top_p")]
    public JsonElement TopP { get; init; }

    [JsonPropertyName("min_p")]
    public JsonElement MinP { get; init; }

    [JsonPropertyName("repetition_penalty")]
    public JsonElement RepetitionPenalty { get; init; }

    [JsonPropertyName("max_new_tokens")]
    public JsonElement MaxNewTokens { get; init; }

    [JsonPropertyName("bos_token_id")]
    public JsonElement BosTokenId { get; init; }

    [JsonPropertyName("eos_token_id")]
    public JsonElement EosTokenId { get; init; }
}
