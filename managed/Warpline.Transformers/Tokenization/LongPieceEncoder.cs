using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// Byte-level BPE for pieces of thousands of characters without a cut (a megabyte of one letter, say), in time
/// n log n where <see cref="Microsoft.ML.Tokenizers.BpeTokenizer"/> takes n squared. Gives the same ids.
/// </summary>
internal sealed class LongPieceEncoder
{
    /// <summary>From this length on the encoder pays.</summary>
    public const int MinLength = 2048;

    private readonly IReadOnlyList<int> _idOfByte;
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];

    public LongPieceEncoder(BpeVocabulary vocabulary)
    {
        _idOfByte = vocabulary.IdsOfBytes;
        foreach (string merge in vocabulary.Merges)
        {
            int blank = merge.IndexOf(' ', StringComparison.Ordinal);
            string left = merge[..blank];
            string right = merge[(blank + 1)..];
            _merges.Add(
                (vocabulary.ModelIds[left], vocabulary.ModelIds[right]), (_merges.Count, vocabulary.ModelIds[left + right]));
        }
    }

    public List<int> Encode(ReadOnlySpan<char> piece)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(piece)];
        Encoding.UTF8.GetBytes(piece, bytes);
        List<int> ids = [.. bytes.Select(value => _idOfByte[value]).Where(id => id >= 0)];

        // A doubly linked list over the symbols; a merge keeps its left place and marks its right one as gone.
        int[] previous = [.. Enumerable.Range(-1, ids.Count)];
        int[] next = [.. Enumerable.Range(1, ids.Count)];
        var queue = new PriorityQueue<(int Place, int Left, int Right, int Merged), (int Rank, int Place)>();
        for (int place = 0; place + 1 < ids.Count; place++)
        {
            Enqueue(place);
        }

        while (queue.TryDequeue(out (int Place, int Left, int Right, int Merged) pair, out _))
        {
            int place = pair.Place;
            int right = next[place];
            if (ids[place] != pair.Left || right >= ids.Count || ids[right] != pair.Right)
            {
                // One of the two has been merged with another since.
                continue;
            }

            ids[place] = pair.Merged;
            ids[right] = -1;
            next[place] = next[right];
            if (next[place] < ids.Count)
            {
                previous[next[place]] = place;
                Enqueue(place);
            }

            if (previous[place] >= 0)
            {
                Enqueue(previous[place]);
            }
        }

        ids.RemoveAll(id => id < 0);
        return ids;

        void Enqueue(int place)
        {
            (int Left, int Right) pair = (ids[place], ids[next[place]]);
            if (_merges.TryGetValue(pair, out (int Rank, int Id) merge))
            {
                queue.Enqueue((place, pair.Left, pair.Right, merge.Id), (merge.Rank, place));
            }
        }
    }
}
