namespace Warpline.Transformers;

/// <summary>One step of a generation.</summary>
/// <param name="Id">The chosen token.</param>
/// <param name="Text">
/// Text that this step releases: whole characters only, empty while a character is incomplete, while the text could still
/// become a stop sequence, or where the model has no tokenizer. The texts of all steps joined are the generated text.
/// </param>
/// <param name="LogProbability">Natural logarithm of the token's probability under the model's logits as they were before
/// any processor, penalty or temperature.</param>
/// <param name="FinishReason">Why the generation ends here; null on all steps but the last.</param>
public readonly record struct GeneratedToken(int Id, string Text, float LogProbability, FinishReason? FinishReason)
{
    /// <summary>The most probable tokens of this step, best first, as many as
    /// <see cref="GenerationOptions.TopLogProbabilities"/> asks for.</summary>
    public IReadOnlyList<TokenLogProbability> TopLogProbabilities { get => field ?? []; init; }
}

/// <summary>A token and the natural logarithm of its probability under the model's logits.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability.</param>
public readonly record struct TokenLogProbability(int Id, float LogProbability);
