using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Configuration;

/// <summary>generation_config.json: its values, its silence and its impossible values.</summary>
internal sealed class GenerationDefaultsTests
{
    [Test]
    public void TheStorytellersFileIsRead()
    {
        GenerationDefaults defaults = GenerationDefaults.Load(TestData.Storyteller);
        Assert.That((defaults.MaxNewTokens, defaults.BeginOfSequenceId, defaults.DoSample), Is.EqualTo((300, 0, false)));
        Assert.That(defaults.EndOfSequenceIds, Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public void EveryKeyIsRead()
    {
        GenerationDefaults defaults = GenerationDefaults.Parse("""
            {"do_sample":true,"temperature":0.7,"top_k":20,"top_p":0.8,"min_p":0.05,"repetition_penalty":1.05,
             "max_new_tokens":64,"bos_token_id":3,"eos_token_id":[4,5],"pad_token_id":6,"transformers_version":"5.23.0"}
            """u8);
        Assert.That((defaults.DoSample, defaults.Temperature, defaults.TopK, defaults.TopP), Is.EqualTo((true, 0.7, 20, 0.8)));
        Assert.That((defaults.MinP, defaults.RepetitionPenalty, defaults.MaxNewTokens, defaults.BeginOfSequenceId), Is.EqualTo((0.05, 1.05, 64, 3)));
        Assert.That(defaults.EndOfSequenceIds, Is.EqualTo(new[] { 4, 5 }));
    }

    [Test]
    public void SilenceIsNull()
    {
        GenerationDefaults defaults = GenerationDefaults.Load(TestData.GoldenModel("llama"));
        Assert.That((defaults.Temperature, defaults.TopK, defaults.MaxNewTokens, defaults.DoSample), Is.EqualTo(((double?)null, (int?)null, (int?)null, false)));
        Assert.That(defaults.EndOfSequenceIds, Is.Empty);
    }

    [TestCase("50.0", 50)]
    [TestCase("0", 0)]
    [TestCase("-1", 0)]
    public void ATopKOfZeroOrLessIsAll(string value, int topK) =>
        Assert.That(GenerationDefaults.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"top_k":{{value}}}""")).TopK, Is.EqualTo(topK));

    [Test]
    public void ATemperatureOfZeroIsGreedy()
    {
        GenerationDefaults defaults = GenerationDefaults.Parse("{\"do_sample\":true,\"temperature\":0.0}"u8);
        Assert.That((defaults.DoSample, defaults.Temperature), Is.EqualTo((false, (double?)null)));
    }

    [TestCase("""{"temperature":-1}""", "temperature = -1; a number from 0 to 1000000 is required.")]
    [TestCase("""{"temperature":"hot"}""", "temperature = \"hot\"; a number from 0 to 1000000 is required.")]
    [TestCase("""{"top_k":50.5}""", "top_k = 50.5; an integer is required.")]
    [TestCase("""{"max_new_tokens":3e9}""", "max_new_tokens = 3e9; an integer from 1 to 2147483647 is required.")]
    [TestCase("""{"top_p":1.5}""", "top_p = 1.5; a number from 1E-06 to 1 is required.")]
    [TestCase("""{"min_p":2}""", "min_p = 2; a number from 0 to 1 is required.")]
    [TestCase("""{"repetition_penalty":0}""", "repetition_penalty = 0; a number from 1E-06 to 1000000 is required.")]
    [TestCase("""{"max_new_tokens":0}""", "max_new_tokens = 0; an integer from 1 to 2147483647 is required.")]
    [TestCase("""{"do_sample":"yes"}""", "do_sample = \"yes\"; true or false is required.")]
    public void AnImpossibleValueIsNamed(string json, string message) =>
        Assert.That(
            () => GenerationDefaults.Parse(System.Text.Encoding.UTF8.GetBytes(json), "g.json"),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"g.json: {message}"));
}
