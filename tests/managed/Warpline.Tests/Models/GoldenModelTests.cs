using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>Models against the float64 logits and greedy tokens of the transformers library.</summary>
public sealed class GoldenModelTests
{
    private static readonly string[] Names =
    [
        "llama", "llama-head64", "llama-rope-llama3", "llama-rope-linear", "llama-rope-yarn", "llama-bias", "mistral-window",
        "qwen2", "qwen3",
    ];

    [Test]
    public async Task Logits_and_choices_equal_the_reference(
        [ValueSource(nameof(Names))] string name, [Values(null, 7, 1)] int? pieces, [Values] bool packed)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await TransformerModel.LoadAsync(golden.Directory, GoldenCase.Options with { PackWeights = packed });
        Assert.That(GoldenCheck.Fault(model, golden, pieces), Is.Null);
    }

    [Test]
    public async Task Frequencies_are_exact_unless_asked_otherwise()
    {
        GoldenCase golden = GoldenCase.Load("llama");
        using TransformerModel model = await TransformerModel.LoadAsync(golden.Directory);
        Reference.Float64Llama reference = new(golden.Directory);
        double[] expected = [.. golden.Prompts[2].SelectMany(reference.Step)];
        float[] logits = GoldenCheck.Run(model, golden.Prompts[2]);
        Assert.That(logits.Zip(expected, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(GoldenCheck.LogitTolerance));
        Assert.That(GoldenCheck.Fault(model, golden), Is.Not.Null, "the golden file has rounded ones");
    }

    [Test]
    [NonParallelizable]
    public async Task Every_instruction_set_of_the_machine_equals_the_reference([ValueSource(nameof(Names))] string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await TransformerModel.LoadAsync(golden.Directory, GoldenCase.Options);
        int ran = 0;
        foreach (string set in new[] { "avx2", "avx512", "avx512_bf16" })
        {
            IDisposable forced;
            try
            {
                forced = WarplineLibrary.Override(LibraryOption.CpuInstructionSet, set);
            }
            catch (WarplineException exception) when (exception.Status == WarplineStatus.Unsupported)
            {
                continue;
            }

            using (forced)
            {
                Assert.That(GoldenCheck.Fault(model, golden), Is.Null, set);
                ran++;
            }
        }

        Assert.That(ran, Is.GreaterThan(0));
    }

    [Test]
    public async Task Batch_invariant_logits_do_not_depend_on_the_pieces([ValueSource(nameof(Names))] string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await TransformerModel.LoadAsync(golden.Directory, GoldenCase.Options with { BatchInvariant = true });
        Assert.That(GoldenCheck.Fault(model, golden), Is.Null);
        int[] tokens = [.. golden.Prompts[^1], .. golden.Greedy[^1]];
        float[] whole = GoldenCheck.Run(model, tokens);
        foreach (int pieces in new[] { 1, 2, 7, 33 })
        {
            Assert.That(GoldenCheck.Run(model, tokens, pieces), Is.EqualTo(whole), $"{pieces} tokens a call");
        }

        // The last row alone, as generation asks for it.
        using DecoderSession session = model.CreateSession(tokens.Length);
        Assert.That(session.Forward(tokens).ToArray(), Is.EqualTo(whole[^model.Config.VocabularySize..]));
    }

    [Test]
    public async Task Bfloat16_activations_stay_near_the_reference([ValueSource(nameof(Names))] string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using TransformerModel model = await TransformerModel.LoadAsync(
            golden.Directory, GoldenCase.Options with { ActivationType = ElementType.BFloat16 });
        double error = 0, energy = 0;
        for (int i = 0; i < golden.Prompts.Length; i++)
        {
            foreach ((float logit, float expected) in GoldenCheck.Run(model, golden.Prompts[i]).Zip(golden.Logits[i]))
            {
                error += Math.Pow((double)logit - expected, 2);
                energy += Math.Pow(expected, 2);
            }
        }

        TestContext.Out.WriteLine($"{name}: NMSE {error / energy:g3}");
        Assert.That(error / energy, Is.LessThan(1e-3).And.GreaterThan(1e-8), "rounded to bfloat16, and nothing worse");
    }
}
