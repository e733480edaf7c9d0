using System.Runtime.InteropServices;

namespace Warpline.Transformers;

/// <summary>
/// Sentences on their way through the encoder: sorted by length, the longest first, and packed into batches of at most so many
/// tokens, without padding. The memory is the largest window's and stays.
/// </summary>
internal sealed class SentenceBatches(EncoderSession session, SentencePooling pooling, IReadOnlyList<SentenceStep> steps, int width)
{
    private readonly int[] _tokens = new int[session.BatchTokens];
    private readonly List<int> _lengths = [], _members = [];
    private int[] _order = [], _keys = [];
    private float[] _pooled = [];

    /// <summary>Numbers of a sentence's vector.</summary>
    public int Dimensions { get; } = steps.Aggregate(pooling.Modes.Count * width, (size, step) => step.OutputSize(size));

    /// <summary>Encodes sentences.</summary>
    /// <param name="sentences">Token ids of each; none gives a zero vector.</param>
    /// <param name="promptLength">Tokens at the start of each sentence that are its prompt's.</param>
    /// <param name="destination">Receives <see cref="Dimensions"/> numbers for each, in the order of the sentences.</param>
    /// <param name="cancellation">Seen between batches.</param>
    public void Run(ReadOnlySpan<int[]> sentences, int promptLength, Span<float> destination, CancellationToken cancellation)
    {
        Sort(sentences);
        for (int next = 0; next < sentences.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            next = Gather(sentences, next, out int tokens);
            if (tokens == 0)
            {
                // Sorted last: only sentences without tokens are left.
                foreach (int sentence in _order.AsSpan(next, sentences.Length - next))
                {
                    Finish(destination, sentence, new float[pooling.Modes.Count * width]);
                }

                return;
            }

            RunBatch(_tokens.AsSpan(0, tokens), promptLength, destination);
        }
    }

    private void Sort(ReadOnlySpan<int[]> sentences)
    {
        if (_order.Length < sentences.Length)
        {
            (_order, _keys) = (new int[sentences.Length], new int[sentences.Length]);
        }

        for (int i = 0; i < sentences.Length; i++)
        {
            (_order[i], _keys[i]) = (i, -sentences[i].Length);
        }

        Array.Sort(_keys, _order, 0, sentences.Length);
    }

    private int Gather(ReadOnlySpan<int[]> sentences, int next, out int tokens)
    {
        _lengths.Clear();
        _members.Clear();
        tokens = 0;
        while (next < sentences.Length)
        {
            int[] ids = sentences[_order[next]];
            if (ids.Length == 0 || tokens + ids.Length > _tokens.Length)
            {
                break;
            }

            ids.CopyTo(_tokens, tokens);
            tokens += ids.Length;
            _lengths.Add(ids.Length);
            _members.Add(_order[next++]);
        }

        return next;
    }

    private void RunBatch(ReadOnlySpan<int> tokens, int promptLength, Span<float> destination)
    {
        int size = pooling.Modes.Count * width;
        if (_pooled.Length < _members.Count * size)
        {
            _pooled = new float[_members.Count * size];
        }

        pooling.Run(session, tokens, CollectionsMarshal.AsSpan(_lengths), promptLength, width, _pooled);
        for (int i = 0; i < _members.Count; i++)
        {
            Finish(destination, _members[i], _pooled.AsSpan(i * size, size));
        }
    }

    private void Finish(Span<float> destination, int sentence, Span<float> vector)
    {
        foreach (SentenceStep step in steps)
        {
            vector = step.Apply(vector);
        }

        vector.CopyTo(destination.Slice(sentence * Dimensions, Dimensions));
    }
}
