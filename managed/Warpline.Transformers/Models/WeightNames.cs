using System.Globalization;

namespace Warpline.Transformers;

/// <summary>
/// Names of the weights in a checkpoint, as templates in which {i} stands for the layer. The defaults are those of Llama
/// and its descendants; a linear layer X has the tensors X.weight and, where the architecture has it, X.bias.
/// </summary>
internal sealed record WeightNames
{
    public string Embedding { get; init; } = "model.embed_tokens.weight";

    public string FinalNorm { get; init; } = "model.norm.weight";

    public string OutputHead { get; init; } = "lm_head";

    public string InputNorm { get; init; } = "model.layers.{i}.input_layernorm.weight";

    public string Query { get; init; } = "model.layers.{i}.self_attn.q_proj";

    public string Key { get; init; } = "model.layers.{i}.self_attn.k_proj";

    public string Value { get; init; } = "model.layers.{i}.self_attn.v_proj";

    public string QueryNorm { get; init; } = "model.layers.{i}.self_attn.q_norm.weight";

    public string KeyNorm { get; init; } = "model.layers.{i}.self_attn.k_norm.weight";

    public string AttentionOutput { get; init; } = "model.layers.{i}.self_attn.o_proj";

    public string MlpNorm { get; init; } = "model.layers.{i}.post_attention_layernorm.weight";

    public string Gate { get; init; } = "model.layers.{i}.mlp.gate_proj";

    public string Up { get; init; } = "model.layers.{i}.mlp.up_proj";

    public string Down { get; init; } = "model.layers.{i}.mlp.down_proj";

    /// <summary>The name of a layer's weight.</summary>
    public static string Of(string template, int layer) =>
        template.Replace("{i}", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
