using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// A tokenizer from a <c>tokenizer.json</c>, of any kind. Text is cut at added tokens, normalised, cut into pieces, and each
/// piece is encoded by the model; the template's tokens are put around. What the base class offers
/// (<see cref="Tokenizer.EncodeToIds(string, bool, bool)"/> and so on) finds special tokens in the text and adds the
/// template's, as Hugging Face's encode does; <see cref="Encode"/> can leave either out. Immutable and safe from any thread.
/// </summary>
public sealed class PipelineTokenizer : Tokenizer, IMarkedTextEncoder
{
    private readonly TokenModel _model;
    private readonly Vocabulary _vocabulary;
    private readonly TextNormalizer? _normalizer;
    private readonly IReadOnlyList<PreTokenizationStep> _steps;
    private readonly bool _spellsBytes;
    private readonly PieceCache _cache = new();
    private readonly AddedTokenFinder _rawTokens;
    private readonly AddedTokenFinder _normalizedTokens;
    private readonly HashSet<int> _specialIds;
    private readonly int[] _prefix;
    private readonly int[] _suffix;

    internal PipelineTokenizer(TokenizerParts parts)
    {
        _model = parts.Model;
        _vocabulary = parts.Vocabulary;
        _normalizer = parts.Normalizer;
        _steps = parts.Steps;
        _spellsBytes = parts.Steps.Any(step => step is ByteLevelStep);
        _prefix = [.. parts.Prefix];
        _suffix = [.. parts.Suffix];
        Decoders = parts.Decoders;
        _specialIds = [.. parts.Added.Where(token => token.IsSpecial).Select(token => token.Id)];
        _rawTokens = new AddedTokenFinder(parts.Added.Where(token => !token.Normalized), content => content);
        _normalizedTokens = new AddedTokenFinder(
            parts.Added.Where(token => token.Normalized), content => _normalizer?.Normalize(content) ?? content);
    }

    /// <inheritdoc/>
    public override Normalizer? Normalizer => _normalizer;

    /// <summary>Null: the steps that cut a text may change it too, which the type does not provide for.</summary>
    public override PreTokenizer? PreTokenizer => null;

    /// <summary>How many tokens there are, the added ones included.</summary>
    public int VocabularySize => _vocabulary.Count;

    /// <summary>What the template puts before a text.</summary>
    internal ReadOnlySpan<int> Prefix => _prefix;

    /// <summary>What the template puts behind a text.</summary>
    internal ReadOnlySpan<int> Suffix => _suffix;

