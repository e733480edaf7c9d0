using Warpline.Transformers;

namespace Warpline.Cli.Demo;

/// <summary>What the storyteller is measured by.</summary>
internal static class StorytellerTasks
{
    private const int MostAnswerTokens = 40;

    /// <summary>Greedy answer to a question, up to the end of the sequence or line, trimmed.</summary>
    public static async Task<string> AnswerAsync(TextGenerator generator, string prompt, CancellationToken cancellation)
    {
        GenerationOptions options = new() { Temperature = 0, MaxOutputTokens = MostAnswerTokens, StopSequences = ["\n"] };
        List<string> pieces = [];
        await foreach (GeneratedToken token in generator.GenerateAsync(prompt, options, cancellation).ConfigureAwait(false))
        {
            pieces.Add(token.Text);
        }

        return string.Concat(pieces).Trim();
    }

    /// <summary>Scores stories, each alone, with its end: the perplexity and the number of scored tokens.</summary>
    public static (double Perplexity, int Tokens) Score(TransformerModel model, IEnumerable<string> stories)
    {
        int vocabulary = model.Config.VocabularySize, end = model.Config.EndOfSequenceIds[0], tokens = 0;
        double loss = 0;
        using DecoderSession session = model.CreateSession();
        foreach (string story in stories)
        {
            int[] ids = [.. model.Tokenizer!.EncodeToIds(story), end];
            session.Truncate(0);
            ReadOnlySpan<float> logits = session.Forward(ids.AsSpan(..^1), LogitsMode.All);
            for (int i = 1; i < ids.Length; i++, tokens++)
            {
                loss += Loss(logits.Slice((i - 1) * vocabulary, vocabulary), ids[i]);
            }
        }

        return (Math.Exp(loss / tokens), tokens);
    }

    private static double Loss(ReadOnlySpan<float> logits, int id)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        return largest + Math.Log(sum) - logits[id];
    }
}
