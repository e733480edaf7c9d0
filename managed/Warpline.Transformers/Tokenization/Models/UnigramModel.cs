using System.Buffers;

namespace Warpline.Transformers;

/// <summary>
/// Unigram: of all ways to cut a piece into tokens the one with the highest sum of scores, by Viterbi's algorithm. A character
/// that no token covers alone counts as unknown, ten below the lowest score; neighbouring unknown ones are one token, or the
/// tokens of their bytes.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private const double _unknownPenalty = 10;

    private readonly double[] _scores;
    private readonly int _unknown;
    private readonly double _unknownScore;
    private readonly ByteTokens? _bytes;

    // A trie: the node that a character leads to from a node, and the token that ends at a node, -1 for none.
    private readonly Dictionary<(int Node, char Character), int> _edges = [];
    private readonly List<int> _tokenOfNode = [-1];

    /// <param name="ids">Ids by token; they are the places of the scores.</param>
    /// <param name="scores">The logarithm of each token's probability; finite.</param>
    /// <param name="unknown">The token for what is unknown.</param>
    /// <param name="byteFallback">Whether what is unknown is spelled in bytes.</param>
    public UnigramModel(Dictionary<string, int> ids, double[] scores, int unknown, bool byteFallback)
    {
        Ids = ids;
        _scores = scores;
        _unknown = unknown;
        _unknownScore = scores.Min() - _unknownPenalty;
        _bytes = byteFallback ? new ByteTokens(ids) : null;
        foreach ((string token, int id) in ids)
        {
            int node = 0;
            foreach (char character in token)
            {
                if (!_edges.TryGetValue((node, character), out int next))
                {
                    next = _tokenOfNode.Count;
                    _tokenOfNode.Add(-1);
                    _edges.Add((node, character), next);
                }

                node = next;
            }

            _tokenOfNode[node] = id;
        }
    }

    public override Dictionary<string, int> Ids { get; }

    public override void Encode(ReadOnlySpan<char> piece, List<ModelToken> tokens)
    {
        // For each place the best way to it: its score, the token that it ends with, and where that begins (-1: no way yet).
        Best[] rented = ArrayPool<Best>.Shared.Rent(piece.Length + 1);
        Span<Best> best = rented.AsSpan(0, piece.Length + 1);
        best.Fill(new Best(0, _unknown, -1));
        for (int start = 0, next; start < piece.Length; start = next)
        {
            Characters.At(piece, start, out next);
            double score = best[start].Score;
            bool coversOne = false;
            int node = 0;
            for (int end = start; end < piece.Length && _edges.TryGetValue((node, piece[end]), out node);)
            {
                end++;
                int id = _tokenOfNode[node];
                if (id >= 0)
                {
                    Improve(ref best[end], new Best(score + _scores[id], id, start));
                    coversOne |= end == next;
                }
            }

            if (!coversOne)
            {
                Improve(ref best[next], new Best(score + _unknownScore, _unknown, start));
            }
        }

        Append(piece, best, tokens);
        ArrayPool<Best>.Shared.Return(rented);
    }

    private static void Improve(ref Best best, Best candidate)
    {
        if (best.Start < 0 || candidate.Score > best.Score)
        {
            best = candidate;
        }
    }

    private void Append(ReadOnlySpan<char> piece, Span<Best> best, List<ModelToken> tokens)
    {
        // The way is known from its end.
        var reversed = new List<ModelToken>();
        for (int end = piece.Length; end > 0;)
        {
            (int id, int start) = (best[end].Id, best[end].Start);
            while (id == _unknown && start > 0 && best[start].Id == _unknown)
            {
                start = best[start].Start;
            }

            reversed.Add(new ModelToken(id, start, end));
            end = start;
        }

        for (int i = reversed.Count - 1; i >= 0; i--)
        {
            ModelToken token = reversed[i];
            ReadOnlySpan<char> text = piece[token.Start..token.End];
            if (token.Id != _unknown || _bytes?.TryAppend(text, token.Start, token.End, tokens) != true)
            {
                tokens.Add(token);
            }
        }
    }

    private readonly record struct Best(double Score, int Id, int Start);
}
