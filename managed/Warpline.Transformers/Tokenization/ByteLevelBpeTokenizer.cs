using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// A byte-level BPE tokenizer from a <c>tokenizer.json</c> (gpt2, llama 3, qwen). Text is cut at added tokens, normalised,
/// cut by the model's split pattern, and each piece encoded by <see cref="BpeTokenizer"/>. What the base class offers
/// (<see cref="Tokenizer.EncodeToIds(string, bool, bool)"/> and so on) finds special tokens in the text and adds the
/// template's, as Hugging Face's encode does; <see cref="Encode"/> can leave either out. Immutable and safe from any thread.
/// </summary>
public sealed class ByteLevelBpeTokenizer : Tokenizer, IMarkedTextEncoder
{
    private readonly BpeVocabulary _vocabulary;
    private readonly BpeTokenizer _pieces;
    private readonly Lazy<LongPieceEncoder> _longPieces;
    private readonly SplitPreTokenizer _splitter;
    private readonly AddedTokenFinder _rawTokens;
    private readonly AddedTokenFinder _normalizedTokens;
    private readonly Dictionary<int, AddedToken> _added;
    private readonly int[] _prefix;
    private readonly int[] _suffix;

    internal ByteLevelBpeTokenizer(
        BpeVocabulary vocabulary, Normalizer? normalizer, SplitPreTokenizer splitter, List<AddedToken> added, int[] prefix, int[] suffix)
    {
        _vocabulary = vocabulary;
        _splitter = splitter;
        _prefix = prefix;
        _suffix = suffix;
        _added = added.ToDictionary(token => token.Id);
        _rawTokens = new AddedTokenFinder(added.Where(token => !token.Normalized), content => content);
        _normalizedTokens = new AddedTokenFinder(
            added.Where(token => token.Normalized), content => normalizer?.Normalize(content) ?? content);
        Normalizer = normalizer;
        _longPieces = new Lazy<LongPieceEncoder>(() => new LongPieceEncoder(vocabulary));
        _pieces = BpeTokenizer.Create(new BpeOptions(vocabulary.ModelIds) { Merges = vocabulary.Merges, ByteLevel = true });
    }

    /// <inheritdoc/>
    public override Normalizer? Normalizer { get; }

    /// <inheritdoc/>
    public override PreTokenizer? PreTokenizer => _splitter;

