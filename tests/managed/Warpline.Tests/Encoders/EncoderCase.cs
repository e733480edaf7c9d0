using System.Text.Json;
using NUnit.Framework;
using Warpline.Tests.Models;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>A golden checkpoint of an encoder: prompts with the last hidden states and the pooler's outputs of a float64
/// computation, and what must hold of a model against them.</summary>
internal sealed record EncoderCase(string Directory, int[][] Prompts, float[][] Hidden, float[][]? Pooled)
{
    /// <summary>Largest absolute error of a float32 model.</summary>
    public const double Tolerance = 1e-4;

    /// <summary>Largest mean square error of a bfloat16 model, in units of the reference's mean square.</summary>
    public const double BFloat16Tolerance = 2e-4;

    public static string[] Names { get; } = ["bert", "distilbert", "roberta", "xlm-roberta", "electra", "albert"];

    public static EncoderCase Load(string name)
    {
        string directory = TestData.GoldenModel(name);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "case.json")));
        int[][] prompts = [.. json.RootElement.GetProperty("prompts").EnumerateArray()
            .Select(list => list.EnumerateArray().Select(id => id.GetInt32()).ToArray())];
        using CheckpointWeights expected = CheckpointWeights.Open(Path.Combine(directory, "expected.safetensors"));
        return new EncoderCase(
            directory,
            prompts,
            [.. prompts.Select((_, i) => GoldenCase.Values(expected, $"last_hidden_state.{i}"))],
            expected.TryGet("pooler_output.0", out _) ? [.. prompts.Select((_, i) => GoldenCase.Values(expected, $"pooler_output.{i}"))] : null);
    }

    /// <summary>The first fault of a float32 model, or null: each prompt alone, then all in one batch.</summary>
    public string? Fault(EncoderModel model)
    {
        using EncoderSession session = model.CreateSession();
        for (int i = 0; i < Prompts.Length; i++)
        {
            float[] hidden = session.Forward(Prompts[i]).ToArray(), pooled = Pooled is null ? [] : session.PoolerOutput().ToArray();
            if (Difference(hidden, Hidden[i]) is string fault)
            {
                return $"prompt {i}: {fault}";
            }

            if (Pooled is not null && Difference(pooled, Pooled[i]) is string pooledFault)
            {
                return $"prompt {i}, pooler: {pooledFault}";
            }
        }

        float[] batch = session.Forward([.. Prompts.SelectMany(ids => ids)], [.. Prompts.Select(ids => ids.Length)]).ToArray();
        string? batchFault = Difference(batch, [.. Hidden.SelectMany(rows => rows)]);
        if (Pooled is not null)
        {
            batchFault ??= Difference(session.PoolerOutput().ToArray(), [.. Pooled.SelectMany(row => row)]);
        }

        return batchFault is null ? null : $"batch: {batchFault}";
    }

    /// <summary>Mean square errors of hidden states and pooler's outputs (0 where there are none).</summary>
    public (double Hidden, double Pooled) MeanSquareErrors(EncoderModel model)
    {
        using EncoderSession session = model.CreateSession();
        float[] hidden = session.Forward([.. Prompts.SelectMany(ids => ids)], [.. Prompts.Select(ids => ids.Length)]).ToArray();
        double error = GoldenCheck.MeanSquareError(hidden, Hidden.SelectMany(rows => rows).Select(x => (double)x));
        return Pooled is null
            ? (error, 0)
            : (error, GoldenCheck.MeanSquareError(session.PoolerOutput().ToArray(), Pooled.SelectMany(row => row).Select(x => (double)x)));
    }

    private static string? Difference(float[] values, float[] expected)
    {
        Assert.That(values, Has.Length.EqualTo(expected.Length));
        double worst = values.Zip(expected, (a, b) => Math.Abs((double)a - b)).Max();
        return worst <= Tolerance ? null : $"the largest error is {worst:g3}, at most {Tolerance:g3} is allowed";
    }
}
