using System.Collections.Immutable;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>The golden check must reject a model that is slightly wrong.</summary>
public sealed class MutantTests
{
    private static IEnumerable<TestCaseData> Mutants()
    {
        // Mask: a window that is one too small or too large, none, or one where there should be none.
        yield return Case("mistral-window", "window 15", spec => spec with { Windows = Windows(spec, 15) });
        yield return Case("mistral-window", "window 17", spec => spec with { Windows = Windows(spec, 17) });
        yield return Case("mistral-window", "no window", spec => spec with { Windows = Windows(spec, null) });
        yield return Case("mistral-window", "window in one layer only", spec => spec with { Windows = spec.Windows.SetItem(1, null) });
        yield return Case("llama", "window 32", spec => spec with { Windows = Windows(spec, 32) });

        // Scale of the scores.
        foreach (string name in new[] { "llama", "llama-head64", "qwen3" })
        {
            yield return Case(name, "scale + 1%", spec => spec with { AttentionScale = 1.01f / MathF.Sqrt(spec.HeadSize) });
        }

        // Rotary embedding.
        yield return Rope("llama", "theta + 1%", rope => rope with { Theta = rope.Theta * 1.01 });
        yield return Rope("llama-rope-linear", "no scaling", rope => rope with { Kind = RopeKind.None });
        yield return Rope("llama-rope-linear", "factor + 1%", rope => rope with { Factor = rope.Factor * 1.01 });
        yield return Rope("llama-rope-llama3", "no scaling", rope => rope with { Kind = RopeKind.None });
        yield return Rope("llama-rope-llama3", "high factor 3", rope => rope with { HighFrequencyFactor = 3 });
        yield return Rope("llama-rope-llama3", "original 72", rope => rope with { OriginalMaxPositions = 72 });
        yield return Rope("llama-rope-yarn", "no scaling", rope => rope with { Kind = RopeKind.None });
        yield return Rope("llama-rope-yarn", "attention factor 1", rope => rope with { AttentionFactor = 1 });
        yield return Rope("llama-rope-yarn", "exact borders", rope => rope with { Truncate = false });
        yield return Rope("llama-rope-yarn", "original 256", rope => rope with { OriginalMaxPositions = 256 });

        // Parts left out.
        yield return Case("llama-bias", "no QKV bias", spec => spec with { QueryKeyValueBias = false });
        yield return Case("llama-bias", "no output bias", spec => spec with { AttentionOutputBias = false });
        yield return Case("llama-bias", "no MLP bias", spec => spec with { MlpBias = false });
        yield return Case("qwen2", "no QKV bias", spec => spec with { QueryKeyValueBias = false });
        yield return Case("qwen3", "no QK norm", spec => spec with { QueryKeyNorm = false });
        yield return Case("llama", "GELU", spec => spec with { Activation = Activation.GeluTanh });
        yield return Case("llama", "epsilon", spec => spec with { NormEpsilon = 1e-3f });
        yield return Case(
            "llama", "tied", spec => spec with { TiedEmbeddings = true, Names = spec.Names with { OutputHead = "none" } });
    }

    [TestCaseSource(nameof(Mutants))]
    public void The_check_rejects(string name, object mutation)
    {
        Func<ArchitectureSpec, ArchitectureSpec> mutate = (Func<ArchitectureSpec, ArchitectureSpec>)mutation;
        GoldenCase golden = GoldenCase.Load(name);
        ModelConfig config = ModelConfig.Load(golden.Directory);
        ArchitectureSpec spec = Architectures.Describe(config);
        using (TransformerModel right = Create(golden, config, spec))
        {
            Assert.That(GoldenCheck.Fault(right, golden), Is.Null, "without the mutation");
        }

        using TransformerModel wrong = Create(golden, config, mutate(spec));
        string? fault = GoldenCheck.Fault(wrong, golden);
        Assert.That(fault, Is.Not.Null);
        TestContext.Out.WriteLine(fault);
    }

    private static TransformerModel Create(GoldenCase golden, ModelConfig config, ArchitectureSpec spec) =>
        TransformerModel.Create(config, spec, CheckpointWeights.Open(golden.Directory), GoldenCase.Options);

    private static ImmutableArray<int?> Windows(ArchitectureSpec spec, int? window) =>
        [.. Enumerable.Repeat(window, spec.LayerCount)];

    private static TestCaseData Rope(string name, string mutation, Func<RopeConfig, RopeConfig> mutate) =>
        Case(name, mutation, spec => spec with { Rope = mutate(spec.Rope) });

    private static TestCaseData Case(string name, string mutation, Func<ArchitectureSpec, ArchitectureSpec> mutate) =>
        new TestCaseData(name, mutate).SetArgDisplayNames(name, mutation);
}
