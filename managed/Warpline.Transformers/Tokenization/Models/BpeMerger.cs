using System.Buffers;

namespace Warpline.Transformers;

/// <summary>
/// Joins neighbouring tokens by a list of merges: always the pair that stands first in the list, and of those the leftmost.
/// </summary>
internal sealed class BpeMerger
{
    // Up to this length looking through all pairs for each merge is faster than keeping them in order.
    private const int _shortLength = 32;

    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges;

    public BpeMerger(int capacity) => _merges = new(capacity);

    /// <summary>Adds a merge behind the ones before.</summary>
    /// <returns>Whether the pair is new.</returns>
    public bool TryAdd(int left, int right, int merged) => _merges.TryAdd((left, right), (_merges.Count, merged));

    /// <summary>Joins what can be joined, in place.</summary>
    /// <returns>How many tokens are left, at the front of the span.</returns>
    public int Merge(Span<ModelToken> tokens) =>
        tokens.Length < 2 ? tokens.Length : tokens.Length <= _shortLength ? MergeShort(tokens) : MergeLong(tokens);

    private int MergeShort(Span<ModelToken> tokens)
    {
        const int none = int.MaxValue;
        int count = tokens.Length;
        Span<(int Rank, int Id)> pairs = stackalloc (int, int)[_shortLength];
        for (int i = 0; i + 1 < count; i++)
        {
            pairs[i] = Find(tokens[i], tokens[i + 1]);
        }

        while (true)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
            {
                best = pairs[i].Rank < pairs[best].Rank ? i : best;
            }

            if (count < 2 || pairs[best].Rank == none)
            {
                return count;
            }

            tokens[best] = new ModelToken(pairs[best].Id, tokens[best].Start, tokens[best + 1].End);
            tokens[(best + 2)..count].CopyTo(tokens[(best + 1)..]);
            pairs[(best + 1)..(count - 1)].CopyTo(pairs[best..]);
            count--;
            if (best + 1 < count)
            {
                pairs[best] = Find(tokens[best], tokens[best + 1]);
            }

            if (best > 0)
            {
                pairs[best - 1] = Find(tokens[best - 1], tokens[best]);
            }
        }

        (int Rank, int Id) Find(ModelToken left, ModelToken right) =>
            _merges.TryGetValue((left.Id, right.Id), out (int Rank, int Id) merge) ? merge : (none, 0);
    }

    // In time n log n, whatever the text: a megabyte of one letter, or a whole text in one piece as gemma has it.
    private int MergeLong(Span<ModelToken> tokens)
    {
        int count = tokens.Length;

        // A doubly linked list over the tokens; a merge keeps its left place and marks its right one as gone.
        int[] previous = ArrayPool<int>.Shared.Rent(count);
        int[] next = ArrayPool<int>.Shared.Rent(count);
        var first = new List<(int Place, ulong Priority)>(count);
        for (int place = 0; place < count; place++)
        {
            (previous[place], next[place]) = (place - 1, place + 1);
            if (place + 1 < count && _merges.TryGetValue((tokens[place].Id, tokens[place + 1].Id), out (int Rank, int Id) merge))
            {
                first.Add((place, Priority(merge.Rank, place)));
            }
        }

        var queue = new PriorityQueue<int, ulong>(first);
        while (queue.TryDequeue(out int place, out ulong priority))
        {
            int right = next[place];
            if (tokens[place].Id < 0 || right >= count
                || !_merges.TryGetValue((tokens[place].Id, tokens[right].Id), out (int Rank, int Id) merge)
                || Priority(merge.Rank, place) != priority)
            {
                // One of the two has been merged with another since.
                continue;
            }

            tokens[place] = new ModelToken(merge.Id, tokens[place].Start, tokens[right].End);
            tokens[right] = tokens[right] with { Id = -1 };
            next[place] = next[right];
            if (next[place] < count)
            {
                previous[next[place]] = place;
                Enqueue(tokens, place);
            }

            if (previous[place] >= 0)
            {
                Enqueue(tokens, previous[place]);
            }
        }

        int left = 0;
        for (int place = 0; place < count; place = next[place])
        {
            tokens[left++] = tokens[place];
        }

        ArrayPool<int>.Shared.Return(previous);
        ArrayPool<int>.Shared.Return(next);
        return left;

        void Enqueue(Span<ModelToken> tokens, int place)
        {
            if (_merges.TryGetValue((tokens[place].Id, tokens[next[place]].Id), out (int Rank, int Id) merge))
            {
                queue.Enqueue(place, Priority(merge.Rank, place));
            }
        }
    }

    private static ulong Priority(int rank, int place) => ((ulong)(uint)rank << 32) | (uint)place;
}
