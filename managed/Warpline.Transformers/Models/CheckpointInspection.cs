using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>
/// What a checkpoint holds and what running it takes, found without loading it: config.json and the headers of the weights' files
/// are read, the weights are not. A model that is served passes every check of its loading but those of the values themselves.
/// </summary>
/// <remarks>Immutable: safe from any thread, owns nothing. Matrices that are tied and stored both are taken for equal.</remarks>
public sealed class CheckpointInspection
{
    private readonly ModelOptions _options;
    private ArchitectureSpec? _decoder;
    private EncoderSpec? _encoder;
    private bool _projects;

    private CheckpointInspection(ModelOptions options, IReadOnlyList<CheckpointTensor> tensors) => (_options, Tensors) = (options, tensors);

    /// <summary>Tensors as the files' headers describe them, in the order of the files.</summary>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>The keys of config.json as they stand there.</summary>
    public IReadOnlyDictionary<string, JsonElement> Configuration { get; private init; } = new Dictionary<string, JsonElement>();

    /// <summary>Why the model would not load; null where it would.</summary>
    public string? NotServed { get; private set; }

    /// <summary>The configuration of a decoder that is served.</summary>
    public ModelConfig? Decoder { get; private set; }

    /// <summary>The configuration of an encoder that is served.</summary>
    public EncoderConfig? Encoder => _encoder?.Config;

    /// <summary>What loading would make of the weights; null where the model is not served.</summary>
    public WeightAccount? Weights { get; private set; }

    /// <summary>Inspects a checkpoint in Hugging Face layout.</summary>
    /// <param name="directory">Folder with config.json and the weights.</param>
    /// <param name="options">How the model would compute; null for the defaults. The device need not exist.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ArgumentException">The options are impossible.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format; the message names file, tensor or key, and reason.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read.</exception>
    public static CheckpointInspection Read(string directory, ModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        CheckpointFiles.RequireDirectory(directory);
        options ??= new ModelOptions();
        options.CheckValues();
        string path = Path.Combine(directory, "config.json");
        Dictionary<string, JsonElement> configuration = JsonFile.Parse(
            JsonFile.ReadBytes(path, EncoderConfig.MaxBytes), CheckpointJson.Default.DictionaryStringJsonElement, path, keys => keys);
        using CheckpointWeights source = CheckpointWeights.Open(directory, outline: true);
        CheckpointInspection inspection = new(options, [.. source.Describe()]) { Configuration = configuration };
        try
        {
            inspection.Plan(path, source);
        }
        catch (InvalidDataException exception)
        {
            (inspection.Decoder, inspection._decoder, inspection._encoder) = (null, null, null);
            inspection.NotServed = exception.Message;
        }

        return inspection;
    }

    /// <summary>What a session takes.</summary>
    /// <param name="tokens">A decoder's capacity, in [1, its positions], or an encoder's most tokens of a batch, at least 1; null
    /// for a decoder's positions, or for what an encoder's session has where nothing is asked for.</param>
    /// <returns>The memory.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of its range.</exception>
    /// <exception cref="InvalidOperationException">The model is not served.</exception>
    public SessionMemory GetSessionMemory(int? tokens = null)
    {
        if (NotServed is not null)
        {
            throw new InvalidOperationException($"The model is not served: {NotServed}");
        }

        int most = _decoder?.MaxPositions ?? 1 << 24;
        int count = tokens ?? _decoder?.MaxPositions ?? EncoderModel.SessionTokens(_encoder!.Config, _options.Device);
        if (count < 1 || count > most)
        {
            throw new ArgumentOutOfRangeException(nameof(tokens), count, $"The number of tokens must be in [1, {most}].");
        }

        return _decoder is not null
            ? SessionMemory.Of(_decoder, _options.ActivationType, count)
            : new SessionMemory(count, 0, EncoderForward.BytesOf(_encoder!, _projects, _options.ActivationType, count));
    }

    private void Plan(string configPath, CheckpointWeights source)
    {
        if (EncoderConfig.Describes(configPath))
        {
            _encoder = EncoderArchitectures.Describe(EncoderConfig.Load(configPath));
            using EncoderWeights encoder = new(_encoder, source, _options, plan: true, null, CancellationToken.None);
            _projects = encoder.EmbeddingProjection is not null;
            Weights = encoder.Account;
            return;
        }

        Decoder = ModelConfig.Load(configPath);
        _decoder = Architectures.Describe(Decoder);
        using ModelWeights decoder = new(_decoder, source, _options, plan: true, null, CancellationToken.None);
        Weights = decoder.Account;
    }
}
