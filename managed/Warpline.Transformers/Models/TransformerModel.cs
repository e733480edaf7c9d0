using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// A decoder: weights with their architecture. Any number of sessions may share it, on any threads.
/// </summary>
/// <remarks>
/// Lifetime: the model owns its weight source. <see cref="Dispose"/> lets running calls of sessions finish and frees the
/// weights after the last; every later call throws <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed class TransformerModel : IDisposable
{
    /// <summary>Capacity of a session where none is asked for, if the model has as many positions.</summary>
    public const int DefaultCapacity = 4096;

    private TransformerModel(ModelConfig config, ArchitectureSpec spec, ModelOptions options, ModelWeights weights)
    {
        (Config, Spec, Options, Weights) = (config, spec, options, weights);
        Rotary = new RotaryTables(spec, options.Device, options.RotaryFrequencyType);
        Gate = new UseGate(typeof(TransformerModel), exclusive: false, Free);
    }

    /// <summary>The checkpoint's configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>How the model computes.</summary>
    public ModelOptions Options { get; }

    /// <summary>The checkpoint's tokenizer; null where it has none that this version reads.</summary>
    public Tokenizer? Tokenizer { get; private init; }

    /// <summary>Why the checkpoint's tokenizer.json could not be read, naming what is not supported; null where it was read
    /// or there is none. Such a model still runs on token ids.</summary>
    public string? TokenizerError { get; private init; }

    /// <summary>The checkpoint's own settings for generation; all silent where <see cref="GenerationDefaultsError"/> is set.</summary>
    public GenerationDefaults GenerationDefaults { get; private init; } = new();

    /// <summary>What is wrong with the checkpoint's generation_config.json; null where it was read or there is none. Such a
    /// model still computes logits, but a <see cref="TextGenerator"/> refuses it.</summary>
    public string? GenerationDefaultsError { get; private init; }

    /// <summary>Number of weights, each shared one counted once.</summary>
    public long ParameterCount => Weights.Account.ParameterCount;

    /// <summary>Bytes of the weights and of their packed copies.</summary>
    public long WeightBytes => Weights.Account.MemoryBytes;

    /// <summary>What loading made of the checkpoint's weights.</summary>
    public WeightAccount WeightAccount => Weights.Account;

    internal ArchitectureSpec Spec { get; }

    internal ModelWeights Weights { get; }

    internal RotaryTables Rotary { get; }

    internal UseGate Gate { get; }

    /// <summary>Loads a checkpoint in Hugging Face layout. Weights are read into memory and run as they are stored; beside
    /// activations of 16 bits matrices are converted to their type.</summary>
    /// <param name="directory">Folder with config.json and the weights; tokenizer.json and generation_config.json are used
    /// where they exist.</param>
    /// <param name="options">How to compute; null for the defaults.</param>
    /// <param name="progress">Told of each weight that is ready.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <returns>The model, the caller's to dispose.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format, the architecture is not known, or a weight is missing
    /// or has another shape; the message names it.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read.</exception>
    /// <exception cref="WarplineException">The device does not exist, or memory is exhausted.</exception>
    public static Task<TransformerModel> LoadAsync(
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
    public static TransformerModel Create(ModelConfig config, IWeightSource weights, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        config.Validate();
        return Create(config, Architectures.Describe(config), weights, options ?? new ModelOptions());
    }

    /// <summary>As the public method, with an architecture that may differ from the configuration's.</summary>
    internal static TransformerModel Create(ModelConfig config, ArchitectureSpec spec, IWeightSource weights, ModelOptions options)
    {
        options.Check();
        return new TransformerModel(config, spec, options, new ModelWeights(spec, weights, options, plan: false, null, CancellationToken.None));
    }

    /// <summary>Opens a session: one sequence with its cache.</summary>
    /// <param name="capacity">Tokens that it can hold; null for the model's positions, at most
    /// <see cref="DefaultCapacity"/>.</param>
    /// <returns>The session, the caller's to dispose.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is not in [1, the model's positions].</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    /// <exception cref="WarplineException">Memory is exhausted.</exception>
    public DecoderSession CreateSession(int? capacity = null)
    {
        int tokens = capacity ?? Math.Min(DefaultCapacity, Spec.MaxPositions);
        if (tokens < 1 || tokens > Spec.MaxPositions)
        {
            throw new ArgumentOutOfRangeException(
                nameof(capacity), tokens, $"The capacity must be in [1, {Spec.MaxPositions}], the model's positions.");
        }

        Gate.Enter();
        try
        {
            return new DecoderSession(this, tokens);
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <summary>Frees the weights, at once or when the running calls of sessions have ended.</summary>
    public void Dispose() => Gate.Close();

    private static TransformerModel Load(
        string directory, ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        CheckpointFiles.RequireDirectory(directory);
        options.Check();
        progress?.Report(new LoadProgress("configuration", 0, 0));
        ModelConfig config = ModelConfig.Load(directory);
        ArchitectureSpec spec = Architectures.Describe(config);
        (GenerationDefaults? defaults, string? defaultsError) = CheckpointFiles.OrError(() => GenerationDefaults.Load(directory));
        progress?.Report(new LoadProgress("tokenizer", 0, 0));
        (Tokenizer? tokenizer, string? tokenizerError) = CheckpointFiles.LoadTokenizer(directory);
        CheckpointWeights source = CheckpointWeights.Open(directory);
        try
        {
            ModelWeights weights = new(spec, source, options, plan: false, progress, cancellation);
            return new TransformerModel(config, spec, options, weights)
            {
                Tokenizer = tokenizer,
                TokenizerError = tokenizerError,
                GenerationDefaults = defaults ?? new GenerationDefaults(),
                GenerationDefaultsError = defaultsError,
            };
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The tokenizer, for calls that cannot do without.</summary>
    /// <exception cref="InvalidOperationException">There is none; the message says why.</exception>
    internal Tokenizer RequireTokenizer() => Tokenizer ?? throw new InvalidOperationException(
        "The model has no tokenizer, so a prompt must be given as token ids." + (TokenizerError is null ? "" : $" {TokenizerError}"));

    /// <summary>The checkpoint's settings, for calls that fill in with them.</summary>
    /// <exception cref="InvalidOperationException">Its file is wrong; the message says what.</exception>
    internal GenerationDefaults RequireGenerationDefaults() => GenerationDefaultsError is null
        ? GenerationDefaults
        : throw new InvalidOperationException($"The model's settings for generation cannot be used. {GenerationDefaultsError}");

    private void Free()
    {
        Rotary.Dispose();
        Weights.Dispose();
    }
}
