using Microsoft.Extensions.AI;
using NUnit.Framework;
using Warpline.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Interop.Tests.ExtensionsAI;

/// <summary>The chat client beside direct use of the generator: same options and seed, same text.</summary>
internal sealed class ChatClientTests
{
    private static readonly ChatMessage[] Question = [new(ChatRole.User, Storyteller.Prompt)];

    private TransformerModel _model = null!;

    [OneTimeSetUp]
    public async Task Load() => _model = await TransformerModel.LoadAsync(Storyteller.Folder);

    [OneTimeTearDown]
    public void Free() => _model.Dispose();

    /// <summary>Options, and the generator's own that must do the same.</summary>
    private static IEnumerable<TestCaseData> Options()
    {
        const int most = 40;
        GenerationOptions basis = new() { MaxOutputTokens = most };
        GenerationOptions sampling = basis with { Temperature = 1.5f, Seed = 7 };
        yield return Case("Temperature_and_Seed", new() { Temperature = 1.5f, Seed = 7 }, sampling);
        yield return Case("TopK", new() { Temperature = 1.5f, Seed = 7, TopK = 3 }, sampling with { TopK = 3 });
        yield return Case("TopP", new() { Temperature = 1.5f, Seed = 7, TopP = 0.5f }, sampling with { TopP = 0.5f });
        yield return Case("FrequencyPenalty", new() { FrequencyPenalty = 2 }, basis with { FrequencyPenalty = 2 });
        yield return Case("PresencePenalty", new() { PresencePenalty = 6 }, basis with { PresencePenalty = 6 });
        yield return Case("StopSequences", new() { StopSequences = ["barn", "woke"] }, basis with { StopSequences = ["barn", "woke"] });
        yield return Case(
            "RawRepresentationFactory",
            new() { RawRepresentationFactory = _ => new GenerationOptions { MinP = 0.3f, Temperature = 9, Seed = 7 }, Temperature = 1.5f },
            sampling with { MinP = 0.3f });

        TestCaseData Case(string name, ChatOptions options, GenerationOptions direct)
        {
            options.MaxOutputTokens = most;
            return new TestCaseData(options, direct).SetArgDisplayNames(name);
        }
    }

    [Test]
    public async Task The_answer_is_the_references()
    {
        using WarplineChatClient client = Client();
        ChatResponse response = await client.GetResponseAsync(Question, new ChatOptions { MaxOutputTokens = 300 });
        string expected = Storyteller.ExpectedText((PipelineTokenizer)_model.Tokenizer!);
        Assert.That(response.Text, Does.StartWith(expected));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
        Assert.That(response.ModelId, Is.EqualTo("storyteller"));
        Assert.That(response.Messages.Single().Role, Is.EqualTo(ChatRole.Assistant));
        Assert.That(response.ResponseId, Is.Not.Empty);
    }

    [TestCaseSource(nameof(Options))]
    public async Task Options_mean_what_they_mean_to_the_generator(ChatOptions options, GenerationOptions direct)
    {
        using WarplineChatClient client = Client();
        string text = (await client.GetResponseAsync(Question, options)).Text;
        Assert.That(text, Is.EqualTo(await Direct(direct)));
        Assert.That(text, Is.Not.EqualTo(await Direct(new GenerationOptions { MaxOutputTokens = options.MaxOutputTokens })), "the option matters");
    }

    [Test]
    public async Task Updates_stream_and_the_last_one_counts()
    {
        using WarplineChatClient client = Client();
        ChatOptions options = new() { MaxOutputTokens = 12 };
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync(Question, options).ToListAsync();
        Assert.That(updates.Count(update => update.Text.Length > 0), Is.GreaterThan(6));
        Assert.That(updates.SkipLast(1).Select(update => update.FinishReason), Is.All.Null);
        Assert.That(updates[^1].FinishReason, Is.EqualTo(ChatFinishReason.Length));
        Assert.That(updates.Select(update => update.ResponseId).Distinct(), Has.Exactly(1).Items);
        UsageDetails usage = updates[^1].Contents.OfType<UsageContent>().Single().Details;
        Assert.That(
            (usage.InputTokenCount, usage.CachedInputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount), Is.EqualTo((5L, 0L, 12L, 17L)));
        ChatResponse whole = await client.GetResponseAsync(Question, options);
        Assert.That(string.Concat(updates.Select(update => update.Text)), Is.EqualTo(whole.Text).And.EqualTo(await Direct(new() { MaxOutputTokens = 12 })));
    }

    [Test]
    public async Task A_turn_runs_what_is_new_in_it()
    {
        using WarplineChatClient client = Client();
        ChatOptions options = new() { MaxOutputTokens = 12 };
        ChatResponse first = await client.GetResponseAsync(Question, options);
        ChatMessage[] talk = [.. Question, .. first.Messages, new(ChatRole.User, " The end.")];
        ChatResponse second = await client.GetResponseAsync(talk, options);
        Assert.That(second.Usage!.CachedInputTokenCount, Is.InRange(14, 16), "five of the prompt and the answer's, but for the last and the seam's");
        using WarplineChatClient fresh = Client();
        ChatResponse same = await fresh.GetResponseAsync(talk, options);
        Assert.That(second.Text, Is.EqualTo(same.Text));
        Assert.That(same.Usage!.CachedInputTokenCount, Is.Zero);
    }

