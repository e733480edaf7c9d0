using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Cli.Demo;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>Three hundred tokens on the GPU, or the emulated one, that WARPLINE_DEVICE names.</summary>
[TestFixture]
public sealed class DeviceSequenceTests
{
    private const int Count = 300, Window = 64;

    private string _folder = null!;

    [SetUp]
    public void Create() => _folder = Directory.CreateTempSubdirectory("warpline-test").FullName;

    [TearDown]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task A_prompt_longer_than_the_window_is_as_near_float64_as_the_processors()
    {
        TestDevice.RequireCuda();
        // As a Mistral, whose layers all see the latest tokens only.
        CopyModel(
            TestData.Storyteller,
            ("model_type", "mistral"),
            ("architectures", new JsonArray("MistralForCausalLM")),
            ("sliding_window", Window));
        int[] tokens = await StoryTokens();
        double[][] reference = Reference(_folder, tokens);
        float[] logits = await Logits(TestDevice.Current, tokens), processor = await Logits(ComputeDevice.Cpu, tokens);
        double error = GoldenCheck.MeanSquareError(logits, reference.SelectMany(row => row));
        double allowed = Math.Max(2e-4, 1.5 * GoldenCheck.MeanSquareError(processor, reference.SelectMany(row => row)));
        TestContext.Out.WriteLine($"NMSE {error:g3}, at most {allowed:g3}");
        Assert.That(error, Is.LessThanOrEqualTo(allowed));
        double unwindowed = GoldenCheck.MeanSquareError(logits, Reference(TestData.Storyteller, tokens).SelectMany(row => row));
        Assert.That(unwindowed, Is.GreaterThan(10 * allowed), "the window must matter");

        int decided = 0, vocabulary = reference[0].Length;
        for (int i = 0; i < Count; i++)
        {
            double[] largest = [.. reference[i].OrderDescending().Take(2)];
            if (largest[0] - largest[1] > GoldenCheck.DecidedMarginOfBFloat16)
            {
                decided++;
                int best = GoldenCheck.IndexOfMax(logits.AsSpan(i * vocabulary, vocabulary));
                Assert.That(best, Is.EqualTo(Array.IndexOf(reference[i], largest[0])), $"token {i}");
            }
        }

        Assert.That(decided, Is.GreaterThan(Count / 2));
    }

    [Test]
    public async Task Batch_invariant_logits_do_not_depend_on_the_pieces()
    {
        TestDevice.RequireCuda();
        CopyModel(TestData.GoldenModel("llama-head64"), ("max_position_embeddings", Count));
        ModelOptions options = new() { Device = TestDevice.Current, BatchInvariant = true };
        using TransformerModel model = await TransformerModel.LoadAsync(_folder, options);
        Random random = new(5);
        int[] tokens = [.. Enumerable.Range(0, Count).Select(_ => random.Next(model.Config.VocabularySize))];
        float[] whole = GoldenCheck.Run(model, tokens);
        foreach (int longest in new[] { 1, 90 })
        {
            using DecoderSession session = model.CreateSession(Count);
            List<float> logits = [];
            while (session.Position < Count)
            {
                int piece = Math.Min(random.Next(1, longest + 1), Count - session.Position);
                logits.AddRange(session.Forward(tokens.AsSpan(session.Position, piece), LogitsMode.All));
            }

            Assert.That(logits, Is.EqualTo(whole), $"at most {longest} tokens a call");
        }
    }

    /// <summary>A copy of a checkpoint whose config says something else.</summary>
    private void CopyModel(string directory, params ReadOnlySpan<(string Key, JsonNode Value)> changes)
    {
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "config.json")))!;
        foreach ((string key, JsonNode value) in changes)
        {
            config[key] = value;
        }

        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        File.Copy(Path.Combine(directory, "model.safetensors"), Path.Combine(_folder, "model.safetensors"));
    }

    private static async Task<int[]> StoryTokens()
    {
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
        string text = string.Join('\n', new StorytellerFiles(TestData.Storyteller).Stories.Take(8));
        int[] tokens = [.. model.Tokenizer!.EncodeToIds(text).Take(Count)];
        Assert.That(tokens, Has.Length.EqualTo(Count));
        return tokens;
    }

    private async Task<float[]> Logits(ComputeDevice device, int[] tokens)
    {
        ModelOptions options = new() { Device = device, ActivationType = ElementType.BFloat16 };
        using TransformerModel model = await TransformerModel.LoadAsync(_folder, options);
        return GoldenCheck.Run(model, tokens);
    }

    private static double[][] Reference(string directory, int[] tokens)
    {
        Reference.Float64Llama model = new(directory);
        return [.. tokens.Select(model.Step)];
    }
}
