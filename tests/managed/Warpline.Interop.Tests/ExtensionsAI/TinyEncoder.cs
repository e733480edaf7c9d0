using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Interop.Tests.ExtensionsAI;

/// <summary>
/// The golden checkpoint of a BERT with a tokenizer whose words are "t" and an id, so that its prompts can be written as texts;
/// and the means of the hidden states that others computed for them in float64.
/// </summary>
internal sealed class TinyEncoder : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("warpline-encoder-");

    public unsafe TinyEncoder()
    {
        string golden = RepositoryFiles.PathOf("tests/golden/models/bert");
        foreach (string name in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(golden, name), Path.Combine(Directory, name));
        }

        string words = string.Join(',', Enumerable.Range(0, 160).Select(id => $"\"t{id}\":{id}"));
        File.WriteAllText(Path.Combine(Directory, "tokenizer.json"), $$$"""
            {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"WhitespaceSplit"},"post_processor":null,
             "decoder":null,"model":{"type":"WordLevel","vocab":{{{{words}}}},"unk_token":"t0"}}
            """);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(golden, "case.json")));
        int[][] prompts = [.. json.RootElement.GetProperty("prompts").EnumerateArray()
            .Select(list => list.EnumerateArray().Select(id => id.GetInt32()).ToArray())];
        Texts = [.. prompts.Select(ids => string.Join(' ', ids.Select(id => $"t{id}")))];
        TokenCount = prompts.Sum(ids => ids.Length);
        using CheckpointWeights expected = CheckpointWeights.Open(Path.Combine(golden, "expected.safetensors"));
        Means = new double[prompts.Length][];
        for (int prompt = 0; prompt < prompts.Length; prompt++)
        {
            _ = expected.TryGet($"last_hidden_state.{prompt}", out WeightTensor hidden);
            ReadOnlySpan<float> values = new((void*)hidden.Address, checked((int)hidden.ElementCount));
            int width = values.Length / prompts[prompt].Length;
            Means[prompt] = new double[width];
            for (int i = 0; i < values.Length; i++)
            {
                Means[prompt][i % width] += (double)values[i] / prompts[prompt].Length;
            }
        }
    }

    public string Directory => _folder.FullName;

    public string[] Texts { get; }

    public int TokenCount { get; }

    public double[][] Means { get; }

    public double Cosine(int a, int b) =>
        Dot(Means[a], Means[b]) / Math.Sqrt(Dot(Means[a], Means[a]) * Dot(Means[b], Means[b]));

    public void Dispose() => _folder.Delete(recursive: true);

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
