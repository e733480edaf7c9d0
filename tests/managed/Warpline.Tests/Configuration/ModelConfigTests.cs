using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Configuration;

/// <summary>What configurations mean, with the defaults that transformers 5 has for each family.</summary>
internal sealed class ModelConfigTests
{
    /// <summary>The smallest configuration of a family, with keys set or, where the value is null text, removed.</summary>
    internal static string Json(string family, params (string Key, string? Value)[] changes)
    {
        JsonObject json = JsonNode.Parse($$"""
            {"model_type":"{{family}}","hidden_size":64,"intermediate_size":96,"num_hidden_layers":3,"num_attention_heads":4,
             "num_key_value_heads":2,"vocab_size":160}
            """)!.AsObject();
        foreach ((string key, string? value) in changes)
        {
            json.Remove(key);
            if (value is not null)
            {
                json.Add(key, JsonNode.Parse(value));
            }
        }

        return json.ToJsonString();
    }

    private static ModelConfig Parse(string family, params (string Key, string? Value)[] changes) =>
        ModelConfig.Parse(Encoding.UTF8.GetBytes(Json(family, changes)));

    [Test]
    public void TheStorytellerIsRead()
    {
        ModelConfig config = ModelConfig.Load(TestData.Storyteller);
        Assert.That(
            (config.ModelType, config.HiddenSize, config.IntermediateSize, config.LayerCount, config.HeadCount, config.KeyValueHeadCount),
            Is.EqualTo(("llama", 256, 704, 6, 4, 2)));
        Assert.That((config.HeadDimension, config.VocabularySize, config.MaxPositions), Is.EqualTo((64, 1024, 2048)));
        Assert.That((config.NormEpsilon, config.TieWordEmbeddings, config.AttentionBias, config.MlpBias), Is.EqualTo((1e-5, true, false, false)));
        Assert.That((config.Rope.Kind, config.Rope.Theta), Is.EqualTo((RopeKind.None, 10_000d)));
        Assert.That(config.StoredType, Is.EqualTo(ElementType.BFloat16));
        Assert.That(config.BeginOfSequenceId, Is.Zero);
        Assert.That(config.EndOfSequenceIds, Is.EqualTo(new[] { 1 }));
        Assert.That(config.WindowOf(0), Is.Null);
    }

    [Test]
    public void GoldenConfigurationsAreRead()
    {
        Assert.That(ModelConfig.Load(TestData.GoldenModel("llama-bias")), Has.Property("AttentionBias").True.And.Property("MlpBias").True);
        Assert.That(ModelConfig.Load(TestData.GoldenModel("llama-head64")).Rope.Theta, Is.EqualTo(500_000), "new key");
        Assert.That(ModelConfig.Load(TestData.GoldenModel("llama-head64")).HeadDimension, Is.EqualTo(64));
        Assert.That(
            ModelConfig.Load(TestData.GoldenModel("llama-rope-linear")).Rope, Is.EqualTo(new RopeConfig { Kind = RopeKind.Linear, Factor = 4 }));
        Assert.That(
            ModelConfig.Load(TestData.GoldenModel("llama-rope-llama3")).Rope,
            Is.EqualTo(new RopeConfig
            {
                Kind = RopeKind.Llama3,
                Theta = 500_000,
                Factor = 8,
                LowFrequencyFactor = 1,
                HighFrequencyFactor = 4,
                OriginalMaxPositions = 64,
            }));
        Assert.That(
            ModelConfig.Load(TestData.GoldenModel("llama-rope-yarn")).Rope,
            Is.EqualTo(new RopeConfig
            {
                Kind = RopeKind.Yarn,
                Factor = 4,
                OriginalMaxPositions = 64,
                AttentionFactor = (0.1 * Math.Log(4)) + 1,
            }));
        Assert.That(ModelConfig.Load(TestData.GoldenModel("mistral-window")).LayerWindows, Is.EqualTo(new int?[] { 16, 16 }));
        Assert.That(ModelConfig.Load(TestData.GoldenModel("qwen2")).LayerWindows, Is.All.Null);
        Assert.That(ModelConfig.Load(TestData.GoldenModel("qwen3")).HeadDimension, Is.EqualTo(32));
    }

    [TestCase("llama", 2048, 1, 2)]
    [TestCase("mistral", 131_072, 1, 2)]
    [TestCase("qwen2", 32_768, null, null)]
    [TestCase("qwen3", 32_768, null, null)]
    public void AFamilyHasItsDefaults(string family, int positions, int? begin, int? end)
    {
        ModelConfig config = Parse(family);
        Assert.That((config.MaxPositions, config.BeginOfSequenceId), Is.EqualTo((positions, begin)));
        Assert.That(config.EndOfSequenceIds, Is.EqualTo(end is int id ? new[] { id } : []));
        Assert.That((config.NormEpsilon, config.TieWordEmbeddings, config.Activation), Is.EqualTo((1e-6, false, HiddenActivation.Silu)));
        Assert.That(config.Rope, Is.EqualTo(new RopeConfig()));
        Assert.That(config.HeadDimension, Is.EqualTo(family == "qwen3" ? 128 : 16));
        Assert.That(config.StoredType, Is.Null);
    }

    [Test]
    public void KeyValueHeadsDefaultAsInTransformers()
    {
        Assert.That(Parse("llama", ("num_key_value_heads", null)).KeyValueHeadCount, Is.EqualTo(4));
        Assert.That(Parse("qwen2", ("num_key_value_heads", "null")).KeyValueHeadCount, Is.EqualTo(4));
        Assert.That(
            Parse("mistral", ("num_key_value_heads", null), ("num_attention_heads", "16")).KeyValueHeadCount, Is.EqualTo(8));
    }

