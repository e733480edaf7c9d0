using NUnit.Framework;
using Warpline.Cli.Demo;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>Golden models on the GPU, or the emulated one, that WARPLINE_DEVICE names. On the CPU they are
/// <see cref="GoldenModelTests"/>' business.</summary>
[TestFixture]
public sealed class DeviceModelTests
{
    private static readonly string[] Names = ["llama", "llama-head64", "qwen3", "mistral-window"];

    [TestCaseSource(nameof(Names))]
    public async Task Logits_in_float32_equal_the_reference(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await Load(golden, TestDevice.RequireCuda(), ElementType.Float32);
        Assert.That(GoldenCheck.Fault(model, golden), Is.Null);
    }

    [TestCaseSource(nameof(Names))]
    public async Task Logits_in_bfloat16_are_as_near_the_reference_as_the_processors(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await Load(golden, TestDevice.RequireCuda(), ElementType.BFloat16);
        using TransformerModel processor = await Load(golden, ComputeDevice.Cpu, ElementType.BFloat16);
        double[] reference = [.. golden.Logits.SelectMany(logits => logits).Select(x => (double)x)];
        double error = GoldenCheck.MeanSquareError(Logits(model, golden), reference);
        double allowed = Math.Max(2e-4, 1.5 * GoldenCheck.MeanSquareError(Logits(processor, golden), reference));
        TestContext.Out.WriteLine($"{name}: NMSE {error:g3}, at most {allowed:g3}");
        Assert.That(error, Is.LessThanOrEqualTo(allowed));
        Assert.That(
            GoldenCheck.ForcedFault(model, golden.Prompts, golden.Greedy, golden.Margins, GoldenCheck.DecidedMarginOfBFloat16, leastDecided: 0), Is.Null);
    }

    [TestCaseSource(nameof(Names))]
    public async Task Steps_of_one_token_equal_the_reference(string name)
    {
        // The second step is captured as a graph, the others replay it.
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await Load(golden, TestDevice.RequireCuda(), ElementType.Float32);
        Assert.That(GoldenCheck.Fault(model, golden, pieces: 1), Is.Null);
    }

    [Test]
    public async Task A_fork_and_a_truncated_session_go_on_as_a_fresh_one()
    {
        GoldenCase golden = GoldenCase.Load("llama");
        using TransformerModel model = await Load(golden, TestDevice.RequireCuda(), ElementType.Float32);
        int[] tokens = golden.Prompts[0];
        int half = tokens.Length / 2;
        using DecoderSession session = model.CreateSession();
        session.Forward(tokens);
        session.Truncate(half);
        using DecoderSession fork = session.Fork();
        int vocabulary = model.Config.VocabularySize;
        foreach (DecoderSession continued in new[] { session, fork })
        {
            float[] logits = continued.Forward(tokens.AsSpan(half)).ToArray();
            double worst = logits.Zip(golden.Logits[0].TakeLast(vocabulary), (a, b) => Math.Abs((double)a - b)).Max();
            Assert.That(worst, Is.LessThanOrEqualTo(GoldenCheck.LogitTolerance));
        }
    }

    [Test]
    public async Task The_storyteller_continues_as_its_reference_does()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        StorytellerFiles files = new(TestData.Storyteller);
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller, new ModelOptions { Device = device });
        await using TextGenerator generator = new(model);
        StorytellerFiles.Continuation row = files.Continuations[0];
        const int length = 16;
        Assert.That(row.Margins.Take(length).Min(), Is.GreaterThan(GoldenCheck.DecidedMargin));
        List<int> ids = [];
        await foreach (GeneratedToken token in generator.GenerateAsync(
            row.Prompt, new GenerationOptions { MaxOutputTokens = length, IgnoreEndOfSequence = true }))
        {
            ids.Add(token.Id);
        }

        Assert.That(ids, Is.EqualTo(row.Greedy.Take(length)));
    }

    [Test]
    public void Packed_weights_are_for_the_processor()
    {
        ModelOptions options = new() { Device = TestDevice.RequireCuda(), PackWeights = true };
        Assert.That(
            async () => await TransformerModel.LoadAsync(TestData.GoldenModel("llama"), options),
            Throws.ArgumentException.With.Message.EqualTo("PackWeights is true; false is required on cuda:0."));
    }

    private static Task<TransformerModel> Load(GoldenCase golden, ComputeDevice device, ElementType type) =>
        TransformerModel.LoadAsync(golden.Directory, GoldenCase.Options with { Device = device, ActivationType = type });

    private static float[] Logits(TransformerModel model, GoldenCase golden) =>
        [.. golden.Prompts.SelectMany(prompt => GoldenCheck.Run(model, prompt))];
}
