using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli.Demo;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>The trained model against its float64 references, all of it.</summary>
public sealed class StorytellerTests
{
    private StorytellerFiles _files = null!;
    private TransformerModel _model = null!;

    [OneTimeSetUp]
    public async Task Load()
    {
        _files = new StorytellerFiles(TestData.Storyteller);
        _model = await TransformerModel.LoadAsync(TestData.Storyteller);
    }

    [OneTimeTearDown]
    public void Free() => _model.Dispose();

    [Test]
    public void Teacher_forced_choices_equal_the_reference() => Assert.That(
        GoldenCheck.ForcedFault(
            _model,
            [.. _files.Continuations.Select(row => row.Ids)],
            [.. _files.Continuations.Select(row => row.Greedy)],
            [.. _files.Continuations.Select(row => row.Margins)]),
        Is.Null);

    [Test]
    public async Task Greedy_continuations_equal_the_reference()
    {
        int compared = 0;
        await using TextGenerator generator = new(_model);
        foreach (StorytellerFiles.Continuation row in _files.Continuations)
        {
            GenerationOptions options = new() { MaxOutputTokens = row.Greedy.Length, IgnoreEndOfSequence = true };
            List<GeneratedToken> tokens = [];
            await foreach (GeneratedToken token in generator.GenerateAsync(row.Prompt, options))
            {
                tokens.Add(token);
            }

            // Up to the first choice that is too close to call.
            int undecided = Array.FindIndex(row.Margins, margin => margin <= GoldenCheck.DecidedMargin);
            int length = undecided < 0 ? row.Greedy.Length : undecided;
            Assert.That(tokens.Take(length).Select(token => token.Id), Is.EqualTo(row.Greedy.Take(length)), row.Prompt);
            if (undecided < 0)
            {
                Assert.That(string.Concat(tokens.Select(token => token.Text)), Is.EqualTo(row.Text), row.Prompt);
                compared++;
            }
        }

        Assert.That(compared, Is.GreaterThanOrEqualTo(5));
    }

    [Test]
    public void Held_out_perplexity_equals_the_reference()
    {
        TextScore score = StorytellerTasks.Score(_model, _files.Stories);
        TestContext.Out.WriteLine($"{score.Perplexity:R} on {score.ScoredTokens} tokens; the reference says {_files.HeldOutPerplexity:R}");
        Assert.That(score.ScoredTokens, Is.EqualTo(_files.HeldOutTokens));
        Assert.That(score.Perplexity, Is.EqualTo(_files.HeldOutPerplexity).Within(0.01).Percent);
    }

    [Test]
    public void Perplexity_of_the_first_stories_equals_the_reference()
    {
        TextScore score = StorytellerTasks.Score(_model, _files.Stories.Take(_files.ReferenceStories));
        Assert.That(score.Perplexity, Is.EqualTo(_files.ReferencePerplexity).Within(0.01).Percent);
    }

    [Test]
    public void The_reference_of_the_first_stories_is_what_it_says()
    {
        // The first story again in float64; the file's own figure needs all ten.
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.Storyteller, "reference10.json")));
        int[] ids = [.. _model.Tokenizer!.EncodeToIds(_files.Stories[0]), _model.Config.EndOfSequenceIds[0]];
        Reference.Float64Llama reference = new(TestData.Storyteller);
        double loss = 0;
        for (int i = 0; i + 1 < ids.Length; i++)
        {
            double[] logits = reference.Step(ids[i]);
            loss += Math.Log(logits.Sum(Math.Exp)) - logits[ids[i + 1]];
        }

        TextScore score = StorytellerTasks.Score(_model, _files.Stories.Take(1));
        Assert.That(score.Perplexity, Is.EqualTo(Math.Exp(loss / score.ScoredTokens)).Within(0.001).Percent);
        Assert.That(json.RootElement.GetProperty("stories").GetInt32(), Is.EqualTo(10));
        Assert.That(
            Math.Exp(json.RootElement.GetProperty("nll_per_token").GetDouble()),
            Is.EqualTo(json.RootElement.GetProperty("perplexity").GetDouble()).Within(1e-9));
    }

    [Test]
    public async Task As_many_questions_are_answered_rightly_as_by_the_reference()
    {
        await using TextGenerator generator = new(_model);
        int right = 0;
        foreach (StorytellerFiles.Question question in _files.Questions)
        {
            right += await StorytellerTasks.AnswerAsync(generator, question.Prompt, default) == question.Answer ? 1 : 0;
        }

        TestContext.Out.WriteLine($"{right} of {_files.Questions.Count} right");
        Assert.That(_files.Questions, Has.Count.EqualTo(200));
        Assert.That(right, Is.EqualTo(_files.QuestionsRight).Within(1));
    }
}
