using System.Text;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>What each family declares.</summary>
public sealed class ArchitectureTests
{
    private const string Sizes = """
        "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_hidden_layers": 3, "vocab_size": 160
        """;

    [TestCase("llama", "", false, false, false, false)]
    [TestCase("llama", ", \"attention_bias\": true", true, true, false, false)]
    [TestCase("llama", ", \"mlp_bias\": true", false, false, true, false)]
    [TestCase("mistral", ", \"attention_bias\": true, \"num_key_value_heads\": 2", false, false, false, false)]
    [TestCase("qwen2", ", \"num_key_value_heads\": 2", true, false, false, false)]
    [TestCase("qwen3", ", \"num_key_value_heads\": 2", false, false, false, true)]
    [TestCase("qwen3", ", \"num_key_value_heads\": 2, \"attention_bias\": true", true, true, false, true)]
    public void Biases_and_norms_follow_the_family(
        string family, string keys, bool queryKeyValue, bool output, bool mlp, bool norms)
    {
        ArchitectureSpec spec = Describe(family, keys);
        Assert.That(
            (spec.QueryKeyValueBias, spec.AttentionOutputBias, spec.MlpBias, spec.QueryKeyNorm),
            Is.EqualTo((queryKeyValue, output, mlp, norms)));
    }

    [TestCase("llama", ", \"sliding_window\": 8", new[] { 0, 0, 0 })]
    [TestCase("mistral", ", \"sliding_window\": 8", new[] { 8, 8, 8 })]
    [TestCase("mistral", ", \"sliding_window\": null", new[] { 0, 0, 0 })]
    [TestCase("qwen2", ", \"sliding_window\": 8", new[] { 0, 0, 0 })]
    [TestCase("qwen2", ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1", new[] { 0, 8, 8 })]
    [TestCase("qwen3", ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 3", new[] { 0, 0, 0 })]
    public void Windows_follow_the_configuration(string family, string keys, int[] windows) => Assert.That(
        Describe(family, keys + ", \"num_key_value_heads\": 2").Windows.Select(window => window ?? 0), Is.EqualTo(windows));

    [TestCase("silu", Activation.Silu)]
    [TestCase("gelu", Activation.Gelu)]
    [TestCase("gelu_pytorch_tanh", Activation.GeluTanh)]
    [TestCase("relu", Activation.Relu)]
    public void Activations_have_their_op(string name, Activation expected) =>
        Assert.That(Describe("llama", $", \"hidden_act\": \"{name}\"").Activation, Is.EqualTo(expected));

    [Test]
    public void Names_put_the_layer_in() =>
        Assert.That(WeightNames.Of(new WeightNames().KeyNorm, 12), Is.EqualTo("model.layers.12.self_attn.k_norm.weight"));

    private static ArchitectureSpec Describe(string family, string keys) => Architectures.Describe(
        ModelConfig.Parse(Encoding.UTF8.GetBytes($"{{\"model_type\": \"{family}\", {Sizes}{keys}}}")));
}
