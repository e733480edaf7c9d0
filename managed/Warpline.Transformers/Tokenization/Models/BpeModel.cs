using System.Runtime.InteropServices;
using System.Text;

namespace Warpline.Transformers;

/// <summary>What a BPE model does beside merging.</summary>
internal sealed record BpeSettings
{
    /// <summary>What stands for a character that the vocabulary lacks; null leaves such characters out.</summary>
    public string? UnknownToken { get; init; }

    /// <summary>Whether neighbouring unknown characters are one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Whether the bytes of an unknown character are tokens.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Whether a piece that is a token is that token, whatever the merges would give.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>What stands before each character of a piece but the first.</summary>
    public string ContinuingSubwordPrefix { get; init; } = "";

    /// <summary>What stands behind the last character of a piece.</summary>
    public string EndOfWordSuffix { get; init; } = "";
}

/// <summary>
/// Byte-pair encoding: a piece is taken apart into characters, and the neighbours that stand first in the list of merges are
/// joined until none can be. Serves vocabularies of bytes (gpt2, llama 3, qwen) and of characters (llama 2, gemma).
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const int _lowCharacters = 0x300;

    private readonly BpeSettings _settings;
    private readonly BpeMerger _merger;
    private readonly ByteTokens? _bytes;
    private readonly int _unknown;
    private readonly bool _isPlain;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idOfText;

    // Ids of single characters, -1 for none; the dictionary has those that the array has no room for.
    private readonly int[] _idOfLowCharacter = new int[_lowCharacters];
    private readonly Dictionary<int, int> _idOfHighCharacter = [];

    public BpeModel(Dictionary<string, int> ids, BpeMerger merger, BpeSettings settings)
    {
        Ids = ids;
        _idOfText = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _merger = merger;
        _settings = settings;
        _bytes = settings.ByteFallback ? new ByteTokens(ids) : null;
        _unknown = settings.UnknownToken is null ? -1 : ids.GetValueOrDefault(settings.UnknownToken, -1);
        _isPlain = settings.ContinuingSubwordPrefix.Length + settings.EndOfWordSuffix.Length == 0;
        Array.Fill(_idOfLowCharacter, -1);
        foreach ((string token, int id) in ids)
        {
            if (token.Length is 1 or 2 && Characters.At(token, 0, out int next).Value is int code && next == token.Length)
            {
                if (code < _lowCharacters)
                {
                    _idOfLowCharacter[code] = id;
                }
                else
                {
                    _idOfHighCharacter.Add(code, id);
                }
            }
        }
    }

    public override Dictionary<string, int> Ids { get; }

    public override void Encode(ReadOnlySpan<char> piece, List<ModelToken> tokens)
    {
        if (_settings.IgnoreMerges && _idOfText.TryGetValue(piece, out int whole))
        {
            tokens.Add(new ModelToken(whole, 0, piece.Length));
            return;
        }

        int before = tokens.Count;
        AppendCharacters(piece, tokens);
        int count = _merger.Merge(CollectionsMarshal.AsSpan(tokens)[before..]);
        tokens.RemoveRange(before + count, tokens.Count - before - count);
    }

    private void AppendCharacters(ReadOnlySpan<char> piece, List<ModelToken> tokens)
    {
        ModelToken? unknown = null;
        for (int position = 0, next; position < piece.Length; position = next)
        {
            Rune rune = Characters.At(piece, position, out next);
            string? spelled = _isPlain ? null : Spelled(piece, position, next);
            int id = spelled is null ? IdOf(rune) : Ids.GetValueOrDefault(spelled, -1);
            if (id >= 0)
            {
                AddUnknown();
                tokens.Add(new ModelToken(id, position, next));
            }
            else if (_bytes?.TryAppend(spelled ?? piece[position..next], position, next, tokens) != true && _unknown >= 0)
            {
                // As in the reference, an unknown character waits for its neighbours even where bytes stand between.
                if (unknown is { } waiting && _settings.FuseUnknown)
                {
                    unknown = waiting with { End = next };
                }
                else
                {
                    AddUnknown();
                    unknown = new ModelToken(_unknown, position, next);
                }
            }
        }

        AddUnknown();

        void AddUnknown()
        {
            if (unknown is { } waiting)
            {
                tokens.Add(waiting);
                unknown = null;
            }
        }
    }

    private int IdOf(Rune rune) =>
        rune.Value < _lowCharacters ? _idOfLowCharacter[rune.Value] : _idOfHighCharacter.GetValueOrDefault(rune.Value, -1);

    private string Spelled(ReadOnlySpan<char> piece, int start, int end) => string.Concat(
        start > 0 ? _settings.ContinuingSubwordPrefix : "", piece[start..end], end == piece.Length ? _settings.EndOfWordSuffix : "");
}
