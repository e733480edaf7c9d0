using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>The steps of one generation in a session that was entered: forward, choose, turn into text, decide whether to go on.</summary>
internal sealed class GenerationLoop(TransformerModel model, DecoderSession session, GenerationPlan plan)
{
    private readonly TokenChooser _chooser = new(model.Config.VocabularySize, plan);
    private readonly TokenStreamDecoder? _text = model.Tokenizer is Tokenizer tokenizer ? new(tokenizer, skipSpecialTokens: true) : null;
    private readonly StopSequenceFilter _stops = new(plan.StopSequences);

    public IEnumerable<GeneratedToken> Run(ReadOnlyMemory<int> prompt, CancellationToken cancellation)
    {
        int[] next = [0];
        TakePrompt(prompt.Span);
        GeneratedToken token = Step(prompt.Span, 1, cancellation);
        for (int produced = 2; token.FinishReason is null; produced++)
        {
            yield return token;
            next[0] = token.Id;
            token = Step(next, produced, cancellation);
        }

        yield return token;
    }

    // The text goes on from the prompt's: a blank at the start of a token is left out only where the whole text begins.
    private void TakePrompt(ReadOnlySpan<int> prompt)
    {
        foreach (int id in prompt)
        {
            _text?.Append(id);
        }
    }

    private GeneratedToken Step(ReadOnlySpan<int> tokens, int produced, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ReadOnlySpan<float> logits = session.Advance(tokens, LogitsMode.Last, cancellation);
        GeneratedToken token = _chooser.Choose(logits, session.Tokens);
        bool ended = plan.EndIds.Contains(token.Id);
        bool stopped = false;
        string text = ended || _text is null ? "" : _stops.Append(_text.Append(token.Id), out stopped);
        FinishReason? reason = ended ? FinishReason.EndOfSequence
            : stopped ? FinishReason.StopSequence
            : produced == plan.MaxOutputTokens ? FinishReason.Length
            : session.Position == session.Capacity ? FinishReason.Capacity
            : null;
        if (reason is not null && !stopped && _text is not null)
        {
            text += _stops.Append(_text.Flush(), out bool stoppedAtEnd);
            text += stoppedAtEnd ? "" : _stops.Flush();
        }

        return token with { Text = text, FinishReason = reason };
    }
}
