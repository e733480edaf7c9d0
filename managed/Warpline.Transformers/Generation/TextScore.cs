namespace Warpline.Transformers;

/// <summary>How well a model foresaw tokens; scores of several texts add up.</summary>
/// <param name="NegativeLogLikelihood">The sum over the scored tokens of -log(probability given what is before), in nats.</param>
/// <param name="ScoredTokens">Tokens in that sum.</param>
public readonly record struct TextScore(double NegativeLogLikelihood, long ScoredTokens)
{
    /// <summary>Nats for each scored token; not a number where there are none.</summary>
    public double MeanNegativeLogLikelihood => NegativeLogLikelihood / ScoredTokens;

    /// <summary>exp of <see cref="MeanNegativeLogLikelihood"/>: 1 for a model that foresees everything, the vocabulary's size
    /// for one that holds all tokens equally likely.</summary>
    public double Perplexity => Math.Exp(MeanNegativeLogLikelihood);

    /// <summary>The score of the tokens of both.</summary>
    /// <param name="left">One score.</param>
    /// <param name="right">The other.</param>
    /// <returns>Their sum.</returns>
    public static TextScore operator +(TextScore left, TextScore right) =>
        new(left.NegativeLogLikelihood + right.NegativeLogLikelihood, left.ScoredTokens + right.ScoredTokens);
}
