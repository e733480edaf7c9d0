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

    /// <summary>Scores stories, each alone, with its end.</summary>
    public static TextScore Score(TransformerModel model, IEnumerable<string> stories)
    {
        using TextScorer scorer = new(model);
        TextScore score = default;
        foreach (string story in stories)
        {
            score += scorer.Score([.. model.Tokenizer!.EncodeToIds(story), model.Config.EndOfSequenceIds[0]]);
        }

        return score;
    }
}
