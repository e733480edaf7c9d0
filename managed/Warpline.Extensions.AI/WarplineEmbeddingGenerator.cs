using Microsoft.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>A sentence encoder as an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>.</summary>
/// <remarks>
/// <para>Options: <see cref="EmbeddingGenerationOptions.RawRepresentationFactory"/> may make an <see cref="EncodeOptions"/>, which
/// chooses the prompt. Another model or other dimensions than the encoder's are a <see cref="NotSupportedException"/>.</para>
/// <para>Threads: any; calls take turns.</para>
/// </remarks>
public sealed class WarplineEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly SentenceEncoder _encoder;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly bool _ownsEncoder;

    /// <summary>Makes a generator of an encoder.</summary>
    /// <param name="encoder">The encoder; it stays the caller's and must live as long as the generator.</param>
    /// <param name="modelId">The model's name in metadata and results; null for none.</param>
    public WarplineEmbeddingGenerator(SentenceEncoder encoder, string? modelId = null)
        : this(encoder, modelId, ownsEncoder: false)
    {
    }

    private WarplineEmbeddingGenerator(SentenceEncoder encoder, string? modelId, bool ownsEncoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        (_encoder, _ownsEncoder) = (encoder, ownsEncoder);
        _metadata = new EmbeddingGeneratorMetadata("warpline", providerUri: null, modelId, encoder.Dimensions);
    }

    /// <summary>Loads a folder as sentence-transformers writes it; the generator owns the encoder.</summary>
    /// <param name="directory">The folder, whose name becomes the model's.</param>
    /// <param name="modelOptions">How to compute; null for the encoder's defaults.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <returns>The generator, the caller's to dispose.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format, or the architecture is not known.</exception>
    /// <exception cref="IOException">A file does not exist or cannot be read.</exception>
    /// <exception cref="WarplineException">The device does not exist, or memory is exhausted.</exception>
    public static async Task<WarplineEmbeddingGenerator> LoadAsync(
        string directory, ModelOptions? modelOptions = null, CancellationToken cancellationToken = default)
    {
        SentenceEncoder encoder = await SentenceEncoder
            .LoadAsync(directory, modelOptions, cancellationToken: cancellationToken).ConfigureAwait(false);
        return new WarplineEmbeddingGenerator(encoder, FolderName.Of(directory), ownsEncoder: true);
    }

    /// <summary>Turns texts into vectors.</summary>
    /// <param name="values">The texts; what is longer than the model's sequence is cut.</param>
    /// <param name="options">How; null for the checkpoint's default prompt.</param>
    /// <param name="cancellationToken">Ends the work between batches.</param>
    /// <returns>A vector for each text, in their order, and the tokens of all.</returns>
    /// <exception cref="ArgumentException">A text is null, or there is no prompt of the name asked for.</exception>
    /// <exception cref="InvalidOperationException">The checkpoint has no tokenizer; the message says why.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that the encoder does not do; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">The encoder has been disposed.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        EncodeOptions? encoding = Read(options ?? new EmbeddingGenerationOptions());
        string[] texts = [.. values];
        float[][] vectors = await _encoder.EncodeAsync(texts, encoding, null, cancellationToken).ConfigureAwait(false);
        long tokens = await Task.Run(() => texts.Sum(text => (long)_encoder.Tokenize(text, encoding).Length), cancellationToken)
            .ConfigureAwait(false);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new(vectors.Select(vector => new Embedding<float>(vector) { ModelId = _metadata.DefaultModelId, CreatedAt = now }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    /// <summary>Asks for an object behind the generator: its metadata, the encoder, itself.</summary>
    /// <param name="serviceType">The object's type.</param>
    /// <param name="serviceKey">Null; nothing has a key.</param>
    /// <returns>The object; null where there is none of this type.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null ? new object[] { _metadata, this, _encoder }.FirstOrDefault(serviceType.IsInstanceOfType) : null;
    }

    /// <summary>Frees the encoder if the generator owns it.</summary>
    public void Dispose()
    {
        if (_ownsEncoder)
        {
            _encoder.Dispose();
        }
    }

    private EncodeOptions? Read(EmbeddingGenerationOptions options)
    {
        if (options.ModelId is string model && model != _metadata.DefaultModelId)
        {
            throw new NotSupportedException(
                $"ModelId is \"{model}\"; this generator serves {_metadata.DefaultModelId ?? "one model without a name"}.");
        }

        if (options.Dimensions is int dimensions && dimensions != _encoder.Dimensions)
        {
            throw new NotSupportedException($"Dimensions is {dimensions}; the model's vectors have {_encoder.Dimensions}.");
        }

        return options.RawRepresentationFactory?.Invoke(this) switch
        {
            null => null,
            EncodeOptions encoding => encoding,
            object other => throw new NotSupportedException(
                $"RawRepresentationFactory makes a {other.GetType()}; {typeof(EncodeOptions)} is supported."),
        };
    }
}
