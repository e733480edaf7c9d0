using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// An encoder of the BERT kind: weights with their architecture. Any number of sessions may share it, on any threads.
/// </summary>
/// <remarks>
/// Lifetime: the model owns its weight source. <see cref="Dispose"/> lets running calls of sessions finish and frees the
/// weights after the last; every later call throws <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed class EncoderModel : IDisposable
{
    /// <summary>Tokens of a batch on the processor where none are asked for: enough for fast products, few enough for the caches
    /// (of 256 to 4,096 the fastest, measured with all-MiniLM-L6-v2).</summary>
    public const int DefaultBatchTokens = 1024;

    /// <summary>Tokens of a batch on a GPU where none are asked for: enough to fill it.</summary>
    public const int DefaultGpuBatchTokens = 8192;

    private EncoderModel(EncoderSpec spec, ModelOptions options, EncoderWeights weights)
    {
        (Spec, Options, Weights) = (spec, options, weights);
        Gate = new UseGate(typeof(EncoderModel), exclusive: false, weights.Dispose);
    }

    /// <summary>The checkpoint's configuration.</summary>
    public EncoderConfig Config => Spec.Config;

    /// <summary>How the model computes.</summary>
    public ModelOptions Options { get; }

    /// <summary>The checkpoint's tokenizer; null where it has none that this version reads.</summary>
    public Tokenizer? Tokenizer { get; private init; }

    /// <summary>Why the checkpoint's tokenizer.json could not be read, naming what is not supported; null where it was read
    /// or there is none. Such a model still runs on token ids.</summary>
    public string? TokenizerError { get; private init; }

    /// <summary>Whether the checkpoint has a pooler, the layer behind <see cref="EncoderSession.PoolerOutput"/>.</summary>
    public bool HasPooler => Weights.Pooler is not null;

    /// <summary>Number of weights, each shared one counted once.</summary>
    public long ParameterCount => Weights.Account.ParameterCount;

    /// <summary>Bytes of the weights and of their packed and rearranged copies.</summary>
    public long WeightBytes => Weights.Account.MemoryBytes;

    /// <summary>What loading made of the checkpoint's weights.</summary>
    public WeightAccount WeightAccount => Weights.Account;

    /// <summary>Tokens of a batch on the model's device where none are asked for.</summary>
    internal int UsualBatchTokens => UsualBatchTokensOf(Options.Device);

    internal EncoderSpec Spec { get; }

    internal EncoderWeights Weights { get; }

    internal UseGate Gate { get; }

    /// <summary>Loads a checkpoint in Hugging Face layout. Names may have the prefix of a model with a head ("bert."); weights
    /// that are not used are passed over. Weights are read into memory; those of queries, keys and values are
    /// copied into one matrix.</summary>
    /// <param name="directory">Folder with config.json and the weights; tokenizer.json is used where it exists.</param>
    /// <param name="options">How to compute; null for the defaults.</param>
    /// <param name="progress">Told of each weight that is ready.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <returns>The model, the caller's to dispose.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format, the architecture is not known, or a weight is missing
    /// or has another shape; the message names it.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read.</exception>
    /// <exception cref="WarplineException">The device does not exist, or memory is exhausted.</exception>
    public static Task<EncoderModel> LoadAsync(
        string directory,
        ModelOptions? options = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return Task.Run(() => Load(directory, options ?? new ModelOptions(), progress, cancellationToken), cancellationToken);
    }

    /// <summary>Makes a model from a configuration and weights, from memory for instance.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights under the names of the configuration's family; the model disposes them.</param>
    /// <param name="options">How to compute; null for the defaults.</param>
    /// <returns>The model, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The configuration is not possible.</exception>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape or type; the message names it. The
    /// weights stay the caller's then.</exception>
    /// <exception cref="WarplineException">The device does not exist, or memory is exhausted.</exception>
    public static EncoderModel Create(EncoderConfig config, IWeightSource weights, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        config.Validate();
        return Create(EncoderArchitectures.Describe(config), weights, options ?? new ModelOptions());
    }

    /// <summary>As the public method, with an architecture that may differ from the configuration's.</summary>
    internal static EncoderModel Create(EncoderSpec spec, IWeightSource weights, ModelOptions options)
    {
        options.Check();
        return new EncoderModel(spec, options, new EncoderWeights(spec, weights, options, plan: false, null, CancellationToken.None));
    }

    /// <summary>Opens a session: room for a batch.</summary>
    /// <param name="batchTokens">Most tokens of a batch; null for <see cref="DefaultBatchTokens"/> or
    /// <see cref="DefaultGpuBatchTokens"/>, or for the model's longest sequence where that is longer.</param>
    /// <returns>The session, the caller's to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is not in [1, 2^24].</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    /// <exception cref="WarplineException">Memory is exhausted.</exception>
    public EncoderSession CreateSession(int? batchTokens = null)
    {
        const int most = 1 << 24;
        int tokens = batchTokens ?? SessionTokens(Config, Options.Device);
        if (tokens is < 1 or > most)
        {
            throw new ArgumentOutOfRangeException(nameof(batchTokens), tokens, $"The number of tokens must be in [1, {most}].");
        }

        Gate.Enter();
        try
        {
            return new EncoderSession(this, tokens);
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <summary>Tokens of a session's batch where none are asked for.</summary>
    internal static int SessionTokens(EncoderConfig config, ComputeDevice device) => Math.Max(UsualBatchTokensOf(device), config.MaxTokens);

    /// <summary>Frees the weights, at once or when the running calls of sessions have ended.</summary>
    public void Dispose() => Gate.Close();

    private static int UsualBatchTokensOf(ComputeDevice device) =>
        device.Kind == DeviceKind.Cpu ? DefaultBatchTokens : DefaultGpuBatchTokens;

    private static EncoderModel Load(
        string directory, ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        CheckpointFiles.RequireDirectory(directory);
        options.Check();
        progress?.Report(new LoadProgress("configuration", 0, 0));
        EncoderSpec spec = EncoderArchitectures.Describe(EncoderConfig.Load(directory));
        progress?.Report(new LoadProgress("tokenizer", 0, 0));
        (Tokenizer? tokenizer, string? tokenizerError) = CheckpointFiles.LoadTokenizer(directory);
        CheckpointWeights source = CheckpointWeights.Open(directory);
        try
        {
            return new EncoderModel(spec, options, new EncoderWeights(spec, source, options, plan: false, progress, cancellation))
            {
                Tokenizer = tokenizer,
                TokenizerError = tokenizerError,
            };
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }
}
