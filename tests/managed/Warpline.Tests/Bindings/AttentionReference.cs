namespace Warpline.Tests.Bindings;

/// <summary>Attention of one sequence in double precision, from the formula: arrays are [tokens, heads, dimension].</summary>
internal sealed class AttentionReference
{
    public required int QueryLength { get; init; }

    public required int KeyLength { get; init; }

    public required int QueryHeads { get; init; }

    public required int KeyHeads { get; init; }

    public required int KeyDimension { get; init; }

    public required int ValueDimension { get; init; }

    public double? Scale { get; init; }

    public double? Softcap { get; init; }

    public float[]? AlibiSlopes { get; init; }

    public float[]? Sinks { get; init; }

    /// <summary>Whether a key may be attended from an aligned position.</summary>
    public Func<int, int, bool> Allowed { get; init; } = (_, _) => true;

    public (double[] Output, double[] Lse) Run(ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        double[] output = new double[QueryLength * QueryHeads * ValueDimension];
        double[] lse = new double[QueryHeads * QueryLength];
        for (int head = 0; head < QueryHeads; head++)
        {
            int keyHead = head / (QueryHeads / KeyHeads);
            for (int row = 0; row < QueryLength; row++)
            {
                int position = KeyLength - QueryLength + row;
                double sum = Sinks is null ? 0 : Math.Exp(Sinks[head]);
                for (int j = 0; j < KeyLength; j++)
                {
                    if (!Allowed(position, j))
                    {
                        continue;
                    }

                    double dot = 0;
                    for (int i = 0; i < KeyDimension; i++)
                    {
                        double element = query[(((row * QueryHeads) + head) * KeyDimension) + i];
                        dot += element * key[(((j * KeyHeads) + keyHead) * KeyDimension) + i];
                    }

                    double score = dot * (Scale ?? (1 / Math.Sqrt(KeyDimension)));
                    score = Softcap is double cap ? cap * Math.Tanh(score / cap) : score;
                    score -= AlibiSlopes is null ? 0 : AlibiSlopes[head] * Math.Abs(position - j);
                    double weight = Math.Exp(score);
                    sum += weight;
                    for (int i = 0; i < ValueDimension; i++)
                    {
                        double element = value[(((j * KeyHeads) + keyHead) * ValueDimension) + i];
                        output[(((row * QueryHeads) + head) * ValueDimension) + i] += weight * element;
                    }
                }

                lse[(head * QueryLength) + row] = Math.Log(sum);
                for (int i = 0; i < ValueDimension; i++)
                {
                    ref double element = ref output[(((row * QueryHeads) + head) * ValueDimension) + i];
                    element = sum == 0 ? 0 : element / sum;
                }
            }
        }

        return (output, lse);
    }
}
