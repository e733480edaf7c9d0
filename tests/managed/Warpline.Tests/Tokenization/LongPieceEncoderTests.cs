using System.Text.Json;
using Microsoft.ML.Tokenizers;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>The encoder for long pieces gives the ids of the one for short pieces, and is done in time.</summary>
internal sealed class LongPieceEncoderTests
{
    private static BpeVocabulary Vocabulary(string folder)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        return BpeVocabulary.Read(file.RootElement.GetProperty("model").Deserialize(CheckpointJson.Default.BpeModelFile)!, "t.json");
    }

    [TestCase("gpt2")]
    [TestCase("llama3")]
    public void IdsAreThoseOfTheOtherEncoder(string kind)
    {
        BpeVocabulary vocabulary = Vocabulary(TestData.GoldenTokenizer(kind));
        var expected = BpeTokenizer.Create(new BpeOptions(vocabulary.ModelIds) { Merges = vocabulary.Merges, ByteLevel = true });
        var encoder = new LongPieceEncoder(vocabulary);
        string[] fragments = ["the", "a", "e", " ", "er", "in", "aaaa", "é", "日本", "😀", "container", "definition", "abab", "ing", "\n", "s"];
        var random = new Random(6);
        for (int round = 0; round < 3_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => fragments[random.Next(fragments.Length)]));
            IReadOnlyList<int> ids = expected.EncodeToIds(text, considerPreTokenization: false, considerNormalization: false);
            if (!encoder.Encode(text).SequenceEqual(ids))
            {
                Assert.Fail(text);
            }
        }
    }

    [Test]
    public void AMegabyteOfOneLetterIsEncoded()
    {
        ByteLevelBpeTokenizer tokenizer = TinyTokenizer.Json(["a a", "aa aa"]).Load();
        IReadOnlyList<int> ids = tokenizer.Encode(new string('a', 1_000_001));
        Assert.That(tokenizer.TryGetId("aaaa", out int four), Is.True);
        Assert.That(ids, Has.Count.EqualTo(250_001));
        Assert.That(ids.Take(250_000), Is.All.EqualTo(four));
        Assert.That(ids[^1], Is.EqualTo((int)'a'));
    }
}
