using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Generation;

/// <summary>What the scorer promises beside its sums, which the tests of <c>warpline perplexity</c> compare.</summary>
public sealed class TextScorerTests
{
    [Test]
    public async Task No_other_score_comes_between_the_pieces_of_one()
    {
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
        using TextScorer scorer = new(model, context: 64);
        int[] tokens = [.. model.Tokenizer!.EncodeToIds(string.Concat(Enumerable.Repeat("Once upon a time there was a goat. ", 30)))];
        TextScore expected = scorer.Score(tokens);
        int reports = 0;
        TextScore score = scorer.Score(tokens, new Progress(() =>
        {
            reports++;
            Assert.That(() => scorer.Score(tokens.AsSpan(5, 20)), Throws.InvalidOperationException.With.Message.Contains("in use by another call"));
        }));
        Assert.That(reports, Is.GreaterThan(2));
        Assert.That(score, Is.EqualTo(expected));
        Assert.That(scorer.Score(tokens.AsSpan(5, 20)).ScoredTokens, Is.EqualTo(19), "afterwards it scores again");
    }

    private sealed class Progress(Action report) : IProgress<TextScore>
    {
        public void Report(TextScore value) => report();
    }
}
