using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Generation;

/// <summary>What generation_config.json says holds where the options are silent.</summary>
public sealed class CheckpointSettingsTests
{
    private const string Prompt = "Zoe was a curious";

    private static readonly GenerationOptions Short = new() { MaxOutputTokens = 25, Seed = 1 };

    private string _folder = null!;

    [SetUp]
    public void Copy()
    {
        _folder = Directory.CreateTempSubdirectory("warpline-settings").FullName;
        foreach (string name in new[] { "config.json", "model.safetensors", "tokenizer.json" })
        {
            File.Copy(Path.Combine(TestData.Storyteller, name), Path.Combine(_folder, name));
        }
    }

    [TearDown]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Sampling_values_count_only_with_do_sample()
    {
        int[] greedy = await Generate("{}", Short);
        Assert.That(await Generate("""{"temperature": 1.5}""", Short), Is.EqualTo(greedy));
        int[] hot = await Generate("""{"do_sample": true, "temperature": 1.5}""", Short);
        Assert.That(hot, Is.Not.EqualTo(greedy));
        Assert.That(await Generate("""{"do_sample": true, "temperature": 1.5}""", Short), Is.EqualTo(hot));
        Assert.That(await Generate("{}", Short with { Temperature = 1.5f }), Is.EqualTo(hot));
        Assert.That(await Generate("""{"do_sample": true, "temperature": 1.5, "top_k": 1}""", Short), Is.EqualTo(greedy));
        Assert.That(await Generate("""{"do_sample": true, "temperature": 1.5, "min_p": 1.0}""", Short), Is.EqualTo(greedy));
        Assert.That(await Generate("""{"do_sample": true, "temperature": 1.5, "top_p": 0.0001}""", Short), Is.EqualTo(greedy));
    }

    [Test]
    public async Task A_tokenizer_that_is_not_supported_leaves_a_model_for_ids()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "tokenizer.json"), """{"model": {"type": "Unigram", "vocab": []}}""");
        using TransformerModel model = await TransformerModel.LoadAsync(_folder);
        Assert.That(model.Tokenizer, Is.Null);
        Assert.That(model.TokenizerError, Does.EndWith("tokenizer.json: model.vocab is missing or empty; an array of [token, score] is required."));
        await using TextGenerator generator = new(model);
        Assert.That(
            () => generator.GenerateAsync(Prompt),
            Throws.InvalidOperationException.With.Message.EndsWith(model.TokenizerError!));
        await foreach (GeneratedToken token in generator.GenerateAsync(new int[] { 0, 621 }, Short with { MaxOutputTokens = 2 }))
        {
            Assert.That(token.Text, Is.Empty);
        }
    }

    [Test]
    public async Task Text_goes_on_from_the_prompt()
    {
        // A decoder that leaves out the blank before a text's first word.
        string vocabulary = string.Join(',', Enumerable.Range(0, 1024).Select(id => $"\"▁w{id}\":{id}"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "tokenizer.json"), $$"""
            {"pre_tokenizer":{"type":"Metaspace"},"decoder":{"type":"Metaspace"},
             "model":{"type":"WordLevel","unk_token":"▁w0","vocab":{ {{vocabulary}} } } }
            """);
        using TransformerModel model = await TransformerModel.LoadAsync(_folder);
        await using TextGenerator generator = new(model);
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in generator.GenerateAsync("w0 w621", Short with { MaxOutputTokens = 3, IgnoreEndOfSequence = true }))
        {
            tokens.Add(token);
        }

        Assert.That(tokens, Has.Count.EqualTo(3));
        Assert.That(tokens.Select(token => token.Text), Is.EqualTo(tokens.Select(token => $" w{token.Id}")));
    }

    [Test]
    public async Task Settings_that_are_wrong_leave_a_model_for_logits()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "generation_config.json"), """{"top_p": 1.5}""");
        using TransformerModel model = await TransformerModel.LoadAsync(_folder);
        Assert.That(
            model.GenerationDefaultsError, Does.EndWith("generation_config.json: top_p = 1.5; a number from 1E-06 to 1 is required."));
        Assert.That(model.GenerationDefaults, Is.EqualTo(new GenerationDefaults()));
        using (DecoderSession session = model.CreateSession(4))
        {
            Assert.That(session.Forward([0, 621]).Length, Is.EqualTo(1024));
        }

        await using TextGenerator generator = new(model);
        Assert.That(
            () => generator.GenerateAsync(Prompt),
            Throws.InvalidOperationException.With.Message.EndsWith(model.GenerationDefaultsError!));
    }

    [Test]
    public async Task Options_win()
    {
        int[] greedy = await Generate("{}", Short);
        const string hot = """{"do_sample": true, "temperature": 1.5, "repetition_penalty": 1.7}""";
        Assert.That(await Generate(hot, Short with { Temperature = 0, RepetitionPenalty = 1 }), Is.EqualTo(greedy));
        Assert.That(await Generate(hot, Short with { TopK = 1, RepetitionPenalty = 1 }), Is.EqualTo(greedy));
    }

    [Test]
    public async Task Penalties_and_ends_hold_without_sampling()
    {
        int[] greedy = await Generate("{}", Short);
        Assert.That(await Generate("""{"repetition_penalty": 8}""", Short), Is.Not.EqualTo(greedy));
        Assert.That(await Generate("""{"max_new_tokens": 4}""", new GenerationOptions()), Is.EqualTo(greedy[..4]));

        // An end of its own: the third token that would come.
        int end = greedy[2];
        int[] ended = await Generate($$"""{"eos_token_id": [900, {{end}}]}""", Short);
        Assert.That(ended, Is.EqualTo(greedy[..(Array.IndexOf(greedy, end) + 1)]));
    }

    private async Task<int[]> Generate(string settings, GenerationOptions options)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "generation_config.json"), settings);
        using TransformerModel model = await TransformerModel.LoadAsync(_folder);
        await using TextGenerator generator = new(model);
        List<int> ids = [];
        await foreach (GeneratedToken token in generator.GenerateAsync(Prompt, options))
        {
            ids.Add(token.Id);
        }

        return [.. ids];
    }
}
