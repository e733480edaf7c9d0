using System.Numerics.Tensors;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Tests.Models;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>The real sentence encoder all-MiniLM-L6-v2, from text to vector, where WARPLINE_MODELS has it.</summary>
[TestFixture]
public sealed class MiniLmTests
{
    [TestCase(ElementType.Float32, 0.9999)]
    [TestCase(ElementType.BFloat16, 0.999)]
    public async Task Ids_and_vectors_equal_the_reference(ElementType type, double leastCosine)
    {
        string directory = RequireModel();
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "expected.json")));
        string[] sentences = [.. expected.RootElement.GetProperty("sentences").EnumerateArray().Select(item => item.GetString()!)];
        int[][] ids = [.. expected.RootElement.GetProperty("ids").EnumerateArray()
            .Select(row => row.EnumerateArray().Select(id => id.GetInt32()).ToArray())];
        using CheckpointWeights file = CheckpointWeights.Open(Path.Combine(directory, "expected.safetensors"));
        float[] vectors = GoldenCase.Values(file, "embeddings");

        ModelOptions options = new()
        {
            Device = TestDevice.Current,
            ActivationType = type,
            PackWeights = TestDevice.Current.Kind == DeviceKind.Cpu,
        };
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(directory, options);
        Assert.That((encoder.Dimensions, encoder.MaxSequenceLength), Is.EqualTo((384, 256)));
        Assert.That(sentences.Select(sentence => encoder.Tokenize(sentence)), Is.EqualTo(ids));
        sentences = TestDevice.IsEmulated ? sentences[..2] : sentences;
        float[] results = new float[sentences.Length * encoder.Dimensions];
        encoder.Encode(sentences, results);
        double worst = 1;
        for (int i = 0; i < sentences.Length; i++)
        {
            ReadOnlySpan<float> result = results.AsSpan(i * 384, 384), reference = vectors.AsSpan(i * 384, 384);
            worst = Math.Min(worst, TensorPrimitives.CosineSimilarity(result, reference));
            Assert.That(TensorPrimitives.Norm(result), Is.EqualTo(1f).Within(1e-5f));
        }

        TestContext.Out.WriteLine($"{type}: least cosine {worst:f7}");
        Assert.That(worst, Is.GreaterThanOrEqualTo(leastCosine));
    }

    private static string RequireModel()
    {
        string? models = Environment.GetEnvironmentVariable("WARPLINE_MODELS");
        string directory = Path.Combine(models ?? "", "all-MiniLM-L6-v2");
        if (models is null || !Directory.Exists(directory))
        {
            Assert.Ignore("WARPLINE_MODELS names no folder with all-MiniLM-L6-v2.");
        }

        return directory;
    }
}
