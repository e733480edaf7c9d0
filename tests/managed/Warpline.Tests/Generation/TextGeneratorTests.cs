using NUnit.Framework;
using Warpline.Tests.Models;
using Warpline.Transformers;

namespace Warpline.Tests.Generation;

/// <summary>What a generation promises beside its tokens, on the trained model.</summary>
public sealed class TextGeneratorTests
{
    private const string Prompt = "Once upon a time";

    private TransformerModel _model = null!;
    private TextGenerator _generator = null!;

    [OneTimeSetUp]
    public async Task Load()
    {
        _model = await TransformerModel.LoadAsync(TestData.Storyteller);
        _generator = new TextGenerator(_model);
    }

    [OneTimeTearDown]
    public async Task Free()
    {
        await _generator.DisposeAsync();
        _model.Dispose();
    }

    [Test]
    public async Task The_checkpoints_own_settings_are_greedy_up_to_the_end()
    {
        List<GeneratedToken> tokens = await Collect(Prompt, null);
        Assert.That(tokens[^1].FinishReason, Is.EqualTo(FinishReason.EndOfSequence));
        Assert.That(tokens[^1].Id, Is.EqualTo(1));
        Assert.That(tokens.SkipLast(1), Has.All.Matches<GeneratedToken>(token => token.FinishReason is null));
        Assert.That(Text(tokens), Does.StartWith(" there was a clever goat named Cleo.").And.Not.Contain("<|end|>"));
    }

    [Test]
    public async Task Lengths_and_capacities_end_a_generation()
    {
        List<GeneratedToken> tokens = await Collect(Prompt, new GenerationOptions { MaxOutputTokens = 7 });
        Assert.That((tokens.Count, tokens[^1].FinishReason), Is.EqualTo((7, FinishReason.Length)));

        using DecoderSession session = _model.CreateSession(9);
        tokens = await Collect(_generator.GenerateAsync(session, new[] { 0, 621, 620, 260, 470 }));
        Assert.That((tokens.Count, tokens[^1].FinishReason), Is.EqualTo((5, FinishReason.Capacity)));
        Assert.That(session.Position, Is.EqualTo(9));
    }

    [Test]
    public async Task Seeds_repeat_and_differ()
    {
        GenerationOptions options = new() { Temperature = 1.2f, Seed = 11, MaxOutputTokens = 40, IgnoreEndOfSequence = true };
        int[] first = Ids(await Collect(Prompt, options));
        Assert.That(Ids(await Collect(Prompt, options)), Is.EqualTo(first));
        Assert.That(Ids(await Collect(Prompt, options with { Seed = 12 })), Is.Not.EqualTo(first));
        int[] drawn = Ids(await Collect(Prompt, options with { Seed = null }));
        Assert.That(Ids(await Collect(Prompt, options with { Seed = null })), Is.Not.EqualTo(drawn), "a new seed each time");
    }

    [Test]
    public async Task Narrow_sampling_is_greedy()
    {
        GenerationOptions greedy = new() { MaxOutputTokens = 30 };
        int[] expected = Ids(await Collect(Prompt, greedy));
        Assert.That(Ids(await Collect(Prompt, greedy with { Temperature = 0 })), Is.EqualTo(expected));
        Assert.That(Ids(await Collect(Prompt, greedy with { TopK = 1 })), Is.EqualTo(expected));
        Assert.That(Ids(await Collect(Prompt, greedy with { Temperature = 2, MinP = 1 })), Is.EqualTo(expected));
        Assert.That(Ids(await Collect(Prompt, greedy with { TopP = 1e-6f })), Is.EqualTo(expected));
        Assert.That(Ids(await Collect(Prompt, greedy with { Seed = 3 })), Is.EqualTo(expected), "a seed alone does not sample");
        Assert.That(Ids(await Collect(Prompt, greedy with { Temperature = 1.5f, Seed = 3 })), Is.Not.EqualTo(expected));
    }

    [Test]
    public async Task Penalties_change_the_choice()
    {
        GenerationOptions greedy = new() { MaxOutputTokens = 60, IgnoreEndOfSequence = true };
        int[] plain = Ids(await Collect(Prompt, greedy));
        foreach (GenerationOptions penalised in new[]
        {
            greedy with { RepetitionPenalty = 1.8f }, greedy with { FrequencyPenalty = 3 }, greedy with { PresencePenalty = 5 },
        })
        {
            int[] ids = Ids(await Collect(Prompt, penalised));
            Assert.That(ids.Distinct().Count(), Is.GreaterThan(plain.Distinct().Count()));
        }
    }

