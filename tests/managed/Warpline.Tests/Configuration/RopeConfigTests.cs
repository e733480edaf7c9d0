using System.Text;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Configuration;

/// <summary>RoPE from old keys and new, in transformers' order of precedence.</summary>
internal sealed class RopeConfigTests
{
    private static RopeConfig Parse(params (string Key, string? Value)[] keys) =>
        ModelConfig.Parse(Encoding.UTF8.GetBytes(ModelConfigTests.Json("llama", keys))).Rope;

    [Test]
    public void OldAndNewKeysMeanTheSame()
    {
        RopeConfig linear = new() { Kind = RopeKind.Linear, Theta = 5000, Factor = 2 };
        Assert.That(Parse(("rope_theta", "5000"), ("rope_scaling", """{"type":"linear","factor":2}""")), Is.EqualTo(linear));
        Assert.That(Parse(("rope_theta", "5000"), ("rope_scaling", """{"rope_type":"linear","factor":2.0}""")), Is.EqualTo(linear));
        Assert.That(Parse(("rope_parameters", """{"rope_type":"linear","factor":2,"rope_theta":5000}""")), Is.EqualTo(linear));
        Assert.That(Parse(("rope_theta", "5000"), ("rope_parameters", """{"rope_type":"linear","factor":2}""")), Is.EqualTo(linear));
    }

    [Test]
    public void PrecedenceIsThatOfTransformers()
    {
        Assert.That(Parse(("rope_theta", "5000"), ("rope_parameters", """{"rope_theta":7000}""")).Theta, Is.EqualTo(7000), "inner before outer");
        Assert.That(
            Parse(("rope_scaling", """{"rope_type":"linear","factor":2}"""), ("rope_parameters", """{"rope_theta":7000}""")),
            Is.EqualTo(new RopeConfig { Kind = RopeKind.Linear, Factor = 2 }), "rope_scaling replaces rope_parameters");
        Assert.That(Parse(("rope_scaling", "{}"), ("rope_parameters", """{"rope_theta":7000}""")).Theta, Is.EqualTo(7000), "empty is absent");
        Assert.That(Parse(("rope_scaling", """{"rope_type":"default","type":"linear"}""")).Kind, Is.EqualTo(RopeKind.None), "rope_type before type");
    }

    [Test]
    public void OriginalPositionsHaveTheirFallbacks()
    {
        (string, string?) positions = ("max_position_embeddings", "512");
        const string yarn = """{"rope_type":"yarn","factor":4}""";
        Assert.That(Parse(positions, ("rope_scaling", yarn)).OriginalMaxPositions, Is.EqualTo(512));
        Assert.That(
            Parse(positions, ("rope_scaling", """{"rope_type":"yarn","factor":4,"original_max_position_embeddings":64}""")).OriginalMaxPositions,
            Is.EqualTo(64));
        Assert.That(
            Parse(positions, ("original_max_position_embeddings", "32"), ("rope_scaling", """{"rope_type":"yarn","factor":4,"original_max_position_embeddings":64}"""))
                .OriginalMaxPositions,
            Is.EqualTo(32), "the outer key counts more");
        Assert.That(
            Parse(positions, ("rope_scaling", """{"rope_type":"yarn","factor":null,"original_max_position_embeddings":64}""")).Factor, Is.EqualTo(8));
    }

    [Test]
    public void YarnsAttentionFactorFollowsMscale()
    {
        static double Factor(string more) => Parse(("rope_scaling", $$"""{"rope_type":"yarn","factor":40{{more}}}""")).AttentionFactor;
        double log = Math.Log(40);
        Assert.That(Factor(""), Is.EqualTo((0.1 * log) + 1));
        Assert.That(Factor(""","attention_factor":0.5,"mscale":2,"mscale_all_dim":3"""), Is.EqualTo(0.5));
        Assert.That(Factor(""","mscale":0.707,"mscale_all_dim":1.5"""), Is.EqualTo(((0.0707 * log) + 1) / ((0.15 * log) + 1)).Within(1e-15));
        Assert.That(Factor(""","mscale":0.707"""), Is.EqualTo((0.1 * log) + 1), "both or none");
        Assert.That(Factor(""","mscale":1,"mscale_all_dim":0"""), Is.EqualTo((0.1 * log) + 1), "zero counts as absent");
        Assert.That(Parse(("rope_scaling", """{"rope_type":"yarn","factor":1}""")).AttentionFactor, Is.EqualTo(1));
    }

    [Test]
    public void BetasDefault()
    {
        RopeConfig rope = Parse(("rope_scaling", """{"rope_type":"yarn","factor":4,"beta_fast":null,"beta_slow":0}"""));
        Assert.That((rope.BetaFast, rope.BetaSlow), Is.EqualTo((32d, 1d)));
        rope = Parse(("rope_scaling", """{"rope_type":"yarn","factor":4,"beta_fast":64,"beta_slow":2.5}"""));
        Assert.That((rope.BetaFast, rope.BetaSlow), Is.EqualTo((64d, 2.5)));
    }

    [TestCase("", true)]
    [TestCase(""","truncate":true""", true)]
    [TestCase(""","truncate":false""", false)]
    [TestCase(""","truncate":null""", false)]
    public void YarnsBordersMayBeExact(string more, bool truncate) =>
        Assert.That(Parse(("rope_scaling", $$"""{"rope_type":"yarn","factor":4{{more}}}""")).Truncate, Is.EqualTo(truncate));

    [Test]
    public void DynamicScalingIsNoneWithinTheModelsPositions() =>
        Assert.That(
            Parse(("rope_theta", "5000"), ("rope_scaling", """{"type":"dynamic","factor":2.0}""")), Is.EqualTo(new RopeConfig { Theta = 5000 }));

    [Test]
    public void WholeHeadsAreRotatedWhateverTheFactor()
    {
        Assert.That(Parse(("partial_rotary_factor", "0.5")), Is.EqualTo(new RopeConfig()));
        Assert.That(Parse(("rope_parameters", """{"partial_rotary_factor":0.25}""")), Is.EqualTo(new RopeConfig()));
        Assert.That(
            Parse(("rope_scaling", """{"type":"linear","factor":2,"partial_rotary_factor":1.0}""")),
            Is.EqualTo(new RopeConfig { Kind = RopeKind.Linear, Factor = 2 }));
    }
}
