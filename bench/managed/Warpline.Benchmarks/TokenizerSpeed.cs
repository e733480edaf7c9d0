using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Warpline.Transformers;

namespace Warpline.Benchmarks;

/// <summary>
/// Byte-level BPE on English text, by a tokenizer that has seen no text before, and loading a vocabulary of 128,000 tokens, which
/// is made up here.
/// </summary>
public class TokenizerSpeed
{
    private const int _vocabularySize = 128_000;
    private const int _maxTokenLength = 12;

    private static readonly string _text = ReadText();

    private readonly byte[] _small = File.ReadAllBytes(Path.Combine(Repository.Root, "tests/golden/tokenizers/llama3/tokenizer.json"));
    private readonly byte[] _large = MakeVocabulary();
    private PipelineTokenizer _tokenizer = null!;

    /// <summary>The bytes of text that <see cref="Encode"/> encodes.</summary>
    public static int TextBytes => Encoding.UTF8.GetByteCount(_text);

    [IterationSetup(Target = nameof(Encode))]
    public void ForgetWords() => _tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Parse(_small);

    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text).Count;

    [Benchmark]
    public object Load() => HuggingFaceTokenizer.Parse(_large);

    // Stories and documentation.
    private static string ReadText() => string.Concat(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Prepend(Path.Combine(Repository.Root, "samples/models/storyteller/heldout.txt")).Select(File.ReadAllText));

    // Each token joins two that are there already.
    private static byte[] MakeVocabulary()
    {
        using JsonDocument golden = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(Repository.Root, "tests/golden/tokenizers/llama3/tokenizer.json")));
        List<string> tokens =
        [
            .. golden.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject()
                .Select(token => token.Name).Where(token => token.Length == 1),
        ];
        HashSet<string> known = [.. tokens];
        List<(string Left, string Right)> merges = [];
        var random = new Random(1);
        while (tokens.Count < _vocabularySize)
        {
            (string left, string right) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            if (left.Length + right.Length <= _maxTokenLength && known.Add(left + right))
            {
                tokens.Add(left + right);
                merges.Add((left, right));
            }
        }

        using var file = new MemoryStream();
        using (var writer = new Utf8JsonWriter(file))
        {
            writer.WriteStartObject();
            foreach (string part in new[] { "pre_tokenizer", "decoder" })
            {
                writer.WriteStartObject(part);
                writer.WriteString("type", "ByteLevel");
                writer.WriteEndObject();
            }

            writer.WriteStartObject("model");
            writer.WriteString("type", "BPE");
            writer.WriteStartObject("vocab");
            for (int id = 0; id < tokens.Count; id++)
            {
                writer.WriteNumber(tokens[id], id);
            }

            writer.WriteEndObject();
            writer.WriteStartArray("merges");
            foreach ((string left, string right) in merges)
            {
                writer.WriteStartArray();
                writer.WriteStringValue(left);
                writer.WriteStringValue(right);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return file.ToArray();
    }
}
