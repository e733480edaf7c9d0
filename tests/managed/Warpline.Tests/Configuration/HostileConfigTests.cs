using System.Text;
using NUnit.Framework;
using Warpline.Tests.Weights;
using Warpline.Transformers;

namespace Warpline.Tests.Configuration;

/// <summary>Configurations that no model has: each error names file, key, value and what was required.</summary>
internal sealed class HostileConfigTests
{
    private static void Refuses(string json, string message) =>
        Assert.That(
            () => ModelConfig.Parse(Encoding.UTF8.GetBytes(json), "c.json"),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"c.json: {message}"));

    [TestCase("hidden_size", null, "hidden_size is missing; an integer above 0 is required.")]
    [TestCase("hidden_size", "null", "hidden_size is missing; an integer above 0 is required.")]
    [TestCase("hidden_size", "0", "hidden_size = 0; an integer from 1 to 1048576 is required.")]
    [TestCase("hidden_size", "-64", "hidden_size = -64; an integer from 1 to 1048576 is required.")]
    [TestCase("hidden_size", "2147483647", "hidden_size = 2147483647; a multiple of num_attention_heads (4), or head_dim, is required.")]
    [TestCase("hidden_size", "1048580", "hidden_size = 1048580; an integer from 1 to 1048576 is required.")]
    [TestCase("hidden_size", "64.5", "hidden_size = 64.5; an integer is required.")]
    [TestCase("hidden_size", "1e99", "hidden_size = 1e99; an integer is required.")]
    [TestCase("hidden_size", "\"64\"", "hidden_size = \"64\"; an integer is required.")]
    [TestCase("hidden_size", "66", "hidden_size = 66; a multiple of num_attention_heads (4), or head_dim, is required.")]
    [TestCase("intermediate_size", null, "intermediate_size is missing; an integer above 0 is required.")]
    [TestCase("intermediate_size", "0", "intermediate_size = 0; an integer from 1 to 16777216 is required.")]
    [TestCase("num_hidden_layers", null, "num_hidden_layers is missing; an integer above 0 is required.")]
    [TestCase("num_hidden_layers", "2000000000", "num_hidden_layers = 2000000000; an integer from 1 to 16384 is required.")]
    [TestCase("num_attention_heads", "0", "hidden_size = 64; a multiple of num_attention_heads (0), or head_dim, is required.")]
    [TestCase("num_attention_heads", null, "num_attention_heads is missing; an integer above 0 is required.")]
    [TestCase("num_key_value_heads", "3", "num_key_value_heads = 3; a divisor of num_attention_heads (4) is required.")]
    [TestCase("num_key_value_heads", "8", "num_key_value_heads = 8; an integer from 1 to 4 is required.")]
    [TestCase("num_key_value_heads", "0", "num_key_value_heads = 0; an integer from 1 to 4 is required.")]
    [TestCase("head_dim", "-1", "head_dim = -1; an integer from 1 to 16384 is required.")]
    [TestCase("head_dim", "15", "head_dim = 15; an even number is required.")]
    [TestCase("vocab_size", null, "vocab_size is missing; an integer above 0 is required.")]
    [TestCase("vocab_size", "-1", "vocab_size = -1; an integer from 1 to 67108864 is required.")]
    [TestCase("max_position_embeddings", "0", "max_position_embeddings = 0; an integer from 1 to 2147483647 is required.")]
    [TestCase("rms_norm_eps", "0", "rms_norm_eps = 0; a number between 0 and 1 is required.")]
    [TestCase("rms_norm_eps", "-1e-6", "rms_norm_eps = -1E-06; a number between 0 and 1 is required.")]
    [TestCase("rms_norm_eps", "1e999", "rms_norm_eps = 1e999; a number is required.")]
    [TestCase("rope_theta", "0", "rope_theta = 0; a number above 1, at most 1000000000000 is required.")]
    [TestCase("rope_theta", "\"x\"", "rope_theta = \"x\"; a number is required.")]
    [TestCase("tie_word_embeddings", "1", "tie_word_embeddings = 1; true or false is required.")]
    [TestCase("hidden_act", "\"relu6\"", "hidden_act = \"relu6\"; one of silu, swish, gelu, gelu_pytorch_tanh, gelu_new, gelu_fast, relu is required.")]
    [TestCase("eos_token_id", "-1", "eos_token_id = -1; a token id from 0 on, or an array of them is required.")]
    [TestCase("eos_token_id", "[1,\"2\"]", "eos_token_id = [1,\"2\"]; a token id from 0 on, or an array of them is required.")]
    [TestCase("bos_token_id", "-7", "bos_token_id = -7; a token id from 0 on is required.")]
    [TestCase("quantization_config", "{\"bits\":4}", "quantization_config = {\"bits\":4}; a checkpoint without quantisation is required.")]
    [TestCase("model_type", null, "model_type is missing; a string is required.")]
    [TestCase("model_type", "\"mamba\"", "model_type = \"mamba\"; one of llama, mistral, qwen2, qwen3 is required.")]
    public void AKeyIsNamedWithItsValue(string key, string? value, string message) => Refuses(ModelConfigTests.Json("llama", (key, value)), message);

    [TestCase("""{"rope_type":"longrope"}""", "rope_scaling.rope_type = \"longrope\"; one of default, dynamic, linear, llama3, yarn is required.")]
    [TestCase("""{"type":"linear","factor":2,"partial_rotary_factor":0.5}""", "rope_scaling.partial_rotary_factor = 0.5; 1 is required.")]
    [TestCase("""{"type":"linear"}""", "rope_scaling.factor is missing; a number is required.")]
    [TestCase("""{"type":"linear","factor":0}""", "factor = 0; a number from 1 to 1000000000000 is required.")]
    [TestCase("""{"type":"llama3","factor":8,"high_freq_factor":4}""", "rope_scaling.low_freq_factor is missing; a number is required.")]
    [TestCase("""{"type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4}""", "high_freq_factor = 4; more than low_freq_factor (4) is required.")]
    [TestCase("""{"type":"llama3","factor":8,"low_freq_factor":-1,"high_freq_factor":4}""", "low_freq_factor = -1; a number above 0, at most 1000000000000 is required.")]
    [TestCase("""{"type":"yarn"}""", "rope_scaling.factor is missing; a number is required.")]
    [TestCase("""{"type":"yarn","factor":4,"beta_fast":1,"beta_slow":2}""", "beta_fast = 1; more than beta_slow (2) is required.")]
    [TestCase("""{"type":"yarn","factor":4,"attention_factor":-1}""", "attention_factor = -1; a number above 0, at most 1000000000000 is required.")]
    [TestCase("""{"type":"yarn","factor":4,"original_max_position_embeddings":0}""", "original_max_position_embeddings = 0; an integer from 1 to 2147483647 is required.")]
    [TestCase("""{"type":"yarn","factor":4,"truncate":0}""", "rope_scaling.truncate = 0; true or false is required.")]
    [TestCase("""{"full_attention":{"rope_theta":1}}""", "rope_scaling.full_attention or sliding_attention = {\"rope_theta\":1}; one RoPE for all layers is required.")]
    [TestCase("7", "rope_scaling = 7; an object is required.")]
    public void ARopeKeyIsNamedWithItsValue(string rope, string message) => Refuses(ModelConfigTests.Json("llama", ("rope_scaling", rope)), message);

    [TestCase("""["full_attention"]""", "layer_types = 1; an entry for each of the 3 layers is required.")]
    [TestCase("""["a","b","c"]""", "layer_types = [\"a\",\"b\",\"c\"]; full_attention or sliding_attention for each layer is required.")]
    [TestCase("3", "layer_types = 3; an array of strings is required.")]
    [TestCase("""["sliding_attention","full_attention","full_attention"]""",
        "layer_types = [\"sliding_attention\",\"full_attention\",\"full_attention\"]; a sliding_window (and use_sliding_window) for the layers with sliding_attention is required.")]
    public void LayerTypesMustFit(string types, string message) => Refuses(ModelConfigTests.Json("qwen2", ("layer_types", types)), message);

    [TestCase("2000000000")]
    [TestCase("16385")]
    [TestCase("-1")]
    public void TheNumberOfLayersIsCheckedBeforeAListOfThatLength(string layers) =>
        Refuses(
            ModelConfigTests.Json("mistral", ("num_hidden_layers", layers)),
            $"num_hidden_layers = {layers}; an integer from 1 to 16384 is required.");

    [TestCase("")]
    [TestCase("null")]
    [TestCase("[]")]
    [TestCase("{")]
    [TestCase("""{"model_type":"llama","model_type":"llama"}""")]
    [TestCase("""{"model_type":"\ud800"}""")]
    [TestCase("""{"rms_norm_eps":NaN}""")]
    public void WhatIsNoJsonObjectIsRefused(string json) =>
        Assert.That(
            () => ModelConfig.Parse(Encoding.UTF8.GetBytes(json), "c.json"),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("c.json: "));

    [Test]
    public void AMissingFileIsNamed() =>
        Assert.That(
            () => ModelConfig.Load(Path.Combine(Path.GetTempPath(), "no", "such", "config.json")),
            Throws.InstanceOf<IOException>().With.Message.Contains("such"));

    [Test]
    public void MutatedConfigurationsThrowNothingElse()
    {
        byte[][] seeds =
        [
            .. new[] { "llama-rope-llama3", "llama-rope-yarn", "mistral-window", "qwen2", "qwen3" }
                .Select(name => File.ReadAllBytes(Path.Combine(TestData.GoldenModel(name), "config.json"))),
        ];
        var random = new Random(3);
        int accepted = 0;
        for (int round = 0; round < 10_000; round++)
        {
            try
            {
                ModelConfig.Parse(Mutation.Of(seeds[round % seeds.Length], random)).Validate();
                accepted++;
            }
            catch (InvalidDataException)
            {
                // The one exception that the reader documents.
            }
        }

        Assert.That(accepted, Is.GreaterThan(0), "some mutations, such as of a name, are harmless");
    }
}
