namespace Warpline.Transformers;

/// <summary>Chooses a token from logits by a plan: processor, then the native op's penalties, filters and draw.</summary>
internal sealed unsafe class TokenChooser(int vocabulary, GenerationPlan plan)
{
    private readonly float[] _processed = plan.LogitsProcessor is null ? [] : new float[vocabulary];

    // The op reports the probability under the logits that it was given, so with a processor the raw ones need their own pass.
    private readonly float[] _logProbabilities =
        plan.LogitsProcessor is null && plan.TopLogProbabilities == 0 ? [] : new float[vocabulary];

    /// <summary>Chooses the token after <paramref name="tokens"/>; its text and finish reason are not set.</summary>
    public GeneratedToken Choose(ReadOnlySpan<float> logits, ReadOnlySpan<int> tokens)
    {
        ReadOnlySpan<float> weighed = logits;
        if (plan.LogitsProcessor is ILogitsProcessor processor)
        {
            logits.CopyTo(_processed);
            processor.Process(tokens, _processed);
            weighed = _processed;
        }

        SamplingSettings settings = plan.Settings with { Position = (ulong)tokens.Length };
        int id = Sampling.Sample(weighed, settings, out float logProbability, plan.UsesHistory ? tokens : []);
        if (_logProbabilities.Length == 0)
        {
            return new GeneratedToken(id, "", logProbability, null);
        }

        fixed (float* from = logits, to = _logProbabilities)
        {
            Softmax.Apply(
                new TensorRef(from, ElementType.Float32, 1, vocabulary),
                new TensorRef(to, ElementType.Float32, 1, vocabulary),
                logarithm: true);
        }

        return new GeneratedToken(id, "", _logProbabilities[id], null) { TopLogProbabilities = Top(plan.TopLogProbabilities) };
    }

    /// <summary>The most probable tokens, best first, the lower id first among equals.</summary>
    private TokenLogProbability[] Top(int count)
    {
        PriorityQueue<int, (float LogProbability, int Order)> best = new(count + 1);
        for (int id = 0; id < vocabulary && count != 0; id++)
        {
            if (best.Count == count && best.TryPeek(out _, out (float LogProbability, int Order) worst)
                && _logProbabilities[id] <= worst.LogProbability)
            {
                continue;
            }

            best.Enqueue(id, (_logProbabilities[id], -id));
            if (best.Count > count)
            {
                best.Dequeue();
            }
        }

        TokenLogProbability[] top = new TokenLogProbability[best.Count];
        for (int i = top.Length - 1; i >= 0; i--)
        {
            int id = best.Dequeue();
            top[i] = new TokenLogProbability(id, _logProbabilities[id]);
        }

        return top;
    }
}
