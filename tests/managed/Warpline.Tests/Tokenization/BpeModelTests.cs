using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Merging gives the ids of another implementation, in short pieces and in long ones, and is done in time.</summary>
internal sealed class BpeModelTests
{
    [TestCase("gpt2")]
    [TestCase("llama3")]
    public void IdsAreThoseOfAnotherImplementation(string kind)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.GoldenTokenizer(kind), "tokenizer.json")));
        JsonElement model = file.RootElement.GetProperty("model");
        var expected = BpeTokenizer.Create(new BpeOptions(model.GetProperty("vocab").EnumerateObject().Select(token => KeyValuePair.Create(token.Name, token.Value.GetInt32())))
        {
            Merges = model.GetProperty("merges").EnumerateArray().Select(merge => $"{merge[0].GetString()} {merge[1].GetString()}"),
            ByteLevel = true,
        });
        JsonObject withoutIgnoring = JsonNode.Parse(model.GetRawText())!.AsObject();
        withoutIgnoring["ignore_merges"] = false;
        TokenModel own = new ModelReader("t.json").Read(JsonSerializer.SerializeToElement(withoutIgnoring), spellsBytes: true);
        string[] fragments = ["the", "a", "e", " ", "er", "in", "aaaa", "é", "日本", "😀", "container", "definition", "abab", "ing", "\n", "s"];
        var random = new Random(6);
        var tokens = new List<ModelToken>();
        for (int round = 0; round < 3_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => fragments[random.Next(fragments.Length)]));
            IReadOnlyList<int> ids = expected.EncodeToIds(text, considerPreTokenization: false, considerNormalization: false);
            tokens.Clear();
            own.Encode(ByteAlphabet.Spell(text), tokens);
            if (!tokens.Select(token => token.Id).SequenceEqual(ids))
            {
                Assert.Fail(text);
            }
        }
    }

    [Test]
    public void AMegabyteOfOneLetterIsEncoded()
    {
        PipelineTokenizer tokenizer = TinyTokenizer.Json(["a a", "aa aa"]).Load();
        IReadOnlyList<int> ids = tokenizer.Encode(new string('a', 1_000_001));
        Assert.That(tokenizer.TryGetId("aaaa", out int four), Is.True);
        Assert.That(ids, Has.Count.EqualTo(250_001));
        Assert.That(ids.Take(250_000), Is.All.EqualTo(four));
        Assert.That(ids[^1], Is.EqualTo((int)'a'));
    }
}