    [TestCase(1, 1)]
    [TestCase(2, 14)]
    public async Task Conversations_in_turns_keep_what_there_are_sessions_for(int sessions, int atLeast)
    {
        using WarplineChatClient client = Client(new() { Sessions = sessions });
        ChatOptions options = new() { MaxOutputTokens = 12 };
        ChatMessage[] other = [new(ChatRole.User, "The goat")];
        ChatResponse first = await client.GetResponseAsync(Question, options);
        await client.GetResponseAsync(other, options);
        ChatResponse second = await client.GetResponseAsync([.. Question, .. first.Messages, new(ChatRole.User, " The end.")], options);
        Assert.That(second.Usage!.CachedInputTokenCount, Is.InRange(atLeast, atLeast + 2));
    }

    [Test]
    public async Task A_full_session_ends_the_answer_and_a_longer_conversation_is_refused()
    {
        using WarplineChatClient client = Client(new() { Capacity = 9 });
        ChatResponse response = await client.GetResponseAsync(Question);
        Assert.That((response.FinishReason, response.Usage!.OutputTokenCount), Is.EqualTo((ChatFinishReason.Length, 5L)));
        ChatMessage[] longer = [new(ChatRole.User, Storyteller.Prompt + Storyteller.Prompt + Storyteller.Prompt)];
        Assert.That(async () => await client.GetResponseAsync(longer), Throws.ArgumentException.With.Message.Match(@"^The conversation has \d+ tokens; 9 fit\."));
        Assert.That(() => Client(new() { Capacity = 1_000_000 }), Throws.ArgumentException.With.Message.Contains("but is 1000000"));
        Assert.That(() => Client(new() { Sessions = 0 }), Throws.ArgumentException.With.Message.StartsWith("Sessions must be at least 1, but is 0."));
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task Calls_at_the_same_time_answer_as_alone(int sessions)
    {
        using WarplineChatClient client = Client(new() { Sessions = sessions });
        string[] prompts = ["Once upon a time", "Question: who", "One day", "There was", "The goat"];
        ChatOptions options = new() { MaxOutputTokens = 8 };
        string[] together = await Task.WhenAll(prompts.Select(async prompt => (await client.GetResponseAsync(prompt, options)).Text));
        for (int i = 0; i < prompts.Length; i++)
        {
            using WarplineChatClient alone = Client();
            Assert.That(together[i], Is.EqualTo((await alone.GetResponseAsync(prompts[i], options)).Text), prompts[i]);
        }
    }

    [Test]
    public async Task A_stream_holds_its_session_until_it_ends()
    {
        using WarplineChatClient client = Client();
        await using IAsyncEnumerator<ChatResponseUpdate> first = client.GetStreamingResponseAsync(Question).GetAsyncEnumerator();
        Assert.That(await first.MoveNextAsync(), Is.True);
        using CancellationTokenSource impatience = new();
        Task<ChatResponse> waiting = client.GetResponseAsync(Question, new ChatOptions { MaxOutputTokens = 3 });
        Task<ChatResponse> cancelled = client.GetResponseAsync(Question, cancellationToken: impatience.Token);
        Assert.That(await Task.WhenAny(waiting, Task.Delay(100)), Is.Not.SameAs(waiting));
        await impatience.CancelAsync();
        Assert.That(async () => await cancelled, Throws.InstanceOf<OperationCanceledException>());
        await first.DisposeAsync();
        Assert.That((await waiting).Text, Is.EqualTo(await Direct(new() { MaxOutputTokens = 3 })));
    }

    [Test]
    public async Task Disposing_ends_calls_that_wait()
    {
        WarplineChatClient client = Client();
        await using IAsyncEnumerator<ChatResponseUpdate> first = client.GetStreamingResponseAsync(Question).GetAsyncEnumerator();
        Assert.That(await first.MoveNextAsync(), Is.True);
        Task<ChatResponse>[] waiting = [client.GetResponseAsync(Question), client.GetResponseAsync(Question)];
        await client.DisposeAsync();
        foreach (Task<ChatResponse> one in waiting)
        {
            Assert.That(async () => await one.WaitAsync(TimeSpan.FromMinutes(1)), Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [Test]
    public async Task A_cancelled_answer_leaves_the_client_usable()
    {
        using WarplineChatClient client = Client();
        using CancellationTokenSource source = new();
        Assert.That(
            async () =>
            {
                await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(Question, cancellationToken: source.Token))
                {
                    await source.CancelAsync();
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
        ChatOptions options = new() { MaxOutputTokens = 9 };
        Assert.That((await client.GetResponseAsync(Question, options)).Text, Is.EqualTo(await Direct(new() { MaxOutputTokens = 9 })));
    }

    [Test]
    public async Task Disposing_ends_answers_and_refuses_more()
    {
        WarplineChatClient client = await WarplineChatClient.LoadAsync(Storyteller.Folder, Storyteller.Template);
        Assert.That(client.GetService<ChatClientMetadata>()!.DefaultModelId, Is.EqualTo("storyteller"));
        await using IAsyncEnumerator<ChatResponseUpdate> stream = client.GetStreamingResponseAsync(Question).GetAsyncEnumerator();
        Assert.That(await stream.MoveNextAsync(), Is.True);
        client.Dispose();
        Assert.That(
            async () =>
            {
                while (await stream.MoveNextAsync())
                {
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await client.GetResponseAsync(Question), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(async () => await WarplineChatClient.LoadAsync(Storyteller.Folder), Throws.ArgumentException.With.Message.Contains("no chat template"));
    }

    [Test]
    public void Services_are_found_by_type()
    {
        using WarplineChatClient client = Client();
        Assert.That(client.GetService<TransformerModel>(), Is.SameAs(_model));
        Assert.That(client.GetService<ChatTemplate>(), Is.SameAs(Storyteller.Template));
        Assert.That(client.GetService<IChatClient>(), Is.SameAs(client));
        Assert.That(client.GetService<ChatClientMetadata>()!.ProviderName, Is.EqualTo("warpline"));
        Assert.That(client.GetService<TransformerModel>("key"), Is.Null);
        Assert.That(client.GetService<string>(), Is.Null);
    }

    private static IEnumerable<TestCaseData> Unsupported()
    {
        yield return Case(new() { ResponseFormat = ChatResponseFormat.Json }, "ChatOptions.ResponseFormat is set");
        yield return Case(new() { ConversationId = "1" }, "ChatOptions.ConversationId is set");
        yield return Case(new() { ModelId = "other" }, "ModelId is \"other\"; this client serves storyteller.");
        yield return Case(new() { ToolMode = ChatToolMode.RequireAny }, "ChatOptions.ToolMode is set");
        yield return Case(new() { AllowMultipleToolCalls = false }, "ChatOptions.AllowMultipleToolCalls is set");
        yield return Case(new() { Reasoning = new ReasoningOptions() }, "ChatOptions.Reasoning is set");
        yield return Case(new() { Tools = [new HostedWebSearchTool()] }, "The tool web_search is a HostedWebSearchTool");
        yield return Case(new() { RawRepresentationFactory = _ => 1 }, "RawRepresentationFactory makes a System.Int32");
        yield return Case(new(), "A message of the role user holds DataContent of the type image/png, which is not supported; text is.",
            new DataContent(new byte[] { 1 }, "image/png"));
        yield return Case(new(), "A message of the role user holds UriContent of the type audio/wav", new UriContent("http://x/a.wav", "audio/wav"));
        yield return Case(new(), "A message of the role user holds HostedFileContent", new HostedFileContent("1"));

        static TestCaseData Case(ChatOptions options, string message, params AIContent[] contents) =>
            new TestCaseData(options, contents, message).SetArgDisplayNames(message);
    }

    [TestCaseSource(nameof(Unsupported))]
    public void What_the_client_does_not_do_is_named(ChatOptions options, AIContent[] contents, string message)
    {
        using WarplineChatClient client = Client();
        Assert.That(
            async () => await client.GetResponseAsync([new ChatMessage(ChatRole.User, [new TextContent("x"), .. contents])], options),
            Throws.TypeOf<NotSupportedException>().With.Message.StartsWith(message));
    }

    [Test]
    public void Options_out_of_range_and_what_a_template_refuses_are_reported()
    {
        using WarplineChatClient client = Client();
        Assert.That(
            async () => await client.GetResponseAsync(Question, new ChatOptions { TopP = 7 }),
            Throws.InstanceOf<ArgumentException>().With.Message.StartsWith("TopP must be in (0, 1]."));
        using WarplineChatClient strict = new(_model, ChatTemplate.Parse("{{ raise_exception('No!') }}"));
        Assert.That(async () => await strict.GetResponseAsync(Question), Throws.TypeOf<ChatTemplateException>().With.Message.Contains("No!"));
        using WarplineChatClient silent = new(_model, ChatTemplate.Parse(""));
        Assert.That(
            async () => await silent.GetResponseAsync(Question), Throws.ArgumentException.With.Message.StartsWith("The chat template makes no tokens"));
    }

    private WarplineChatClient Client(WarplineChatClientOptions? options = null) =>
        new(_model, Storyteller.Template, (options ?? new()) with { ModelId = "storyteller" });

    /// <summary>The generator's text after the prompt.</summary>
    private async Task<string> Direct(GenerationOptions options)
    {
        await using TextGenerator generator = new(_model);
        return string.Concat(await generator.GenerateAsync(Storyteller.Prompt, options).Select(token => token.Text).ToListAsync());
    }
}