    /// <summary>How many tokens there are, the added ones included.</summary>
    public int VocabularySize => _vocabulary.Tokens.Count;

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether to add the tokens that the file's template puts around a text.</param>
    /// <param name="parseSpecialTokens">
    /// Whether text that spells a special token becomes that token. False for text that a user wrote: there it stays text.
    /// </param>
    /// <returns>The ids.</returns>
    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true, bool parseSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var output = new EncodeOutput();
        EncodeText(text, new Passes(addSpecialTokens, parseSpecialTokens, Normalize: true, Split: true), output);
        return output.Ids;
    }

    IReadOnlyList<int> IMarkedTextEncoder.Encode(string text, Func<int, int, bool> mayBeSpecial)
    {
        var output = new EncodeOutput();
        EncodeText(text, new Passes(AddTemplate: false, ParseSpecial: true, Normalize: true, Split: true, mayBeSpecial), output);
        return output.Ids;
    }

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: false);

    /// <summary>
    /// Decodes ids. Bytes that are not valid UTF-8 become U+FFFD; ids that have no token are left out, as Hugging Face does.
    /// </summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    /// <returns>The text.</returns>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new ArrayBufferWriter<byte>();
        foreach (int id in ids)
        {
            bytes.Write(BytesOf(id, skipSpecialTokens));
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        idsConsumed = charsWritten = 0;
        var decoder = new TokenStreamDecoder(this);
        int read = 0;
        int written = 0;
        foreach (int id in ids)
        {
            if (!TryWrite(decoder.Append(id), destination, ref written))
            {
                return OperationStatus.DestinationTooSmall;
            }

            read++;
            if (!decoder.HasPendingBytes)
            {
                // Between characters: from here the caller can go on.
                (idsConsumed, charsWritten) = (read, written);
            }
        }

        if (!TryWrite(decoder.Flush(), destination, ref written))
        {
            return OperationStatus.DestinationTooSmall;
        }

        (idsConsumed, charsWritten) = (read, written);
        return OperationStatus.Done;
    }

    /// <summary>Finds the id of a token.</summary>
    /// <param name="token">The token as the vocabulary spells it (a leading blank as Ġ).</param>
    /// <param name="id">Its id.</param>
    /// <returns>Whether there is such a token.</returns>
    public bool TryGetId(string token, out int id) => _vocabulary.Ids.TryGetValue(token, out id);

    /// <summary>Finds the token of an id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="token">The token as the vocabulary spells it.</param>
    /// <returns>Whether there is a token of that id.</returns>
    public bool TryGetToken(int id, [NotNullWhen(true)] out string? token) => _vocabulary.Tokens.TryGetValue(id, out token);

    /// <summary>Whether an id is that of a special token, such as the end of a sequence.</summary>
    /// <param name="id">The id.</param>
    /// <returns>Whether it is special.</returns>
    public bool IsSpecial(int id) => _added.TryGetValue(id, out AddedToken? token) && token.IsSpecial;

    /// <summary>Whether a byte has a token of its own; the model leaves others out.</summary>
    internal bool HasTokenOf(byte value) => _vocabulary.IdsOfBytes[value] >= 0;

    /// <summary>The bytes of a token; none for an unknown id.</summary>
    internal byte[] BytesOf(int id, bool skipSpecialTokens) =>
        (skipSpecialTokens && IsSpecial(id)) || !_vocabulary.Tokens.TryGetValue(id, out string? token) ? [] : ByteAlphabet.BytesOf(token);

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ReadOnlySpan<char> input = text is null ? textSpan : text;
        var output = new EncodeOutput { Tokens = [] };
        var passes = new Passes(
            AddTemplate: true, ParseSpecial: true, settings.ConsiderNormalization, settings.ConsiderPreTokenization);
        EncodeText(input, passes, output);
        string result = output.Text.ToString();
        int consumed = result.Length;
        List<EncodedToken> tokens = output.Tokens;
        if (tokens.Count > settings.MaxTokenCount)
        {
            tokens.RemoveRange(settings.MaxTokenCount, tokens.Count - settings.MaxTokenCount);
            consumed = tokens.Count == 0 ? 0 : tokens[^1].Offset.End.Value;
        }

        return new EncodeResults<EncodedToken>
        {
            Tokens = tokens,
            NormalizedText = input.SequenceEqual(result) ? null : result,
            CharsConsumed = consumed,
        };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        EncodeResults<EncodedToken> results = EncodeToTokens(text, textSpan, settings);
        return new EncodeResults<int>
        {
            Tokens = [.. results.Tokens.Select(token => token.Id)],
            NormalizedText = results.NormalizedText,
            CharsConsumed = results.CharsConsumed,
        };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) =>
        EncodeToTokens(text, textSpan, settings).Tokens.Count;

    private static bool TryWrite(string text, Span<char> destination, ref int written)
    {
        if (!text.TryCopyTo(destination[written..]))
        {
            return false;
        }

        written += text.Length;
        return true;
    }

    private void EncodeText(ReadOnlySpan<char> text, Passes passes, EncodeOutput output)
    {
        AddTemplate(_prefix, passes, output);
        for (int position = 0; position < text.Length;)
        {
            AddedToken? token = _rawTokens.Next(text, position, passes.ParseSpecial, passes.MayBeSpecial, out int start, out int end);
            EncodeBetween(text[position..start], passes.From(position), output);
            AddToken(token, text[start..end], output);
            position = end;
        }

        AddTemplate(_suffix, passes, output);
    }

    private void EncodeBetween(ReadOnlySpan<char> section, Passes passes, EncodeOutput output)
    {
        ReadOnlySpan<char> text = passes.Normalize && Normalizer is not null ? Normalizer.Normalize(section) : section;
        Func<int, int, bool>? mayBeSpecial = passes.MayBeSpecial is null || text.SequenceEqual(section)
            ? passes.MayBeSpecial
            : new NormalizedPlaces(Normalizer!, section.ToString(), passes.MayBeSpecial).MayBeSpecial;
        for (int position = 0; position < text.Length;)
        {
            AddedToken? token = _normalizedTokens.Next(text, position, passes.ParseSpecial, mayBeSpecial, out int start, out int end);
            if (start > position)
            {
                Split(text[position..start], passes.Split ? 0 : _splitter.Steps.Count, output);
            }

            AddToken(token, text[start..end], output);
            position = end;
        }
    }

    private void Split(ReadOnlySpan<char> piece, int step, EncodeOutput output)
    {
        if (step == _splitter.Steps.Count)
        {
            EncodePiece(piece, output);
        }
        else if (_splitter.Steps[step].Scanner is { } scanner)
        {
            for (int start = 0; start < piece.Length;)
            {
                int end = scanner(piece, start);
                Split(piece[start..end], step + 1, output);
                start = end;
            }
        }
        else
        {
            Split(piece[0] == ' ' ? piece : $" {piece}", step + 1, output);
        }
    }

    private void EncodePiece(ReadOnlySpan<char> piece, EncodeOutput output)
    {
        IReadOnlyList<int> ids = _vocabulary.IgnoreMerges && _vocabulary.ModelIds.TryGetValue(ByteAlphabet.Spell(piece), out int whole)
            ? [whole]
            : piece.Length >= LongPieceEncoder.MinLength
                ? _longPieces.Value.Encode(piece)
                : _pieces.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false);
        output.AddPiece(piece, ids, this);
    }

    private void AddTemplate(int[] ids, Passes passes, EncodeOutput output)
    {
        foreach (int id in passes.AddTemplate ? ids : [])
        {
            output.AddToken(id, _vocabulary.Tokens[id], []);
        }
    }

    private static void AddToken(AddedToken? token, ReadOnlySpan<char> text, EncodeOutput output)
    {
        if (token is not null)
        {
            output.AddToken(token.Id, token.Content, text);
        }
    }

    private readonly record struct Passes(
        bool AddTemplate, bool ParseSpecial, bool Normalize, bool Split, Func<int, int, bool>? MayBeSpecial = null)
    {
        /// <summary>The same for a section of the text that begins at a position.</summary>
        public Passes From(int position)
        {
            Func<int, int, bool>? may = MayBeSpecial;
            return may is null ? this : this with { MayBeSpecial = (start, end) => may(position + start, position + end) };
        }
    }
}
