using System.Numerics.Tensors;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Ways to make a sentence's vector of its tokens', in the order in which several are put behind each other.</summary>
internal enum PoolingMode
{
    /// <summary>The first token's.</summary>
    Cls,

    /// <summary>The largest of each column.</summary>
    Max,

    /// <summary>The mean.</summary>
    Mean,

    /// <summary>The sum over the square root of the number.</summary>
    MeanSqrtLength,

    /// <summary>The mean with the weights 1, 2, 3, ... by position.</summary>
    WeightedMean,

    /// <summary>The last token's.</summary>
    LastToken,
}

/// <summary>The pooling module: one mode, or several whose results are put behind each other.</summary>
internal sealed class SentencePooling
{
    private static readonly (PoolingMode Mode, string Flag, string Name)[] _known =
    [
        (PoolingMode.Cls, "pooling_mode_cls_token", "cls"),
        (PoolingMode.Max, "pooling_mode_max_tokens", "max"),
        (PoolingMode.Mean, "pooling_mode_mean_tokens", "mean"),
        (PoolingMode.MeanSqrtLength, "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
        (PoolingMode.WeightedMean, "pooling_mode_weightedmean_tokens", "weightedmean"),
        (PoolingMode.LastToken, "pooling_mode_lasttoken", "lasttoken"),
    ];

    private readonly RangePool[] _pools;
    private readonly float[][] _buffers;
    private int[] _whole = [], _cut = [], _rows = [];

    public SentencePooling(IReadOnlyList<PoolingMode> modes, bool includePrompt, int? width = null)
    {
        (Modes, IncludePrompt, Width) = (modes, includePrompt, width);
        _pools = new RangePool[modes.Count];
        _buffers = [.. modes.Select(_ => Array.Empty<float>())];
    }

    /// <summary>What a folder without modules means.</summary>
    public static SentencePooling Mean => new([PoolingMode.Mean], includePrompt: true);

    /// <summary>In their order.</summary>
    public IReadOnlyList<PoolingMode> Modes { get; }

    /// <summary>Whether a prompt's tokens count.</summary>
    public bool IncludePrompt { get; }

    /// <summary>The width of the tokens' vectors, where the file says it.</summary>
    public int? Width { get; }

    /// <summary>Reads the module's config.json. Without any mode in it the mean is meant, as in sentence-transformers.</summary>
    public static SentencePooling Read(Dictionary<string, JsonElement> keys, string source)
    {
        ConfigValue Value(string key) => new(source, key, keys.GetValueOrDefault(key));
        ConfigValue named = Value("pooling_mode");
        List<PoolingMode> modes = named.IsNull
            ? [.. _known.Where(known => Value(known.Flag).Flag() == true).Select(known => known.Mode)]
            : ByName(named, keys["pooling_mode"]);
        int? width = Value("word_embedding_dimension").Integer(1, ModelRules.MaxWidth)
            ?? Value("embedding_dimension").Integer(1, ModelRules.MaxWidth);
        return new SentencePooling(modes.Count == 0 ? [PoolingMode.Mean] : modes, Value("include_prompt").Flag() ?? true, width);
    }

    /// <summary>Runs a batch and makes the sentences' vectors.</summary>
    /// <param name="session">Where the encoder runs.</param>
    /// <param name="tokens">The batch.</param>
    /// <param name="lengths">Of its sentences.</param>
    /// <param name="promptLength">Tokens at the start of each sentence that are its prompt's.</param>
    /// <param name="width">Of a token's vector.</param>
    /// <param name="destination">Receives modes * width numbers for each sentence.</param>
    public void Run(
        EncoderSession session, ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int promptLength, int width, Span<float> destination)
    {
        int skipped = IncludePrompt ? 0 : promptLength;
        FillEnds(tokens.Length, lengths, skipped);
        for (int i = 0; i < Modes.Count; i++)
        {
            (PoolingKind kind, int[] ends, int ranges) = Modes[i] switch
            {
                PoolingMode.Cls => (PoolingKind.First, _whole, lengths.Length),
                PoolingMode.LastToken => (PoolingKind.Last, _whole, lengths.Length),
                PoolingMode.WeightedMean => (PoolingKind.First, _rows, tokens.Length),
                PoolingMode.Max => (PoolingKind.Max, skipped == 0 ? _whole : _cut, Ranges(lengths.Length, skipped)),
                _ => (PoolingKind.Mean, skipped == 0 ? _whole : _cut, Ranges(lengths.Length, skipped)),
            };
            Grow(ref _buffers[i], ranges * width);
            _pools[i] = new RangePool(kind, ends.AsMemory(0, ranges), _buffers[i].AsMemory(0, ranges * width));
        }

        session.Pool(tokens, lengths, _pools);
        int start = 0;
        for (int sentence = 0; sentence < lengths.Length; sentence++)
        {
            for (int i = 0; i < Modes.Count; i++)
            {
                Span<float> vector = destination.Slice(((sentence * Modes.Count) + i) * width, width);
                Combine(Modes[i], _buffers[i], sentence, start, lengths[sentence], skipped, vector);
            }

            start += lengths[sentence];
        }
    }

    private static List<PoolingMode> ByName(ConfigValue key, JsonElement value)
    {
        string[] names = value.ValueKind == JsonValueKind.Array ? key.Texts()! : [key.Text()!];
        return names.All(name => _known.Any(known => known.Name == name))
            ? [.. _known.Where(known => names.Contains(known.Name)).Select(known => known.Mode)]
            : throw key.Wrong($"some of {string.Join(", ", _known.Select(known => known.Name))}");
    }

    // With a prompt to skip every sentence is two ranges, of which the second counts.
    private static int Ranges(int sentences, int skipped) => skipped == 0 ? sentences : 2 * sentences;

    private void FillEnds(int tokens, ReadOnlySpan<int> lengths, int skipped)
    {
        Grow(ref _whole, lengths.Length);
        Grow(ref _cut, 2 * lengths.Length);
        int end = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            _cut[2 * i] = end + Math.Min(skipped, lengths[i]);
            _whole[i] = _cut[(2 * i) + 1] = end += lengths[i];
        }

        if (_rows.Length < tokens && Modes.Contains(PoolingMode.WeightedMean))
        {
            _rows = [.. Enumerable.Range(1, tokens)];
        }
    }

    private static void Combine(
        PoolingMode mode, ReadOnlySpan<float> pooled, int sentence, int start, int length, int skipped, Span<float> vector)
    {
        int width = vector.Length, left = Math.Max(0, length - skipped);
        switch (mode)
        {
            case PoolingMode.Cls or PoolingMode.LastToken:
                pooled.Slice(sentence * width, width).CopyTo(vector);
                break;
            case PoolingMode.WeightedMean:
                vector.Clear();
                for (int i = length - left; i < length; i++)
                {
                    TensorPrimitives.MultiplyAdd(pooled.Slice((start + i) * width, width), i + 1f, vector, vector);
                }

                float sum = (length * (length + 1f) / 2) - ((length - left) * (length - left + 1f) / 2);
                TensorPrimitives.Divide(vector, MathF.Max(sum, 1e-9f), vector);
                break;
            default:
                pooled.Slice((skipped == 0 ? sentence : (2 * sentence) + 1) * width, width).CopyTo(vector);
                if (mode == PoolingMode.MeanSqrtLength)
                {
                    TensorPrimitives.Multiply(vector, MathF.Sqrt(left), vector);
                }

                break;
        }
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = GC.AllocateUninitializedArray<T>(length, pinned: true);
        }
    }
}
