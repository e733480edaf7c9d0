using System.Runtime.Versioning;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Interop.Tests;

/// <summary>
/// Real vocabularies, and the golden ones, against npm's @huggingface/tokenizers on random texts. What is compared with is
/// fetched into the build folder once.
/// </summary>
[UnsupportedOSPlatform("windows")]
[Platform(Exclude = "Win", Reason = "the packages are fetched by a shell script")]
internal sealed class RealVocabularyTests
{
    private const int Count = 2_000;

    private string _packages = null!;

    [OneTimeSetUp]
    public void GetPackages() => _packages = NpmPackages.Get();

    [TestCase("llama3", 1)]
    [TestCase("qwen3", 2)]
    [TestCase("gemma3", 3)]
    public void Real_vocabularies_give_the_ids_and_texts_of_another_implementation(string name, int seed) =>
        Compare(Path.Combine(NpmPackages.ModelDirectory(_packages, name), "tokenizer.json"), RandomTexts.Make(Count, seed));

    [TestCase("bert-cased", 4)]
    [TestCase("bert-uncased", 5)]
    [TestCase("gpt2", 6)]
    [TestCase("llama2", 7)]
    [TestCase("llama3", 8)]
    [TestCase("qwen", 9)]
    [TestCase("unigram", 10)]
    public void Golden_vocabularies_give_the_ids_and_texts_of_another_implementation(string kind, int seed)
    {
        // The other implementation looks for Chinese characters in UTF-16 and misses those beyond U+FFFF.
        bool isBert = kind.StartsWith("bert", StringComparison.Ordinal);
        Compare(
            RepositoryFiles.PathOf($"tests/golden/tokenizers/{kind}/tokenizer.json"),
            [.. RandomTexts.Make(Count, seed).Where(text => !isBert || !text.Any(char.IsSurrogate))]);
    }

    private void Compare(string file, IReadOnlyList<string> texts)
    {
        var tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(file);
        using JsonDocument results = NodeOracle.Run("encode.mjs", [_packages, file], texts);
        Assert.That(results.RootElement.GetArrayLength(), Is.EqualTo(texts.Count).And.GreaterThan(Count / 4));
        int different = 0;
        foreach ((string text, JsonElement result) in texts.Zip(results.RootElement.EnumerateArray()))
        {
            int[] withSpecial = Ids(result, "with_special");
            bool same = tokenizer.Encode(text, addSpecialTokens: false).SequenceEqual(Ids(result, "ids"))
                && tokenizer.Encode(text).SequenceEqual(withSpecial)
                && tokenizer.Decode(withSpecial) == result.GetProperty("decoded").GetString()
                && tokenizer.Decode(withSpecial, skipSpecialTokens: true) == result.GetProperty("decoded_skip_special").GetString();
            if (!same && different++ < 10)
            {
                TestContext.Out.WriteLine(
                    $"{JsonSerializer.Serialize(text)}: [{string.Join(' ', tokenizer.Encode(text))}] {tokenizer.Decode(withSpecial)}; "
                    + $"expected [{string.Join(' ', withSpecial)}] {result.GetProperty("decoded").GetString()}");
            }
        }

        Assert.That(different, Is.Zero, $"of {texts.Count} texts");
    }

    private static int[] Ids(JsonElement result, string key) => [.. result.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];
}
