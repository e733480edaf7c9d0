using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>A sequence's results must not depend on its batch.</summary>
[TestFixture]
public sealed class BatchingTests
{
    [Test]
    public async Task Batch_invariant_results_do_not_depend_on_the_batch(
        [Values(ElementType.Float32, ElementType.BFloat16)] ElementType type,
        [ValueSource(typeof(TestDevice), nameof(TestDevice.Packings))] bool packed)
    {
        ModelOptions options = new()
        {
            Device = TestDevice.Current,
            ActivationType = type,
            BatchInvariant = true,
            PackWeights = packed,
        };
        using EncoderModel model = await EncoderModel.LoadAsync(TestData.GoldenModel("bert"), options);
        int[][] sequences = Sequences(TestDevice.Current.Kind == DeviceKind.Cpu ? 60 : 12);
        using EncoderSession session = model.CreateSession();
        float[][] alone = [.. sequences.Select(ids => session.Forward(ids).ToArray())];
        float[][] pooledAlone = [.. sequences.Select(ids =>
        {
            session.Forward(ids);
            return session.PoolerOutput().ToArray();
        })];
        Random random = new(4);
        foreach (int most in new[] { 2, 5, 9 })
        {
            int[] order = [.. Enumerable.Range(0, sequences.Length)];
            random.Shuffle(order);
            for (int from = 0; from < order.Length;)
            {
                int[] batch = [.. order.Skip(from).Take(random.Next(1, most + 1))];
                from += batch.Length;
                float[] hidden = session.Forward(
                    [.. batch.SelectMany(i => sequences[i])], [.. batch.Select(i => sequences[i].Length)]).ToArray();
                Assert.That(hidden, Is.EqualTo(batch.SelectMany(i => alone[i])));
                Assert.That(session.PoolerOutput().ToArray(), Is.EqualTo(batch.SelectMany(i => pooledAlone[i])));
            }
        }
    }

    [Test]
    public async Task Vectors_do_not_depend_on_the_batch_or_the_order([Values(256, 300, 2048)] int batchTokens)
    {
        ModelOptions options = new() { Device = TestDevice.Current, BatchInvariant = true };
        int[][] sequences = Sequences(TestDevice.Current.Kind == DeviceKind.Cpu ? 200 : 20);
        float[] expected;
        using (SentenceEncoder one = await SentenceEncoder.LoadAsync(TestData.GoldenModel("bert"), options))
        {
            expected = [.. sequences.SelectMany(ids =>
            {
                float[] vector = new float[one.Dimensions];
                one.EncodeTokens([ids], vector);
                return vector;
            })];
        }

        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(TestData.GoldenModel("bert"), options, batchTokens);
        float[] vectors = new float[expected.Length];
        encoder.EncodeTokens(sequences, vectors);
        Assert.That(vectors, Is.EqualTo(expected));
    }

    [Test]
    public async Task The_steady_state_allocates_nothing()
    {
        using EncoderModel model = await EncoderModel.LoadAsync(TestData.GoldenModel("bert"), new ModelOptions { Device = TestDevice.Current });
        using EncoderSession session = model.CreateSession();
        int[] tokens = [.. Sequences(5).SelectMany(ids => ids)], lengths = [.. Sequences(5).Select(ids => ids.Length)];
        Assert.That(
            Allocation.Least(20, () =>
            {
                session.Forward(tokens, lengths);
                session.PoolerOutput();
            }),
            Is.Zero);
    }

    [Test]
    public async Task Sessions_of_one_model_may_run_at_the_same_time()
    {
        EncoderCase golden = EncoderCase.Load("bert");
        using EncoderModel model = await EncoderModel.LoadAsync(golden.Directory, new ModelOptions { Device = TestDevice.Current });
        string?[] faults = new string?[4];
        Parallel.For(0, faults.Length, i => faults[i] = golden.Fault(model));
        Assert.That(faults, Is.All.Null);
    }

    [Test]
    public async Task Bad_calls_are_refused_with_the_numbers()
    {
        EncoderModel model = await EncoderModel.LoadAsync(TestData.GoldenModel("bert"), new ModelOptions { Device = TestDevice.Current });
        EncoderSession session = model.CreateSession(300);
        void Refuses(int[] tokens, int[] lengths, string message) => Assert.That(
            () => session.Forward(tokens, lengths).Length, Throws.ArgumentException.With.Message.StartsWith(message));
        Refuses([], [], "There are no tokens; at least one is required.");
        Refuses(new int[301], [301], "There are 301 tokens; the session has room for 300.");
        Refuses(new int[257], [257], "lengths[0] is 257; a length in [1, 256], the model's positions, is required.");
        Refuses([1, 2], [2, 0], "lengths[1] is 0; a length in [1, 256]");
        Refuses([1, 2], [1], "The lengths add up to 1; 2 is required");
        Refuses([1, 160], [2], "tokens[1] is 160; an id in [0, 160) is required.");
        Refuses([-1], [1], "tokens[0] is -1; an id in [0, 160) is required.");
        Assert.That(() => session.PoolerOutput().Length, Throws.InvalidOperationException.With.Message.StartsWith("No sequence has run yet"));
        Assert.That(() => model.CreateSession(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        model.Dispose();
        Assert.That(() => session.Forward([1]).Length, Throws.InstanceOf<ObjectDisposedException>());
        session.Dispose();
        Assert.That(() => session.Forward([1]).Length, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => model.CreateSession(), Throws.InstanceOf<ObjectDisposedException>());
    }

    /// <summary>Random sequences of 1 to 256 tokens, most of them short.</summary>
    private static int[][] Sequences(int count)
    {
        Random random = new(3);
        return [.. Enumerable.Range(0, count).Select(i =>
            Enumerable.Range(0, i == 0 ? 256 : random.Next(1, i % 4 == 0 ? 200 : 30)).Select(_ => random.Next(160)).ToArray())];
    }
}
