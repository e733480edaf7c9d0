using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// Decodes tokens one by one and never gives out half a character: text that later tokens may still change is held back. What
/// the calls return, joined, equals the tokenizer's decoding of all ids at once. For one thread at a time.
/// </summary>
public sealed class TokenStreamDecoder
{
    private readonly PipelineTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly TextSink _text = new();
    private TokenSink _first;

    /// <summary>Makes a decoder.</summary>
    /// <param name="tokenizer">A tokenizer loaded by <see cref="HuggingFaceTokenizer"/>.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    /// <exception cref="ArgumentException">The tokenizer is of another kind, which does not tell how it decodes.</exception>
    public TokenStreamDecoder(Tokenizer tokenizer, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer as PipelineTokenizer ?? throw new ArgumentException(
            $"{tokenizer.GetType().Name} does not tell how it decodes; one from HuggingFaceTokenizer.Load is required.", nameof(tokenizer));
        _skipSpecialTokens = skipSpecialTokens;
        _first = Open();
    }

    /// <summary>Whether text is held back: an unfinished character, say, or blanks that may be the text's last.</summary>
    public bool HasPendingText => _first.HoldsText;

    /// <summary>Takes the next token.</summary>
    /// <param name="id">Its id; one without a token adds nothing.</param>
    /// <returns>The text that is now certain; often empty.</returns>
    public string Append(int id)
    {
        Add(id);
        return _text.Take();
    }

    /// <summary>Ends the text; the decoder can be used for another one afterwards.</summary>
    /// <returns>What was held back; U+FFFD for a character that stayed unfinished.</returns>
    public string Flush()
    {
        _first.End();
        _first = Open();
        return _text.Take();
    }

    /// <summary>Decodes a whole text.</summary>
    internal string AppendAll(IEnumerable<int> ids)
    {
        foreach (int id in ids)
        {
            Add(id);
        }

        return Flush();
    }

    private void Add(int id)
    {
        if (_tokenizer.TryGetToken(id, out string? token) && !(_skipSpecialTokens && _tokenizer.IsSpecial(id)))
        {
            _first.Add(token);
        }
    }

    private TokenSink Open() => _tokenizer.Decoders.Reverse().Aggregate((TokenSink)_text, (next, decoder) => decoder.Open(next));
}
