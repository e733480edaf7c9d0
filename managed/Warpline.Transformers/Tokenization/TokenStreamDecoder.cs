using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// Decodes tokens one by one and never gives out half a character: bytes that do not make one up yet are held back. What
/// the calls return, joined, equals the tokenizer's decoding of all ids at once. For one thread at a time.
/// </summary>
public sealed class TokenStreamDecoder
{
    // The longest start of a character that is not a whole one.
    private const int _maxPending = 3;

    private readonly ByteLevelBpeTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly byte[] _pending = new byte[_maxPending];
    private readonly StringBuilder _text = new();
    private int _pendingCount;

    /// <summary>Makes a decoder.</summary>
    /// <param name="tokenizer">A tokenizer loaded by <see cref="HuggingFaceTokenizer"/>.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    /// <exception cref="ArgumentException">The tokenizer is of another kind, which does not tell the bytes of a token.</exception>
    public TokenStreamDecoder(Tokenizer tokenizer, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer as ByteLevelBpeTokenizer ?? throw new ArgumentException(
            $"{tokenizer.GetType().Name} does not tell the bytes of a token; one from HuggingFaceTokenizer.Load is required.", nameof(tokenizer));
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Whether bytes of an unfinished character are held back.</summary>
    public bool HasPendingBytes => _pendingCount > 0;

    /// <summary>Takes the next token.</summary>
    /// <param name="id">Its id; one without a token adds nothing.</param>
    /// <returns>The characters that are now complete; often empty.</returns>
    public string Append(int id)
    {
        byte[] token = _tokenizer.BytesOf(id, _skipSpecialTokens);
        if (token.Length == 0)
        {
            return string.Empty;
        }

        byte[] bytes = [.. _pending.AsSpan(0, _pendingCount), .. token];
        ReadOnlySpan<byte> rest = bytes;
        _pendingCount = 0;
        while (!rest.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(rest, out Rune rune, out int consumed);
            if (status == OperationStatus.NeedMoreData)
            {
                rest.CopyTo(_pending);
                _pendingCount = rest.Length;
                break;
            }

            // Invalid bytes come back as U+FFFD, once for each longest start of a character, as in whole decoding.
            _text.Append(rune.ToString());
            rest = rest[consumed..];
        }

        string text = _text.ToString();
        _text.Clear();
        return text;
    }

    /// <summary>Ends the text; the decoder can be used for another one afterwards.</summary>
    /// <returns>U+FFFD if a character stayed unfinished, else nothing.</returns>
    public string Flush()
    {
        bool unfinished = HasPendingBytes;
        _pendingCount = 0;
        return unfinished ? "\uFFFD" : string.Empty;
    }
}