    /// <summary>What turns tokens into text, in order.</summary>
    internal IReadOnlyList<TokenDecoder> Decoders { get; }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text; half a surrogate pair counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether to add the tokens that the file's template puts around a text.</param>
    /// <param name="parseSpecialTokens">
    /// Whether text that spells a special token becomes that token. False for text that a user wrote: there it stays text.
    /// </param>
    /// <returns>The ids.</returns>
    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens = true, bool parseSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var output = new EncodeOutput(_vocabulary, EncodeDetail.Ids);
        EncodeText(text, new Passes(addSpecialTokens, parseSpecialTokens, Normalize: true, Split: true), output);
        return output.Ids;
    }

    IReadOnlyList<int> IMarkedTextEncoder.Encode(string text, Func<int, int, bool> mayBeSpecial)
    {
        var output = new EncodeOutput(_vocabulary, EncodeDetail.Ids);
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
        var decoder = new TokenStreamDecoder(this, skipSpecialTokens);
        return decoder.AppendAll(ids);
    }

    /// <summary>
    /// Decodes as many ids as there is room for; going on with the rest gives the rest of the text. Where a token's text depends
    /// on its place (WordPiece's and Metaspace's blanks) there is no going on: without room for all, nothing is consumed.
    /// </summary>
    /// <param name="ids">The ids.</param>
    /// <param name="destination">Where the text goes.</param>
    /// <param name="idsConsumed">How many ids the text stands for.</param>
    /// <param name="charsWritten">How many characters were written.</param>
    /// <returns>Whether all ids were decoded.</returns>
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
            if (!decoder.HasPendingText && !Decoders.Any(step => step.LooksAtPlace))
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
    /// <param name="token">The token as the vocabulary spells it (a leading blank as Ġ or ▁, say).</param>
    /// <param name="id">Its id.</param>
    /// <returns>Whether there is such a token.</returns>
    public bool TryGetId(string token, out int id) => _vocabulary.TryGetId(token, out id);

    /// <summary>Finds the token of an id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="token">The token as the vocabulary spells it.</param>
    /// <returns>Whether there is a token of that id.</returns>
    public bool TryGetToken(int id, [NotNullWhen(true)] out string? token) => (token = _vocabulary.TokenOf(id)) is not null;

    /// <summary>Whether an id is that of a special token, such as the end of a sequence.</summary>
    /// <param name="id">The id.</param>
    /// <returns>Whether it is special.</returns>
    public bool IsSpecial(int id) => _specialIds.Contains(id);

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        string input = text ?? textSpan.ToString();
        var output = new EncodeOutput(_vocabulary, EncodeDetail.Places);
        EncodeText(input, PassesOf(settings), output);
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
            NormalizedText = input == result ? null : result,
            CharsConsumed = consumed,
        };
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        if (settings.MaxTokenCount == int.MaxValue)
        {
            // No token's place is asked for, which makes this the fast way.
            string input = text ?? textSpan.ToString();
            var output = new EncodeOutput(_vocabulary, EncodeDetail.Text);
            EncodeText(input, PassesOf(settings), output);
            string result = output.Text.ToString();
            return new EncodeResults<int>
            {
                Tokens = output.Ids,
                NormalizedText = input == result ? null : result,
                CharsConsumed = result.Length,
            };
        }

        EncodeResults<EncodedToken> results = EncodeToTokens(text, textSpan, settings);
        return new EncodeResults<int>
        {
            Tokens = [.. results.Tokens.Select(token => token.Id)],
            NormalizedText = results.NormalizedText,
            CharsConsumed = results.CharsConsumed,
        };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var output = new EncodeOutput(_vocabulary, EncodeDetail.Ids);
        EncodeText(text ?? textSpan.ToString(), PassesOf(settings), output);
        return Math.Min(output.Ids.Count, settings.MaxTokenCount);
    }

    private static Passes PassesOf(EncodeSettings settings) =>
        new(AddTemplate: true, ParseSpecial: true, settings.ConsiderNormalization, settings.ConsiderPreTokenization);

    private static bool TryWrite(string text, Span<char> destination, ref int written)
    {
        if (!text.TryCopyTo(destination[written..]))
        {
            return false;
        }

        written += text.Length;
        return true;
    }

    private void EncodeText(string given, Passes passes, EncodeOutput output)
    {
        ReadOnlySpan<char> text = Characters.WellFormed(given);
        PieceReceiver receiver = new ModelReceiver(this, output);
        foreach (PreTokenizationStep step in _steps.Reverse().Where(step => passes.Split || step is ByteLevelStep))
        {
            receiver = step.Before(receiver);
        }

        AddTemplate(_prefix, passes, output);
        for (int position = 0; position < text.Length;)
        {
            AddedToken? token = _rawTokens.Next(text, position, passes.ParseSpecial, passes.MayBeSpecial, out int start, out int end);
            EncodeBetween(text[position..start], position == 0, passes.From(position), receiver, output);
            AddToken(token, text[start..end], output);
            position = end;
        }

        AddTemplate(_suffix, passes, output);
    }

    private void EncodeBetween(ReadOnlySpan<char> section, bool first, Passes passes, PieceReceiver receiver, EncodeOutput output)
    {
        ReadOnlySpan<char> text = passes.Normalize && _normalizer is not null ? _normalizer.Normalize(section) : section;
        Func<int, int, bool>? mayBeSpecial = passes.MayBeSpecial is null || text.SequenceEqual(section)
            ? passes.MayBeSpecial
            : new NormalizedPlaces(_normalizer!, section.ToString(), passes.MayBeSpecial).MayBeSpecial;
        for (int position = 0; position < text.Length;)
        {
            AddedToken? token = _normalizedTokens.Next(text, position, passes.ParseSpecial, mayBeSpecial, out int start, out int end);
            if (start > position)
            {
                receiver.Piece(text[position..start], first && position == 0);
            }

            AddToken(token, text[start..end], output);
            position = end;
        }
    }

    private static void AddTemplate(int[] ids, Passes passes, EncodeOutput output)
    {
        foreach (int id in passes.AddTemplate ? ids : [])
        {
            output.AddToken(id, []);
        }
    }

    private static void AddToken(AddedToken? token, ReadOnlySpan<char> text, EncodeOutput output)
    {
        if (token is not null)
        {
            output.AddToken(token.Id, text);
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

    /// <summary>The end of the steps: encodes each piece.</summary>
    private sealed class ModelReceiver(PipelineTokenizer tokenizer, EncodeOutput output) : PieceReceiver
    {
        private readonly List<ModelToken> _tokens = [];

        public override void Piece(ReadOnlySpan<char> piece, bool first)
        {
            ReadOnlySpan<ModelToken> tokens = tokenizer._cache.Find(piece);
            if (tokens.IsEmpty)
            {
                _tokens.Clear();
                tokenizer._model.Encode(piece, _tokens);
                tokens = CollectionsMarshal.AsSpan(_tokens);
                tokenizer._cache.Add(piece, tokens);
            }

            output.AddPiece(piece, tokens, tokenizer._spellsBytes);
        }

        public override void Gap(ReadOnlySpan<char> text) => output.AddGap(text);
    }
}

/// <summary>What a <see cref="PipelineTokenizer"/> is made of.</summary>
internal sealed record TokenizerParts
{
    public required TokenModel Model { get; init; }

    public required Vocabulary Vocabulary { get; init; }

    public required TextNormalizer? Normalizer { get; init; }

    public required IReadOnlyList<PreTokenizationStep> Steps { get; init; }

    public required IReadOnlyList<TokenDecoder> Decoders { get; init; }

    public required IReadOnlyList<AddedToken> Added { get; init; }

    /// <summary>What the template puts before a text.</summary>
    public required IReadOnlyList<int> Prefix { get; init; }

    /// <summary>What it puts behind.</summary>
    public required IReadOnlyList<int> Suffix { get; init; }
}
