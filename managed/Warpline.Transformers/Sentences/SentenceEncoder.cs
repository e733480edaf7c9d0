using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Warpline.Transformers;

/// <summary>
/// Turns texts into vectors with a checkpoint as sentence-transformers writes it: tokenizer, encoder, pooling, and what follows.
/// Texts are sorted by length and run in batches of so many tokens without padding.
/// </summary>
/// <remarks>
/// Threads: calls from any threads may run at the same time; their windows of texts take turns. A sentence's vector does not depend on
/// the others where <see cref="ModelOptions.BatchInvariant"/> is set. <see cref="Dispose"/> lets a running batch finish; later
/// calls throw <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed class SentenceEncoder : IDisposable
{
    // What is tokenized and sorted at once, and so what of an endless stream is in memory, three times.
    private const int _windowTexts = 1024;
    private const int _windowTokens = 64 * 1024;

    private readonly EncoderSession _session;
    private readonly SentenceFiles _files;
    private readonly SentenceTokens? _tokens;
    private readonly SentenceBatches _batches;
    private readonly Lock _lock = new();

    private SentenceEncoder(EncoderModel model, SentenceFiles files, int? batchTokens)
    {
        (Model, _files) = (model, files);
        MaxSequenceLength = Math.Min(files.MaxSequenceLength ?? int.MaxValue, model.Config.MaxTokens);
        if (files.Pooling.Width is int width && width != model.Config.HiddenSize)
        {
            throw new InvalidDataException(
                $"The pooling's word_embedding_dimension = {width}; {model.Config.HiddenSize} is required, the encoder's hidden size.");
        }

        if (model.Tokenizer is PipelineTokenizer tokenizer)
        {
            int special = tokenizer.Prefix.Length + tokenizer.Suffix.Length;
            _tokens = MaxSequenceLength > special
                ? new SentenceTokens(tokenizer, files.LowerCase, MaxSequenceLength)
                : throw new InvalidDataException(
                    $"max_seq_length = {MaxSequenceLength}; more than the {special} special tokens of a text is required.");
        }

        // What is out of range is the session's to refuse.
        _session = model.CreateSession(batchTokens < 1 ? batchTokens : Math.Max(batchTokens ?? model.UsualBatchTokens, MaxSequenceLength));
        try
        {
            _batches = new SentenceBatches(_session, files.Pooling, files.Steps, model.Config.HiddenSize);
        }
        catch
        {
            _session.Dispose();
            throw;
        }
    }

    /// <summary>The encoder behind it, which it owns.</summary>
    public EncoderModel Model { get; }

    /// <summary>Numbers of a text's vector.</summary>
    public int Dimensions => _batches.Dimensions;

    /// <summary>Most tokens of a text, special ones included; longer texts are cut.</summary>
    public int MaxSequenceLength { get; }

    /// <summary>The checkpoint's prompts by their names.</summary>
    public IReadOnlyDictionary<string, string> Prompts => _files.Prompts;

    /// <summary>The prompt that is put before texts where none is asked for; null for none.</summary>
    public string? DefaultPromptName => _files.DefaultPromptName;

    /// <summary>
    /// Loads a folder as sentence-transformers writes it: modules.json (Transformer, Pooling, then any of Dense and Normalize),
    /// the modules' own files, sentence_bert_config.json, config_sentence_transformers.json. Without modules.json the folder is
    /// an encoder whose tokens are averaged.
    /// </summary>
    /// <param name="directory">The folder.</param>
    /// <param name="options">How to compute; null for float32 on the processor with packed weights.</param>
    /// <param name="batchTokens">Most tokens of a batch, raised to <see cref="MaxSequenceLength"/>; null for
    /// <see cref="EncoderModel.DefaultBatchTokens"/> or <see cref="EncoderModel.DefaultGpuBatchTokens"/>.</param>
    /// <param name="progress">Told of each weight that is ready.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <returns>The encoder, the caller's to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The batch is not in [1, 2^24] tokens.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format, a module is not known, or a weight is missing or has
    /// another shape; the message names it.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read.</exception>
    /// <exception cref="WarplineException">The device does not exist, or memory is exhausted.</exception>
    public static async Task<SentenceEncoder> LoadAsync(
        string directory,
        ModelOptions? options = null,
        int? batchTokens = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        CheckpointFiles.RequireDirectory(directory);
        SentenceFiles files = SentenceFiles.Load(directory);
        EncoderModel model = await EncoderModel.LoadAsync(
            files.Transformer, options ?? new ModelOptions { PackWeights = true }, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            return new SentenceEncoder(model, files, batchTokens);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The token ids that a text becomes: with prompt and special tokens, cut to <see cref="MaxSequenceLength"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="options">The prompt; null for the checkpoint's default.</param>
    /// <returns>The ids.</returns>
    /// <exception cref="ArgumentException">There is no prompt of that name.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint has no tokenizer; the message says why.</exception>
    public int[] Tokenize(string text, EncodeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return RequireTokens().Encode(PromptOf(options), text);
    }

    /// <summary>Encodes texts.</summary>
    /// <param name="texts">Any number of texts.</param>
    /// <param name="destination">Receives <see cref="Dimensions"/> numbers for each text, in their order.</param>
    /// <param name="options">The prompt; null for the checkpoint's default.</param>
    /// <exception cref="ArgumentException">A text is null, the destination has another length, or there is no prompt of that
    /// name.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint has no tokenizer; the message says why.</exception>
    /// <exception cref="ObjectDisposedException">The encoder has been disposed.</exception>
    public void Encode(IReadOnlyList<string> texts, Span<float> destination, EncodeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        RequireRoom(texts.Count, destination);
        string prompt = PromptOf(options);
        for (int from = 0; from < texts.Count; from += _windowTexts)
        {
            int count = Math.Min(_windowTexts, texts.Count - from);
            EncodeWindow(texts, from, count, prompt, destination.Slice(from * Dimensions, count * Dimensions), CancellationToken.None);
        }
    }

    /// <summary>Encodes texts that are token ids already, special ones included; nothing is added to them or cut.</summary>
    /// <param name="sequences">Ids of each text, at most <see cref="MaxSequenceLength"/>; none gives what a zero vector becomes.</param>
    /// <param name="destination">Receives <see cref="Dimensions"/> numbers for each text, in their order.</param>
    /// <exception cref="ArgumentException">A sequence is null or too long, an id is none of the vocabulary, or the destination
    /// has another length.</exception>
    /// <exception cref="ObjectDisposedException">The encoder has been disposed.</exception>
    public void EncodeTokens(IReadOnlyList<int[]> sequences, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        RequireRoom(sequences.Count, destination);
        for (int i = 0; i < sequences.Count; i++)
        {
            if (sequences[i] is not { } ids || ids.Length > MaxSequenceLength)
            {
                throw new ArgumentException(
                    $"sequences[{i}] has {sequences[i]?.Length.ToString() ?? "no"} tokens; at most {MaxSequenceLength} are required.",
                    nameof(sequences));
            }

            TokenIds.Require(ids, Model.Config.VocabularySize, nameof(sequences), $"sequences[{i}]");
        }

        Run([.. sequences], 0, destination, CancellationToken.None);
    }

    /// <summary>Encodes texts on another thread.</summary>
    /// <param name="texts">Any number of texts.</param>
    /// <param name="options">The prompt; null for the checkpoint's default.</param>
    /// <param name="progress">Told after each part of the list.</param>
    /// <param name="cancellationToken">Ends the work between batches.</param>
    /// <returns>A vector of <see cref="Dimensions"/> numbers for each text, in their order.</returns>
    /// <exception cref="ArgumentException">A text is null, or there is no prompt of that name.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint has no tokenizer; the message says why.</exception>
    /// <exception cref="ObjectDisposedException">The encoder has been disposed.</exception>
    public Task<float[][]> EncodeAsync(
        IReadOnlyList<string> texts,
        EncodeOptions? options = null,
        IProgress<EncodeProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        string prompt = PromptOf(options);
        return Task.Run(
            () =>
            {
                float[][] vectors = new float[texts.Count][];
                float[] window = new float[Math.Min(_windowTexts, texts.Count) * Dimensions];
                for (int from = 0; from < texts.Count; from += _windowTexts)
                {
                    int count = Math.Min(_windowTexts, texts.Count - from);
                    EncodeWindow(texts, from, count, prompt, window, cancellationToken);
                    for (int i = 0; i < count; i++)
                    {
                        vectors[from + i] = window.AsSpan(i * Dimensions, Dimensions).ToArray();
                    }

                    progress?.Report(new EncodeProgress(from + count, texts.Count));
                }

                return vectors;
            },
            cancellationToken);
    }

    /// <summary>
    /// Encodes an endless stream of texts in bounded memory. Texts are read and tokenized a little ahead of the encoder, which
    /// waits until its results are taken: a slow reader of the results slows the reading of the texts.
    /// </summary>
    /// <remarks>
    /// Texts are taken 1,024 or 65,536 tokens at a time: the first vector comes after so many, or at the stream's end. Breaking off
    /// waits for the text that is being read, so a stream that can wait for long should observe its cancellation token.
    /// </remarks>
    /// <param name="texts">The texts.</param>
    /// <param name="options">The prompt; null for the checkpoint's default.</param>
    /// <param name="cancellationToken">Ends the work between batches.</param>
    /// <returns>A vector of <see cref="Dimensions"/> numbers for each text, in their order.</returns>
    /// <exception cref="ArgumentException">A text is null, or there is no prompt of that name.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint has no tokenizer; the message says why.</exception>
    /// <exception cref="ObjectDisposedException">The encoder has been disposed.</exception>
    public IAsyncEnumerable<float[]> EncodeStreamAsync(
        IAsyncEnumerable<string> texts, EncodeOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        SentenceTokens tokens = RequireTokens();
        return StreamAsync(texts, tokens, PromptOf(options), cancellationToken);
    }

    /// <summary>Frees the encoder, at once or when the running batch ends.</summary>
    public void Dispose()
    {
        _session.Dispose();
        Model.Dispose();
    }

    private async IAsyncEnumerable<float[]> StreamAsync(
        IAsyncEnumerable<string> texts, SentenceTokens tokens, string prompt, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Channel<int[][]> windows = Channel.CreateBounded<int[][]>(1);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task reading = Task.Run(() => ReadAsync(texts, tokens, prompt, windows.Writer, stop.Token), CancellationToken.None);
        float[] results = [];
        int promptLength = tokens.PromptLength(prompt);
        try
        {
            await foreach (int[][] window in windows.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                if (results.Length < window.Length * Dimensions)
                {
                    results = new float[window.Length * Dimensions];
                }

                await Task.Run(() => Run(window, promptLength, results, cancellation), cancellation).ConfigureAwait(false);
                for (int i = 0; i < window.Length; i++)
                {
                    yield return results.AsSpan(i * Dimensions, Dimensions).ToArray();
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Tokenizes texts into windows until there are no more; what goes wrong goes to the windows' reader.</summary>
    private static async Task ReadAsync(
        IAsyncEnumerable<string> texts, SentenceTokens tokens, string prompt, ChannelWriter<int[][]> windows, CancellationToken stop)
    {
        try
        {
            List<int[]> window = [];
            int total = 0;
            long index = 0;
            await foreach (string text in texts.WithCancellation(stop).ConfigureAwait(false))
            {
                window.Add(tokens.Encode(
                    prompt, text ?? throw new ArgumentException($"texts[{index}] is null; a text is required.", nameof(texts))));
                index++;
                total += window[^1].Length;
                if (window.Count == _windowTexts || total >= _windowTokens)
                {
                    await windows.WriteAsync([.. window], stop).ConfigureAwait(false);
                    window.Clear();
                    total = 0;
                }
            }

            if (window.Count != 0)
            {
                await windows.WriteAsync([.. window], stop).ConfigureAwait(false);
            }

            windows.Complete();
        }
        catch (Exception exception)
        {
            windows.Complete(exception);
        }
    }

    private void EncodeWindow(
        IReadOnlyList<string> texts, int from, int count, string prompt, Span<float> destination, CancellationToken cancellation)
    {
        SentenceTokens tokens = RequireTokens();
        string[] window = new string[count];
        for (int i = 0; i < count; i++)
        {
            window[i] = texts[from + i] ?? throw new ArgumentException($"texts[{from + i}] is null; a text is required.", nameof(texts));
        }

        int[][] sequences = new int[count][];
        Parallel.For(0, count, i => sequences[i] = tokens.Encode(prompt, window[i]));
        Run(sequences, tokens.PromptLength(prompt), destination, cancellation);
    }

    private void Run(int[][] sequences, int promptLength, Span<float> destination, CancellationToken cancellation)
    {
        lock (_lock)
        {
            _batches.Run(sequences, promptLength, destination, cancellation);
        }
    }

    private SentenceTokens RequireTokens() => _tokens ?? throw new InvalidOperationException(
        "The model has no tokenizer, so texts must be given as token ids." + (Model.TokenizerError is null ? "" : $" {Model.TokenizerError}"));

    private string PromptOf(EncodeOptions? options)
    {
        if (options?.Prompt is string prompt)
        {
            return options.PromptName is null
                ? prompt
                : throw new ArgumentException("Prompt and PromptName are both given; one of them is required.", nameof(options));
        }

        string? name = options?.PromptName ?? DefaultPromptName;
        return name is null ? "" : Prompts.TryGetValue(name, out string? text) ? text : throw new ArgumentException(
            $"PromptName is \"{name}\"; " + (Prompts.Count == 0
                ? "the checkpoint has no prompts."
                : $"one of {string.Join(", ", Prompts.Keys)} is required."),
            nameof(options));
    }

    private void RequireRoom(int texts, ReadOnlySpan<float> destination)
    {
        if (destination.Length != (long)texts * Dimensions)
        {
            throw new ArgumentException(
                $"The destination has {destination.Length} numbers; {(long)texts * Dimensions} are required, {Dimensions} for each of {texts} texts.",
                nameof(destination));
        }
    }
}
