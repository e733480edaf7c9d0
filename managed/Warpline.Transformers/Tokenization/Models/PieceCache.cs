namespace Warpline.Transformers;

/// <summary>
/// Remembers the tokens of short pieces, since a text repeats its words. A table of fixed size with one place for each hash, so
/// that it cannot grow; entries are immutable and replaced as a whole, so that threads need no lock.
/// </summary>
internal sealed class PieceCache
{
    private const int _places = 1 << 14;
    private const int _maxLength = 64;

    private readonly Entry?[] _entries = new Entry?[_places];

    /// <summary>The tokens of a piece, or null if they are not known.</summary>
    public ModelToken[]? Find(ReadOnlySpan<char> piece)
    {
        if (piece.Length > _maxLength)
        {
            return null;
        }

        Entry? entry = _entries[Place(piece)];
        return entry is not null && piece.SequenceEqual(entry.Piece) ? entry.Tokens : null;
    }

    public void Add(ReadOnlySpan<char> piece, ReadOnlySpan<ModelToken> tokens)
    {
        if (piece.Length <= _maxLength)
        {
            Volatile.Write(ref _entries[Place(piece)], new Entry(piece.ToString(), tokens.ToArray()));
        }
    }

    private static int Place(ReadOnlySpan<char> piece) => string.GetHashCode(piece) & (_places - 1);

    private sealed record Entry(string Piece, ModelToken[] Tokens);
}
