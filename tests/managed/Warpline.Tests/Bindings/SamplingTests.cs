using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class SamplingTests
{
    private const int V = 50;

    private static readonly float[] Logits = Numbers.Random(1, 2 * V);

    [Test]
    public void Arg_max_takes_the_lowest_of_equals()
    {
        Assert.That(Sampling.ArgMax([1, 3, 2, 3]), Is.EqualTo(1));
        Assert.That(Sampling.ArgMax([float.NaN, -1, float.NegativeInfinity]), Is.EqualTo(1));
        using HostTensor logits = HostTensor.Create<float>([0, 5, 1, 9, 2, 3], 2, 3);
        using HostTensor ids = HostTensor.Create<int>([-1, -1], 2);
        Sampling.ArgMax(logits, ids);
        Assert.That(ids.AsSpan<int>().ToArray(), Is.EqualTo(new[] { 1, 0 }));
        Assert.That(() => Sampling.ArgMax([]), Throws.InstanceOf<WarplineException>());
    }

    [Test]
    public void Draws_follow_the_documented_generator([Values(1, 0.5f, 2)] float temperature, [Values(0, 5)] int topK)
    {
        float[] logits = Logits[..V];
        for (ulong position = 0; position < 50; position++)
        {
            SamplingSettings settings = new()
            {
                Temperature = temperature,
                TopK = topK,
                Seed = 0x1234_5678_9ABC_DEF0,
                Position = position,
            };
            int id = Sampling.Sample(logits, settings, out float logProbability);
            (int expected, double expectedLogProbability) = Draw(logits, temperature, topK, settings.Seed, position);
            Assert.That(id, Is.EqualTo(expected), $"position {position}");
            Assert.That(logProbability, Is.EqualTo(expectedLogProbability).Within(1e-5));
        }
    }

    [Test]
    public void Each_row_has_its_own_settings_and_history()
    {
        using HostTensor logits = HostTensor.Create<float>(Logits, 2, V);
        using HostTensor ids = HostTensor.Create<int>([-1, -1], 2);
        using HostTensor logProbabilities = Numbers.Poisoned(2);
        int first = Sampling.ArgMax(Logits.AsSpan(0, V));
        int second = Sampling.ArgMax(Logits.AsSpan(V));

        // A large presence penalty on the best token of row 1 only.
        using HostTensor history = HostTensor.Create<int>([second], 1);
        using HostTensor offsets = HostTensor.Create<int>([0, 0, 1], 3);
        SamplingSettings greedy = new() { Greedy = true };
        Sampling.Sample(logits, [greedy, greedy with { PresencePenalty = 100 }], ids, logProbabilities, history, offsets);
        float[] without = Logits[V..];
        without[second] = float.NegativeInfinity;
        int runnerUp = Sampling.ArgMax(without);
        Assert.That(ids.AsSpan<int>().ToArray(), Is.EqualTo(new[] { first, runnerUp }));
        double[] expected = [LogProbability(Logits[..V], first), LogProbability(Logits[V..], runnerUp)];
        Numbers.AssertClose(logProbabilities.AsSpan<float>(), expected);
    }

    [Test]
    public void Every_setting_reaches_its_field()
    {
        float[] logits = [4, 3.9f, 3.8f, -5];
        Assert.That(
            Sampling.Sample(logits, new() { Greedy = true, RepetitionPenalty = 2 }, out _, [0]), Is.EqualTo(1), "repetition");
        Assert.That(
            Sampling.Sample(logits, new() { Greedy = true, FrequencyPenalty = 0.15f }, out _, [0, 0]),
            Is.EqualTo(1),
            "frequency");
        Assert.That(
            Sampling.Sample(logits, new() { Greedy = true, FrequencyPenalty = 0.06f }, out _, [0]),
            Is.EqualTo(0),
            "frequency, once");
        Assert.That(
            Sampling.Sample(logits, new() { Greedy = true, PresencePenalty = 0.15f }, out _, [0, 0]), Is.EqualTo(1), "presence");
        bool[] seen = new bool[4];
        for (ulong position = 0; position < 200; position++)
        {
            Assert.That(Sampling.Sample(logits, new() { TopP = 0.1f, Position = position }, out _), Is.Zero, "top-p");
            Assert.That(Sampling.Sample(logits, new() { MinP = 0.99f, Position = position }, out _), Is.Zero, "min-p");
            Assert.That(Sampling.Sample(logits, new() { TopK = 1, Position = position }, out _), Is.Zero, "top-k");
            Assert.That(
                Sampling.Sample(logits, new() { Temperature = 0.001f, Position = position }, out _), Is.Zero, "temperature");
            seen[Sampling.Sample(logits, new() { Seed = 7, Position = position }, out _)] = true;
        }

        Assert.That(seen[..3], Is.All.True, "the plain softmax draws all three likely tokens in 200 draws");
    }

    [Test]
    public void Bad_settings_are_named_with_their_row()
    {
        using HostTensor logits = HostTensor.Create<float>(Logits, 2, V);
        using HostTensor ids = HostTensor.Create<int>([-1, -1], 2);
        WarplineException exception = Numbers.Failure(
            () => Sampling.Sample(logits, [default, new() { TopP = -1 }], ids));
        Assert.That(exception.Parameter, Is.EqualTo("settings[1].top_p"), exception.Message);
        exception = Numbers.Failure(() => Sampling.Sample(logits, [default], ids));
        Assert.That(exception.Parameter, Is.EqualTo("settings_count"), exception.Message);
        Assert.That(ids.AsSpan<int>().ToArray(), Is.EqualTo(new[] { -1, -1 }), "nothing is written");
    }

    private static double LogProbability(float[] logits, int id) => logits[id] - Math.Log(logits.Sum(logit => Math.Exp(logit)));

    /// <summary>The rule of the header: weights in order of id, cut at a uniform number of Philox4x32-10.</summary>
    private static (int Id, double LogProbability) Draw(float[] logits, double temperature, int topK, ulong seed, ulong position)
    {
        double[] weights = Array.ConvertAll(logits, logit => Math.Exp(logit / temperature));
        if (topK > 0)
        {
            double threshold = weights.OrderDescending().ElementAt(topK - 1);
            weights = Array.ConvertAll(weights, weight => weight >= threshold ? weight : 0);
        }

        uint word = Philox((uint)seed, (uint)(seed >> 32), (uint)position, (uint)(position >> 32));
        double target = (word + 0.5) / 4294967296.0 * weights.Sum();
        double cumulated = 0;
        int id = 0;
        for (; id < weights.Length - 1; id++)
        {
            cumulated += weights[id];
            if (cumulated > target)
            {
                break;
            }
        }

        return (id, LogProbability(logits, id));
    }

    /// <summary>The first word of Philox4x32-10 (Salmon et al., 2011) for a key and the counter (low, high, 0, 0).</summary>
    private static uint Philox(uint key0, uint key1, uint low, uint high)
    {
        (uint c0, uint c1, uint c2, uint c3) = (low, high, 0, 0);
        for (int round = 0; round < 10; round++)
        {
            ulong first = 0xD2511F53UL * c0;
            ulong second = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(second >> 32) ^ c1 ^ key0, (uint)second, (uint)(first >> 32) ^ c3 ^ key1, (uint)first);
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }

        return c0;
    }
}
