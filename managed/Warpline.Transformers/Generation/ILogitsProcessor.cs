namespace Warpline.Transformers;

/// <summary>Changes the logits before a token is chosen, to forbid or favour tokens for instance.</summary>
public interface ILogitsProcessor
{
    /// <summary>Changes the logits in place. Called once for each step, on the generation's thread.</summary>
    /// <param name="tokens">All tokens so far, the prompt included.</param>
    /// <param name="logits">One number for each token of the vocabulary; negative infinity forbids a token.</param>
    void Process(ReadOnlySpan<int> tokens, Span<float> logits);
}
