using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>What a session promises beside its logits.</summary>
public sealed class SessionTests
{
    private const int Capacity = 64;

    private TransformerModel _model = null!;

    [OneTimeSetUp]
    public async Task Load() => _model = await TransformerModel.LoadAsync(TestData.GoldenModel("llama"));

    [OneTimeTearDown]
    public void Free() => _model.Dispose();

    [Test]
    [NonParallelizable]
    public void A_hundred_forward_calls_allocate_nothing()
    {
        using DecoderSession session = _model.CreateSession(256);
        int[] one = [5];
        int[] several = [.. Enumerable.Range(1, 20)];
        Step();
        Step();
        Assert.That(Allocation.Least(100, Step), Is.Zero);

        void Step()
        {
            session.Truncate(0);
            session.Forward(several, LogitsMode.None);
            session.Forward(one);
            session.Forward(several, LogitsMode.All);
        }
    }

    [Test]
    public void Positions_follow_the_tokens()
    {
        using DecoderSession session = _model.CreateSession(Capacity);
        Assert.That((session.Position, session.Capacity), Is.EqualTo((0, Capacity)));
        Assert.That(session.Forward([1, 2, 3]).Length, Is.EqualTo(160));
        Assert.That(session.Forward([4, 5], LogitsMode.All).Length, Is.EqualTo(2 * 160));
        Assert.That(session.Forward([6], LogitsMode.None).Length, Is.Zero);
        Assert.That(session.Position, Is.EqualTo(6));
        Assert.That(session.Tokens.ToArray(), Is.EqualTo(new[] { 1, 2, 3, 4, 5, 6 }));
    }

    [Test]
    public void Truncated_sessions_go_on_as_if_the_rest_had_never_been()
    {
        using DecoderSession session = _model.CreateSession(Capacity);
        session.Forward([1, 2, 3, 4]);
        session.Truncate(2);
        float[] logits = session.Forward([9]).ToArray();

        using DecoderSession fresh = _model.CreateSession(Capacity);
        fresh.Forward([1, 2], LogitsMode.None);
        Assert.That(logits, Is.EqualTo(fresh.Forward([9]).ToArray()).Within(1e-5f));
        Assert.That(session.Tokens.ToArray(), Is.EqualTo(new[] { 1, 2, 9 }));
    }

    [Test]
    public void A_fork_has_the_same_past_and_its_own_future()
    {
        using DecoderSession session = _model.CreateSession(Capacity);
        session.Forward([1, 2, 3]);
        float[] direct;
        using (DecoderSession fork = session.Fork())
        {
            Assert.That(fork.Tokens.ToArray(), Is.EqualTo(new[] { 1, 2, 3 }));
            session.Forward([50, 51, 52]);
            direct = fork.Forward([7]).ToArray();
        }

        session.Truncate(3);
        Assert.That(session.Forward([7]).ToArray(), Is.EqualTo(direct));
    }

    [Test]
    public void Long_inputs_run_in_pieces_and_give_the_logits_of_short_ones()
    {
        int[] tokens = [.. Enumerable.Range(0, 1200).Select(i => (i * 37) % 1024)];
        using TransformerModel model = TransformerModel.LoadAsync(
            TestData.Storyteller, new ModelOptions { BatchInvariant = true }).GetAwaiter().GetResult();
        using DecoderSession whole = model.CreateSession(tokens.Length);
        float[] last = whole.Forward(tokens).ToArray();
        using DecoderSession parts = model.CreateSession(tokens.Length);
        foreach (int[] piece in tokens.Chunk(100).SkipLast(1))
        {
            parts.Forward(piece, LogitsMode.None);
        }

        Assert.That(parts.Forward(tokens.AsSpan(1100)).ToArray(), Is.EqualTo(last));
        whole.Truncate(0);
        ReadOnlySpan<float> all = whole.Forward(tokens, LogitsMode.All);
        Assert.That(all.Length, Is.EqualTo(tokens.Length * 1024));
        Assert.That(all[^1024..].ToArray(), Is.EqualTo(last));
    }

