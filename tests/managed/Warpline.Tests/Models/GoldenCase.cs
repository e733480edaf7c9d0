using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>A golden checkpoint: prompts with float64 logits, and greedy continuations with the margin of each choice.</summary>
internal sealed class GoldenCase
{
    private GoldenCase(string directory, int[][] prompts, int[][] greedy, double[][] margins, float[][] logits) =>
        (Directory, Prompts, Greedy, Margins, Logits) = (directory, prompts, greedy, margins, logits);

    /// <summary>
    /// How to compute what the golden files hold: their float64 logits come from models that were cast to bfloat16 as a
    /// whole before, so the rotary frequencies are rounded to bfloat16 as the weights are. (Those of the storyteller were
    /// not, and models do not round them by default.)
    /// </summary>
    public static ModelOptions Options { get; } = new() { RotaryFrequencyType = ElementType.BFloat16 };

    public string Directory { get; }

    public int[][] Prompts { get; }

    public int[][] Greedy { get; }

    public double[][] Margins { get; }

    /// <summary>For each prompt, a row of the vocabulary's size for each token.</summary>
    public float[][] Logits { get; }

    public static GoldenCase Load(string name)
    {
        string directory = TestData.GoldenModel(name);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "case.json")));
        int[][] prompts = Lists(json, "prompts", item => item.GetInt32());
        using CheckpointWeights expected = CheckpointWeights.Open(Path.Combine(directory, "expected.safetensors"));
        float[][] logits = [.. prompts.Select((_, index) => Values(expected, $"logits.{index}"))];
        return new GoldenCase(
            directory, prompts, Lists(json, "greedy", item => item.GetInt32()),
            Lists(json, "greedy_margin", item => item.GetDouble()), logits);
    }

    /// <summary>A float32 tensor's values.</summary>
    public static unsafe float[] Values(IWeightSource source, string name)
    {
        Assert.That(source.TryGet(name, out WeightTensor tensor), Is.True, name);
        Assert.That(tensor.Type, Is.EqualTo(ElementType.Float32), name);
        return new ReadOnlySpan<float>((void*)tensor.Address, checked((int)tensor.ElementCount)).ToArray();
    }

    private static T[][] Lists<T>(JsonDocument json, string name, Func<JsonElement, T> read) =>
        [.. json.RootElement.GetProperty(name).EnumerateArray().Select(list => list.EnumerateArray().Select(read).ToArray())];
}
