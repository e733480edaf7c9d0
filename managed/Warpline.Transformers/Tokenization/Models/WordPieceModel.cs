using System.Buffers;

namespace Warpline.Transformers;

/// <summary>
/// WordPiece: the longest token that a word begins with, then the longest that its rest begins with, spelled with a prefix. A
/// word that cannot be cut up so, or is too long, is one unknown token.
/// </summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly string _prefix;
    private readonly int _unknown;
    private readonly long _maxCharacters;
    private readonly int _maxTokenLength;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idOfText;

    public WordPieceModel(Dictionary<string, int> ids, string prefix, int unknown, long maxCharacters)
    {
        Ids = ids;
        _prefix = prefix;
        _unknown = unknown;
        _maxCharacters = maxCharacters;
        _maxTokenLength = ids.Keys.Max(token => token.Length);
        _idOfText = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public override Dictionary<string, int> Ids { get; }

    public override void Encode(ReadOnlySpan<char> piece, List<ModelToken> tokens)
    {
        int before = tokens.Count;
        char[] rented = ArrayPool<char>.Shared.Rent(_prefix.Length + piece.Length);
        _prefix.CopyTo(rented);
        piece.CopyTo(rented.AsSpan(_prefix.Length));
        int start = Length(piece) > _maxCharacters ? piece.Length : 0;
        while (start < piece.Length)
        {
            // The prefix stands right before the rest of the word; what it covers is done with.
            int origin = start == 0 ? _prefix.Length : start;
            if (start > 0)
            {
                _prefix.CopyTo(rented.AsSpan(origin));
            }

            int lead = start == 0 ? 0 : _prefix.Length;
            int end = (int)Math.Min(piece.Length, (long)start + _maxTokenLength - lead);
            int id = -1;
            for (; end > start; end -= end > start + 1 && char.IsLowSurrogate(piece[end - 1]) ? 2 : 1)
            {
                if (_idOfText.TryGetValue(rented.AsSpan(origin, lead + end - start), out id))
                {
                    break;
                }
            }

            if (end <= start)
            {
                tokens.RemoveRange(before, tokens.Count - before);
                break;
            }

            tokens.Add(new ModelToken(id, start, end));
            start = end;
        }

        ArrayPool<char>.Shared.Return(rented);
        if (tokens.Count == before)
        {
            tokens.Add(new ModelToken(_unknown, 0, piece.Length));
        }
    }

    private static long Length(ReadOnlySpan<char> piece)
    {
        long length = 0;
        for (int position = 0; position < piece.Length; length++)
        {
            Characters.At(piece, position, out position);
        }

        return length;
    }
}
