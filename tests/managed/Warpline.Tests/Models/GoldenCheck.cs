using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>The check that a model passes against a golden case, or fails with a reason.</summary>
internal static class GoldenCheck
{
    /// <summary>Largest absolute error of a float32 model's logits.</summary>
    public const double LogitTolerance = 1e-4;

    /// <summary>Choices that are closer than this may differ.</summary>
    public const double DecidedMargin = 1e-3;

    /// <summary>The same where activations are bfloat16.</summary>
    public const double DecidedMarginOfBFloat16 = 0.1;

    /// <summary>The first fault, or null.</summary>
    /// <param name="model">The model under test.</param>
    /// <param name="golden">What it must compute.</param>
    /// <param name="pieces">Tokens a call; null for all at once.</param>
    public static string? Fault(TransformerModel model, GoldenCase golden, int? pieces = null)
    {
        for (int i = 0; i < golden.Prompts.Length; i++)
        {
            float[] logits = Run(model, golden.Prompts[i], pieces);
            double error = logits.Zip(golden.Logits[i], (a, b) => Math.Abs((double)a - b)).Max();
            if (!(error <= LogitTolerance) || logits.Length != golden.Logits[i].Length)
            {
                return $"prompt {i}: the largest error of a logit is {error:g3}, at most {LogitTolerance:g3} is allowed";
            }
        }

        return ForcedFault(model, golden.Prompts, golden.Greedy, golden.Margins, pieces);
    }

    /// <summary>Feeds prompts with their reference tokens and compares each choice that is decided.</summary>
    public static string? ForcedFault(TransformerModel model, int[][] prompts, int[][] greedy, double[][] margins, int? pieces = null) =>
        ForcedFault(model, prompts, greedy, margins, DecidedMargin, leastDecided: 0.8, pieces);

    /// <summary>As above, with the margin above which a choice is decided and the least share of such choices.</summary>
    public static string? ForcedFault(
        TransformerModel model,
        int[][] prompts,
        int[][] greedy,
        double[][] margins,
        double decidedMargin,
        double leastDecided,
        int? pieces = null)
    {
        int decided = 0, steps = 0, vocabulary = model.Config.VocabularySize;
        for (int i = 0; i < prompts.Length; i++)
        {
            float[] logits = Run(model, [.. prompts[i], .. greedy[i][..^1]], pieces);
            for (int step = 0; step < greedy[i].Length; step++, steps++)
            {
                if (margins[i][step] <= decidedMargin)
                {
                    continue;
                }

                decided++;
                ReadOnlySpan<float> row = logits.AsSpan((prompts[i].Length - 1 + step) * vocabulary, vocabulary);
                int best = IndexOfMax(row);
                if (best != greedy[i][step])
                {
                    return $"prompt {i}, step {step}: the argmax is {best}, the reference says {greedy[i][step]} with margin {margins[i][step]}";
                }
            }
        }

        return decided >= leastDecided * steps
            ? null
            : $"only {decided} of {steps} steps are decided; at least {leastDecided:P0} are required";
    }

    /// <summary>Logits of all tokens in a session of their own.</summary>
    public static float[] Run(TransformerModel model, int[] tokens, int? pieces = null)
    {
        using DecoderSession session = model.CreateSession(tokens.Length);
        List<float> logits = [];
        foreach (int[] piece in tokens.Chunk(pieces ?? tokens.Length))
        {
            logits.AddRange(session.Forward(piece, LogitsMode.All));
        }

        return [.. logits];
    }

    /// <summary>Of logits against a reference, in units of the reference's mean square.</summary>
    public static double MeanSquareError(float[] logits, IEnumerable<double> reference)
    {
        double[] expected = [.. reference];
        Assert.That(logits, Has.Length.EqualTo(expected.Length));
        return logits.Zip(expected, (x, y) => (x - y) * (x - y)).Sum() / expected.Sum(y => y * y);
    }

    public static int IndexOfMax(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int i = 1; i < row.Length; i++)
        {
            best = row[i] > row[best] ? i : best;
        }

        return best;
    }
}
