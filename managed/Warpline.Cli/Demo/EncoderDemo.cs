using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Cli.Demo;

/// <summary>Encoders in the demonstration: a test checkpoint against its reference and, where the real model is at hand, what it
/// thinks of sentences.</summary>
internal static class EncoderDemo
{
    /// <summary>Largest difference that passes.</summary>
    public const double Tolerance = 1e-4;

    private const string _model = "all-MiniLM-L6-v2";

    private static readonly string[] _sentences =
    [
        "How do I reset my password?",
        "I forgot my login credentials, what should I do?",
        "A man is eating food.",
        "Someone is having a meal.",
        "Padding-free encoders pack sequences of different lengths.",
    ];

    /// <summary>The largest difference of hidden states and pooler from a golden checkpoint's float64 reference.</summary>
    public static async Task<double> LargestDifferenceAsync(string directory, CancellationToken cancellation)
    {
        using EncoderModel model = await EncoderModel.LoadAsync(directory, cancellationToken: cancellation).ConfigureAwait(false);
        using CheckpointWeights expected = CheckpointWeights.Open(Path.Combine(directory, "expected.safetensors"));
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "case.json")));
        using EncoderSession session = model.CreateSession();
        double largest = 0;
        int index = 0;
        foreach (JsonElement prompt in golden.RootElement.GetProperty("prompts").EnumerateArray())
        {
            int[] ids = [.. prompt.EnumerateArray().Select(id => id.GetInt32())];
            largest = Math.Max(largest, Difference(session.Forward(ids), expected, $"last_hidden_state.{index}"));
            largest = Math.Max(largest, Difference(session.PoolerOutput(), expected, $"pooler_output.{index++}"));
        }

        return largest;
    }

    /// <summary>The folder of the real model under WARPLINE_MODELS; null where there is none.</summary>
    public static string? FindModel()
    {
        string? models = Environment.GetEnvironmentVariable("WARPLINE_MODELS");
        string directory = Path.Combine(models ?? "", _model);
        return string.IsNullOrEmpty(models) || !Directory.Exists(directory) ? null : directory;
    }

    /// <summary>Lines of a table with the cosines between sentences.</summary>
    public static async Task<List<string>> SimilarityTableAsync(string directory, CancellationToken cancellation)
    {
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(directory, cancellationToken: cancellation).ConfigureAwait(false);
        float[][] vectors = await encoder.EncodeAsync(_sentences, cancellationToken: cancellation).ConfigureAwait(false);
        int width = _sentences.Max(sentence => sentence.Length);
        return
        [
            $"Similarity of sentences by {_model}:",
            .. _sentences.Select((sentence, i) => $"  {i + 1} {sentence.PadRight(width)} " + string.Concat(vectors.Select(
                other => TensorPrimitives.CosineSimilarity(vectors[i], other).ToString("F2", CultureInfo.InvariantCulture).PadLeft(6)))),
        ];
    }

    private static unsafe double Difference(ReadOnlySpan<float> values, CheckpointWeights expected, string name)
    {
        if (!expected.TryGet(name, out WeightTensor tensor) || tensor.Type != ElementType.Float32 || tensor.ElementCount != values.Length)
        {
            throw new InvalidDataException($"The reference has no {name} of {values.Length} float32 numbers.");
        }

        ReadOnlySpan<float> reference = new((void*)tensor.Address, values.Length);
        double largest = 0;
        for (int i = 0; i < values.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)values[i] - reference[i]));
        }

        return largest;
    }
}