    [TestCase("goat")]
    [TestCase(" Cleo. Cleo lived")]
    [TestCase(".")]
    [TestCase("ever goat na")]
    public async Task Stop_sequences_are_never_emitted(string stop)
    {
        string whole = Text(await Collect(Prompt, null));
        List<GeneratedToken> tokens = await Collect(Prompt, new GenerationOptions { StopSequences = ["never said", stop] });
        Assert.That(tokens[^1].FinishReason, Is.EqualTo(FinishReason.StopSequence));
        Assert.That(Text(tokens), Is.EqualTo(whole[..whole.IndexOf(stop, StringComparison.Ordinal)]));
    }

    [Test]
    public async Task Held_back_text_is_released_at_the_end()
    {
        // Ends inside what could have become the stop sequence.
        List<GeneratedToken> some = await Collect(Prompt, new GenerationOptions { MaxOutputTokens = 5 });
        string text = Text(some);
        List<GeneratedToken> tokens = await Collect(
            Prompt, new GenerationOptions { MaxOutputTokens = 5, StopSequences = [text[^3..] + "\u0001"] });
        Assert.That((Text(tokens), tokens[^1].FinishReason), Is.EqualTo((text, FinishReason.Length)));
    }

    [Test]
    public async Task Log_probabilities_are_those_of_the_raw_logits()
    {
        GenerationOptions options = new()
        {
            MaxOutputTokens = 10,
            Temperature = 0.7f,
            Seed = 5,
            RepetitionPenalty = 1.3f,
            TopK = 20,
            TopLogProbabilities = 4,
        };
        List<GeneratedToken> tokens = await Collect(Prompt, options);
        using DecoderSession session = _model.CreateSession();
        float[] logits = session.Forward([.. _model.Tokenizer!.EncodeToIds(Prompt)]).ToArray();
        foreach (GeneratedToken token in tokens)
        {
            double sum = Math.Log(logits.Sum(logit => Math.Exp(logit)));
            Assert.That(token.LogProbability, Is.EqualTo(logits[token.Id] - sum).Within(1e-3));
            int[] best = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).Take(4)];
            Assert.That(token.TopLogProbabilities.Select(item => item.Id), Is.EqualTo(best));
            Assert.That(token.TopLogProbabilities[3].LogProbability, Is.EqualTo(logits[best[3]] - sum).Within(1e-3));
            logits = session.Forward([token.Id]).ToArray();
        }

        List<GeneratedToken> without = await Collect(Prompt, options with { TopLogProbabilities = 0 });
        Assert.That(Ids(without), Is.EqualTo(Ids(tokens)));
        Assert.That(
            without.Select(token => token.LogProbability),
            Is.EqualTo(tokens.Select(token => token.LogProbability)).Within(1e-5f));
        Assert.That(without, Has.All.Matches<GeneratedToken>(token => token.TopLogProbabilities.Count == 0));
    }

    [Test]
    public async Task A_processor_sees_the_tokens_and_changes_the_choice()
    {
        Forbid processor = new();
        GenerationOptions options = new() { MaxOutputTokens = 12, LogitsProcessor = processor };
        List<GeneratedToken> plain = await Collect(Prompt, options with { LogitsProcessor = null });
        processor.Forbidden = plain[0].Id;
        List<GeneratedToken> tokens = await Collect(Prompt, options);
        Assert.That(Ids(tokens), Has.None.EqualTo(plain[0].Id));
        Assert.That(processor.Lengths, Is.EqualTo(Enumerable.Range(5, 12)));
        Assert.That(tokens[0].LogProbability, Is.LessThan(plain[0].LogProbability), "of the raw logits, where it was not the best");
    }

    [Test]
    public async Task Cancellation_leaves_the_session_usable()
    {
        int[] ids = [.. _model.Tokenizer!.EncodeToIds(Prompt)];
        using DecoderSession session = _model.CreateSession();
        using CancellationTokenSource source = new();
        List<int> got = [];
        Assert.That(
            async () =>
            {
                await foreach (GeneratedToken token in _generator.GenerateAsync(session, ids, null, source.Token))
                {
                    got.Add(token.Id);
                    if (got.Count == 6)
                    {
                        await source.CancelAsync();
                    }
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(session.Position, Is.GreaterThanOrEqualTo(ids.Length + 5));
        session.Truncate(ids.Length);
        int[] again = Ids(await Collect(_generator.GenerateAsync(session, got.Take(1).ToArray(), new GenerationOptions { MaxOutputTokens = 5 })));
        Assert.That(again, Is.EqualTo(got.Skip(1)));
    }

    [Test]
    public void A_cancelled_token_ends_before_the_first_step()
    {
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.That(
            async () => await Collect(_generator.GenerateAsync(Prompt, null, source.Token)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(
            async () =>
            {
                await foreach (GeneratedToken token in _generator.GenerateAsync(Prompt).WithCancellation(source.Token))
                {
                    Assert.Fail($"got {token.Id}");
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    [NonParallelizable]
    public async Task A_consumer_that_leaves_early_leaves_no_thread_and_no_memory()
    {
        long before = WarplineLibrary.LiveHandles;
        for (int i = 0; i < 20; i++)
        {
            await foreach (GeneratedToken token in _generator.GenerateAsync(Prompt, new GenerationOptions { IgnoreEndOfSequence = true }))
            {
                break;
            }
        }

        // The thread ends before the enumeration does, and its session with it.
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before).Or.EqualTo(before + RotaryTableHandles));
    }

    [Test]
    public async Task Sixty_four_generations_at_once_give_what_one_gives()
    {
        GenerationOptions options = new() { Temperature = 1, MaxOutputTokens = 20, IgnoreEndOfSequence = true };
        int[][] alone = new int[4][];
        for (int seed = 0; seed < 4; seed++)
        {
            alone[seed] = Ids(await Collect(Prompt, options with { Seed = seed }));
        }

        int[][] together = await Task.WhenAll(Enumerable.Range(0, 64).Select(
            async index => Ids(await Collect(Prompt, options with { Seed = index % 4 }))));
        for (int i = 0; i < together.Length; i++)
        {
            Assert.That(together[i], Is.EqualTo(alone[i % 4]));
        }
    }

    [Test]
    public async Task Disposing_the_generator_ends_its_generations()
    {
        TextGenerator generator = new(_model);
        Task endless = Task.Run(async () =>
        {
            while (true)
            {
                await Collect(generator.GenerateAsync(Prompt, new GenerationOptions { IgnoreEndOfSequence = true }));
            }
        });
        await Task.Delay(50);
        await generator.DisposeAsync();
        Assert.That(
            async () => await endless, Throws.InstanceOf<OperationCanceledException>().Or.InstanceOf<ObjectDisposedException>());
        Assert.That(() => generator.GenerateAsync(Prompt), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public async Task A_model_without_a_tokenizer_gives_ids_only()
    {
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.GoldenModel("llama"), GoldenCase.Options);
        await using TextGenerator generator = new(model);
        GoldenCase golden = GoldenCase.Load("llama");
        List<GeneratedToken> tokens = await Collect(generator.GenerateAsync(
            golden.Prompts[0], new GenerationOptions { MaxOutputTokens = 24, IgnoreEndOfSequence = true }));
        Assert.That(Ids(tokens), Is.EqualTo(golden.Greedy[0]));
        Assert.That(tokens, Has.All.Matches<GeneratedToken>(token => token.Text.Length == 0));
        Assert.That(() => generator.GenerateAsync("text"), Throws.InvalidOperationException.With.Message.Contains("no tokenizer"));
        Assert.That(
            () => generator.GenerateAsync(golden.Prompts[0], new GenerationOptions { StopSequences = ["x"] }),
            Throws.ArgumentException.With.Message.Contains("no tokenizer"));
    }

    [Test]
    public void Bad_options_are_named()
    {
        Refused(new() { MaxOutputTokens = 0 }, "MaxOutputTokens must be at least 1.");
        Refused(new() { Temperature = -1 }, "Temperature must be a finite number from 0 on.");
        Refused(new() { Temperature = float.NaN }, "Temperature must be a finite number from 0 on.");
        Refused(new() { TopK = -1 }, "TopK must be at least 0.");
        Refused(new() { TopP = 0 }, "TopP must be in (0, 1].");
        Refused(new() { TopP = 1.5f }, "TopP must be in (0, 1].");
        Refused(new() { MinP = 2 }, "MinP must be in [0, 1].");
        Refused(new() { RepetitionPenalty = 0 }, "RepetitionPenalty must be a finite number above 0.");
        Refused(new() { FrequencyPenalty = float.PositiveInfinity }, "FrequencyPenalty must be a finite number.");
        Refused(new() { PresencePenalty = float.NaN }, "PresencePenalty must be a finite number.");
        Refused(new() { TopLogProbabilities = 1025 }, "TopLogProbabilities must be in [0, 1024].");
        Refused(new() { StopSequences = ["a", ""] }, "StopSequences[1] is empty; a text is required.");
        Assert.That(
            () => _generator.GenerateAsync(ReadOnlyMemory<int>.Empty), Throws.ArgumentException.With.Message.StartsWith("The prompt has no tokens"));
        Assert.That(
            () => _generator.GenerateAsync(new int[2049]),
            Throws.ArgumentException.With.Message.StartsWith("The prompt has 2049 tokens; at most 2048 are possible."));
        Assert.That(
            async () => await Collect(_generator.GenerateAsync(new[] { 0, 1024 })),
            Throws.ArgumentException.With.Message.StartsWith("tokens[1] is 1024; an id in [0, 1024) is required."));

        void Refused(GenerationOptions options, string message) => Assert.That(
            () => _generator.GenerateAsync(Prompt, options), Throws.InstanceOf<ArgumentException>().With.Message.StartsWith(message));
    }

    [Test]
    public async Task A_session_of_another_model_is_refused()
    {
        using TransformerModel other = await TransformerModel.LoadAsync(TestData.GoldenModel("llama"));
        using DecoderSession session = other.CreateSession();
        Assert.That(
            () => _generator.GenerateAsync(session, new[] { 1 }), Throws.ArgumentException.With.Message.Contains("another model"));
    }

    [Test]
    public async Task No_call_comes_between_the_tokens_of_a_generation()
    {
        using DecoderSession session = _model.CreateSession(100);
        GenerationOptions options = new() { MaxOutputTokens = 40, IgnoreEndOfSequence = true };
        int[] prompt = [0, 621, 620, 260, 470], expected = Ids(await Collect(_generator.GenerateAsync(prompt, options)));
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in _generator.GenerateAsync(session, prompt, options))
        {
            tokens.Add(token);
            if (tokens.Count == 1)
            {
                const string message = "This DecoderSession is in use by another call";
                Assert.That(() => session.Truncate(2), Throws.InvalidOperationException.With.Message.StartsWith(message));
                Assert.That(() => session.Forward([1]).Length, Throws.InvalidOperationException.With.Message.StartsWith(message));
                Assert.That(
                    () => Collect(_generator.GenerateAsync(session, prompt)), Throws.InvalidOperationException.With.Message.StartsWith(message));
            }
        }

        Assert.That(Ids(tokens), Is.EqualTo(expected));
        session.Truncate(2);
    }

    [Test]
    public async Task A_session_that_is_disposed_ends_its_generation()
    {
        DecoderSession session = _model.CreateSession(100);
        await using IAsyncEnumerator<GeneratedToken> tokens = _generator.GenerateAsync(
            session, new[] { 0, 621 }, new GenerationOptions { MaxOutputTokens = 90, IgnoreEndOfSequence = true }).GetAsyncEnumerator();
        Assert.That(await tokens.MoveNextAsync(), Is.True);
        session.Dispose();
        Assert.That(
            async () =>
            {
                while (await tokens.MoveNextAsync())
                {
                }
            },
            Throws.InstanceOf<ObjectDisposedException>().With.Message.Contains(nameof(DecoderSession)));
    }

    [Test]
    public async Task Every_disposal_of_the_generator_waits_for_its_threads()
    {
        TextGenerator generator = new(_model);
        await using IAsyncEnumerator<GeneratedToken> tokens = generator.GenerateAsync(Prompt).GetAsyncEnumerator();
        Assert.That(await tokens.MoveNextAsync(), Is.True);
        await Task.WhenAll(generator.DisposeAsync().AsTask(), generator.DisposeAsync().AsTask());
        await generator.DisposeAsync();
        Assert.That(() => generator.GenerateAsync(Prompt), Throws.InstanceOf<ObjectDisposedException>());
    }

    // The first session of a capacity may make the model's shared rotary tables: cosines, sines, positions.
    private const int RotaryTableHandles = 3;

    private Task<List<GeneratedToken>> Collect(string prompt, GenerationOptions? options) => Collect(_generator.GenerateAsync(prompt, options));

    private static async Task<List<GeneratedToken>> Collect(IAsyncEnumerable<GeneratedToken> generation)
    {
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in generation)
        {
            tokens.Add(token);
        }

        return tokens;
    }

    private static int[] Ids(IEnumerable<GeneratedToken> tokens) => [.. tokens.Select(token => token.Id)];

    private static string Text(IEnumerable<GeneratedToken> tokens) => string.Concat(tokens.Select(token => token.Text));

    private sealed class Forbid : ILogitsProcessor
    {
        public int Forbidden { get; set; }

        public List<int> Lengths { get; } = [];

        public void Process(ReadOnlySpan<int> tokens, Span<float> logits)
        {
            Lengths.Add(tokens.Length);
            logits[Forbidden] = float.NegativeInfinity;
        }
    }
}
