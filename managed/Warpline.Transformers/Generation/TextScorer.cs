using System.Numerics.Tensors;

namespace Warpline.Transformers;

/// <summary>
/// Scores texts with a decoder, for perplexity. A text longer than the context runs in windows that begin every
/// <see cref="Stride"/> tokens and hold <see cref="Context"/> at most; a window scores the tokens that none before it scored, each
/// given those before it in the window. So every token but the first is scored once, with at least Context - Stride tokens before
/// it once the text is that long; where the stride is the context, the first token of each window is not scored.
/// </summary>
/// <remarks>
/// The windows are those of "Perplexity of fixed-length models" in transformers' documentation. Its mean takes one token too few
/// of each window but the first; this sum counts what it adds. Threads: calls on one scorer must follow one another. The scorer
/// owns a session, and the model stays the caller's.
/// </remarks>
public sealed class TextScorer : IDisposable
{
    // Logits that are held at once, in bytes and in rows.
    private const long _pieceBytes = 32 << 20;
    private const int _mostRows = 512;

    private const int _slice = 1024;

    private readonly DecoderSession _session;
    private readonly int _vocabulary;

    /// <summary>Makes a scorer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="context">Most tokens of a window, at least 2; null for the model's positions, at most
    /// <see cref="TransformerModel.DefaultCapacity"/>.</param>
    /// <param name="stride">Tokens from the beginning of a window to that of the next, in [1, context]; null for half the
    /// context.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    /// <exception cref="WarplineException">Memory is exhausted.</exception>
    public TextScorer(TransformerModel model, int? context = null, int? stride = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        int positions = model.Config.MaxPositions;
        Context = context ?? Math.Min(positions, TransformerModel.DefaultCapacity);
        if (Context < 2 || Context > positions)
        {
            throw new ArgumentOutOfRangeException(
                nameof(context), Context, $"The context must be in [2, {positions}], the model's positions.");
        }

        Stride = stride ?? Context / 2;
        if (Stride < 1 || Stride > Context)
        {
            throw new ArgumentOutOfRangeException(nameof(stride), Stride, $"The stride must be in [1, {Context}], the context.");
        }

        _vocabulary = model.Config.VocabularySize;
        _session = model.CreateSession(Context);
    }

    /// <summary>Most tokens of a window.</summary>
    public int Context { get; }

    /// <summary>Tokens from the beginning of a window to that of the next.</summary>
    public int Stride { get; }

    /// <summary>Scores a text.</summary>
    /// <param name="tokens">Its token ids, with those that begin and end it, each in [0, vocabulary size). Fewer than two have
    /// nothing to score.</param>
    /// <param name="progress">Told the score so far, after each piece of the text.</param>
    /// <param name="cancellationToken">Ends the work between pieces.</param>
    /// <returns>The score.</returns>
    /// <exception cref="ArgumentException">A token is none of the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">Another call is running.</exception>
    /// <exception cref="ObjectDisposedException">The scorer or the model has been disposed.</exception>
    public TextScore Score(
        ReadOnlySpan<int> tokens, IProgress<TextScore>? progress = null, CancellationToken cancellationToken = default)
    {
        TokenIds.Require(tokens, _vocabulary, nameof(tokens));
        _session.Enter();
        try
        {
            return Run(tokens, progress, cancellationToken);
        }
        finally
        {
            _session.Exit();
        }
    }

    /// <summary>Frees the session.</summary>
    public void Dispose() => _session.Dispose();

    private TextScore Run(ReadOnlySpan<int> tokens, IProgress<TextScore>? progress, CancellationToken cancellation)
    {
        TextScore score = default;
        int scored = 0, rows = (int)Math.Clamp(_pieceBytes / sizeof(float) / _vocabulary, 1, _mostRows);
        for (int begin = 0; begin < tokens.Length - 1 && scored < tokens.Length; begin += Stride)
        {
            int end = Math.Min(begin + Context, tokens.Length);

            // Of the token before it come the logits that judge a token.
            int first = Math.Max(scored, begin + 1) - 1;
            _session.Clear();
            if (first > begin)
            {
                _session.Advance(tokens[begin..first], LogitsMode.None, cancellation);
            }

            for (int from = first; from < end - 1; from += rows)
            {
                int count = Math.Min(rows, end - 1 - from);
                ReadOnlySpan<float> logits = _session.Advance(tokens.Slice(from, count), LogitsMode.All, cancellation);
                for (int i = 0; i < count; i++)
                {
                    double loss = Loss(logits.Slice(i * _vocabulary, _vocabulary), tokens[from + i + 1]);
                    score += new TextScore(loss, 1);
                }

                progress?.Report(score);
            }

            scored = end;
        }

        return score;
    }

    // log(sum(exp(logits))) - logit of the token, in double.
    private double Loss(ReadOnlySpan<float> logits, int token)
    {
        double largest = TensorPrimitives.Max(logits), sum = 0;
        Span<double> values = stackalloc double[_slice];
        for (int from = 0; from < logits.Length; from += _slice)
        {
            Span<double> slice = values[..Math.Min(_slice, logits.Length - from)];
            TensorPrimitives.ConvertChecked(logits.Slice(from, slice.Length), slice);
            TensorPrimitives.Subtract(slice, largest, slice);
            TensorPrimitives.Exp(slice, slice);
            sum += TensorPrimitives.Sum<double>(slice);
        }

        return largest + Math.Log(sum) - logits[token];
    }
}