    [Test]
    public void EndOfSequenceMayBeOneManyOrNone()
    {
        Assert.That(Parse("llama", ("eos_token_id", "[7,8,9]")).EndOfSequenceIds, Is.EqualTo(new[] { 7, 8, 9 }));
        Assert.That(Parse("llama", ("eos_token_id", "7")).EndOfSequenceIds, Is.EqualTo(new[] { 7 }));
        Assert.That(Parse("llama", ("eos_token_id", "null")).EndOfSequenceIds, Is.Empty);
        Assert.That(Parse("llama", ("bos_token_id", "null")).BeginOfSequenceId, Is.Null);
    }

    [Test]
    public void MistralsWindowIsOnEveryLayer()
    {
        Assert.That(Parse("mistral").LayerWindows, Is.EqualTo(new int?[] { 4096, 4096, 4096 }));
        Assert.That(Parse("mistral", ("sliding_window", "null")).WindowOf(2), Is.Null);
        Assert.That(Parse("mistral", ("sliding_window", "8")).WindowOf(2), Is.EqualTo(8));
        Assert.That(
            Parse("mistral", ("layer_types", """["sliding_attention","full_attention"]""")).LayerWindows,
            Is.EqualTo(new int?[] { 4096, 4096, 4096 }), "transformers does not look at layer_types either");
    }

    [Test]
    public void QwensWindowFollowsItsSwitchAndItsLayers()
    {
        Assert.That(Parse("qwen2", ("sliding_window", "8")).LayerWindows, Is.Empty, "use_sliding_window is false by default");
        Assert.That(
            Parse("qwen2", ("sliding_window", "8"), ("use_sliding_window", "true"), ("max_window_layers", "1")).LayerWindows,
            Is.EqualTo(new int?[] { null, 8, 8 }));
        Assert.That(
            Parse("qwen3", ("use_sliding_window", "true"), ("max_window_layers", "2")).LayerWindows, Is.EqualTo(new int?[] { null, null, 4096 }));
        Assert.That(
            Parse(
                "qwen3", ("sliding_window", "8"), ("use_sliding_window", "true"),
                ("layer_types", """["sliding_attention","full_attention","sliding_attention"]""")).LayerWindows,
            Is.EqualTo(new int?[] { 8, null, 8 }));
    }

    [TestCase("silu", HiddenActivation.Silu)]
    [TestCase("swish", HiddenActivation.Silu)]
    [TestCase("relu", HiddenActivation.Relu)]
    [TestCase("gelu", HiddenActivation.Gelu)]
    [TestCase("gelu_new", HiddenActivation.GeluTanh)]
    [TestCase("gelu_pytorch_tanh", HiddenActivation.GeluTanh)]
    public void ActivationsHaveTheirNames(string name, HiddenActivation activation) =>
        Assert.That(Parse("llama", ("hidden_act", $"\"{name}\"")).Activation, Is.EqualTo(activation));

    [TestCase("\"auto\"", null)]
    [TestCase("\"int4\"", null)]
    [TestCase("\"float16\"", ElementType.Float16)]
    [TestCase("\"torch.bfloat16\"", ElementType.BFloat16)]
    public void AnUnknownStoredTypeIsNone(string name, ElementType? type)
    {
        Assert.That(Parse("llama", ("torch_dtype", name)).StoredType, Is.EqualTo(type));
        Assert.That(Parse("llama", ("dtype", name), ("torch_dtype", "\"float32\"")).StoredType, Is.EqualTo(type));
    }

    [Test]
    public void IntegersMayBeWrittenWithAPoint() =>
        Assert.That(Parse("llama", ("num_hidden_layers", "4.0"), ("eos_token_id", "3")).LayerCount, Is.EqualTo(4));

    [Test]
    public void BiasKeysCountOnlyWhereTheFamilyHasThem()
    {
        (string, string?)[] keys = [("attention_bias", "true"), ("mlp_bias", "true")];
        Assert.That(Parse("llama", keys), Has.Property("AttentionBias").True.And.Property("MlpBias").True);
        Assert.That(Parse("qwen3", keys), Has.Property("AttentionBias").True.And.Property("MlpBias").False);
        Assert.That(Parse("mistral", keys), Has.Property("AttentionBias").False.And.Property("MlpBias").False);
    }

    [Test]
    public void AConfigurationFromMemoryIsCheckedByTheSameRules()
    {
        ModelConfig config = Parse("llama");
        Assert.That(config.Validate, Throws.Nothing);
        Assert.That(
            (config with { KeyValueHeadCount = 3 }).Validate,
            Throws.ArgumentException.With.Message.EqualTo("num_key_value_heads = 3; a divisor of num_attention_heads (4) is required."));
        Assert.That(
            (config with { NormEpsilon = double.NaN }).Validate,
            Throws.ArgumentException.With.Message.EqualTo("rms_norm_eps = NaN; a number between 0 and 1 is required."));
        Assert.That(
            (config with { Rope = config.Rope with { Theta = double.PositiveInfinity } }).Validate, Throws.ArgumentException);
        Assert.That(
            (config with { LayerWindows = [1] }).Validate,
            Throws.ArgumentException.With.Message.EqualTo("layer_types = 1; an entry for each of the 3 layers is required."));
        Assert.That((config with { LayerWindows = [null, 0, null] }).Validate, Throws.ArgumentException.With.Message.StartsWith("sliding_window = 0;"));
        Assert.That((config with { HeadCount = 0 }).Validate, Throws.ArgumentException.With.Message.StartsWith("num_attention_heads = 0;"));
    }
}