    [Test]
    public void Bad_calls_name_what_is_wrong_and_change_nothing()
    {
        using DecoderSession session = _model.CreateSession(4);
        session.Forward([1, 2]);
        AssertThrows<ArgumentException>(() => session.Forward([]), "There are no tokens; at least one is required.");
        AssertThrows<ArgumentException>(() => session.Forward([3, 160]), "tokens[1] is 160; an id in [0, 160) is required.");
        AssertThrows<ArgumentException>(() => session.Forward([-1]), "tokens[0] is -1; an id in [0, 160) is required.");
        AssertThrows<ArgumentException>(
            () => session.Forward([3, 4, 5]),
            "The session holds 2 tokens and got 3 more; its capacity is 4 (the model's most is 256).");
        AssertThrows<ArgumentOutOfRangeException>(() => session.Forward([3], (LogitsMode)7), "Last, All or None is required.");
        AssertThrows<ArgumentOutOfRangeException>(
            () => session.Truncate(3), "The length must be in [0, 2], the tokens that the session holds.");
        AssertThrows<ArgumentOutOfRangeException>(
            () => _model.CreateSession(257), "The capacity must be in [1, 256], the model's positions.");
        AssertThrows<ArgumentOutOfRangeException>(
            () => _model.CreateSession(0), "The capacity must be in [1, 256], the model's positions.");
        Assert.That(session.Position, Is.EqualTo(2));
        Assert.That(session.Forward([3, 4]).Length, Is.EqualTo(160));
    }

    [Test]
    public void A_disposed_session_refuses()
    {
        DecoderSession session = _model.CreateSession(Capacity);
        session.Dispose();
        session.Dispose();
        Assert.That(() => session.Forward([1]), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => session.Truncate(0), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => session.Fork(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    [NonParallelizable]
    public async Task Disposing_a_session_lets_its_running_call_finish_and_frees_it_then()
    {
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
        int[] tokens = [.. Enumerable.Range(0, 1024)];
        model.CreateSession(tokens.Length).Dispose();
        long before = WarplineLibrary.LiveHandles;
        for (int round = 0; round < 3; round++)
        {
            DecoderSession session = model.CreateSession(tokens.Length);
            Task running = Task.Run(() =>
            {
                while (true)
                {
                    session.Forward(tokens, LogitsMode.None);
                    session.Truncate(0);
                }
            });
            await Task.Delay(30 * round);
            session.Dispose();
            Assert.That(async () => await running, Throws.InstanceOf<ObjectDisposedException>());
        }

        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before));
    }

    [Test]
    public async Task Disposing_the_model_waits_for_running_calls_and_refuses_later_ones()
    {
        int[] tokens = [.. Enumerable.Range(0, 1024)];
        for (int round = 0; round < 3; round++)
        {
            TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
            Task[] running = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                using DecoderSession session = model.CreateSession(tokens.Length);
                while (true)
                {
                    session.Truncate(0);
                    session.Forward(tokens);
                }
            }))];
            await Task.Delay(40 * round);
            model.Dispose();
            foreach (Task task in running)
            {
                Assert.That(async () => await task, Throws.InstanceOf<ObjectDisposedException>());
            }
        }
    }

    [Test]
    public async Task Two_calls_at_once_on_one_session_are_refused_or_follow_one_another()
    {
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
        using DecoderSession session = model.CreateSession(2048);
        int[] tokens = [.. Enumerable.Range(0, 256)];
        int done = 0, refused = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            try
            {
                session.Forward(tokens, LogitsMode.None);
                Interlocked.Increment(ref done);
            }
            catch (InvalidOperationException exception)
            {
                Assert.That(exception.Message, Does.Contain("in use by another call"));
                Interlocked.Increment(ref refused);
            }
        })));
        Assert.That((done + refused, session.Position), Is.EqualTo((8, done * 256)));
        Assert.That(done, Is.GreaterThan(0));
    }

    [Test]
    public async Task Sixty_four_tasks_share_one_model()
    {
        using TransformerModel model = await TransformerModel.LoadAsync(
            TestData.GoldenModel("qwen3"), new ModelOptions { BatchInvariant = true });
        GoldenCase golden = GoldenCase.Load("qwen3");
        int[] tokens = golden.Prompts[2];
        float[] expected = GoldenCheck.Run(model, tokens);
        float[][] results = await Task.WhenAll(Enumerable.Range(0, 64).Select(
            index => Task.Run(() => GoldenCheck.Run(model, tokens, 1 + (index % 9)))));
        Assert.That(results, Has.All.EqualTo(expected));
    }

    [Test]
    [NonParallelizable]
    public async Task Sessions_and_models_give_their_memory_back()
    {
        long before = WarplineLibrary.LiveHandles;
        TransformerModel model = await TransformerModel.LoadAsync(TestData.GoldenModel("llama"), new ModelOptions { PackWeights = true });
        using (DecoderSession session = model.CreateSession())
        {
            session.Forward([1]);
            Assert.That(WarplineLibrary.LiveHandles, Is.GreaterThan(before));
        }

        model.Dispose();
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before));
    }

    private static void AssertThrows<T>(Action call, string message)
        where T : ArgumentException =>
        Assert.That(call, Throws.TypeOf<T>().With.Message.StartsWith(message));
}
