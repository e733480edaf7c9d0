using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>Loads Hugging Face's <c>tokenizer.json</c>.</summary>
public static class HuggingFaceTokenizer
{
    /// <summary>The name of the file in a checkpoint's directory.</summary>
    public const string FileName = "tokenizer.json";

    private const long _maxBytes = 512L << 20;

    /// <summary>
    /// Loads a tokenizer: BPE of bytes (gpt2, llama 3, qwen) or of characters (llama 2, gemma), WordPiece (bert), Unigram (t5,
    /// xlm-roberta, albert) or WordLevel. The keys <c>truncation</c> and <c>padding</c> are ignored.
    /// </summary>
    /// <param name="directoryOrFile">A checkpoint's directory, or the file itself.</param>
    /// <returns>The tokenizer: a <see cref="PipelineTokenizer"/>.</returns>
    /// <exception cref="InvalidDataException">
    /// The file is broken, or asks for something that is not supported; the message names file and key and quotes the value.
    /// </exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static Tokenizer Load(string directoryOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(directoryOrFile);
        string path = Directory.Exists(directoryOrFile) ? Path.Combine(directoryOrFile, FileName) : directoryOrFile;
        return Parse(JsonFile.ReadBytes(path, _maxBytes), path);
    }

    /// <summary>Makes a tokenizer from the text of a <c>tokenizer.json</c>.</summary>
    /// <param name="utf8Json">The text.</param>
    /// <param name="source">What messages call it.</param>
    /// <returns>The tokenizer: a <see cref="PipelineTokenizer"/>.</returns>
    /// <exception cref="InvalidDataException">As for <see cref="Load"/>.</exception>
    public static Tokenizer Parse(ReadOnlySpan<byte> utf8Json, string source = FileName) =>
        JsonFile.Parse(utf8Json, CheckpointJson.Default.TokenizerFile, source, file => new TokenizerFileReader(file, source).Read());
}
