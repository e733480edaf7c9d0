using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Ids and texts that Hugging Face's tokenizers library gave, 65 strings for each of seven kinds, and the storyteller's.</summary>
[TestFixture("bert-cased")]
[TestFixture("bert-uncased")]
[TestFixture("gpt2")]
[TestFixture("llama2")]
[TestFixture("llama3")]
[TestFixture("qwen")]
[TestFixture("unigram")]
internal sealed class GoldenTokenizerTests(string kind)
{
    private readonly PipelineTokenizer _tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(TestData.GoldenTokenizer(kind));

    [OneTimeSetUp]
    public void GlobalizationIsAsWanted() =>
        Assert.That("e\u0301".Normalize().Length == 1, Is.EqualTo(Environment.GetEnvironmentVariable(GlobalizationTests.WithIcu) == "1"));

    private IEnumerable<(string Text, JsonElement Expected)> Cases()
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.GoldenTokenizer(kind), "expected.json")));
        foreach (JsonElement entry in file.RootElement.EnumerateArray())
        {
            yield return (entry.GetProperty("text").GetString()!, entry.Clone());
        }
    }

    private static int[] Ids(JsonElement entry, string key) => [.. entry.GetProperty(key).EnumerateArray().Select(id => id.GetInt32())];

    [Test]
    public void IdsAreThoseOfTheReference()
    {
        Assert.That(Cases().Count(), Is.EqualTo(65));
        foreach ((string text, JsonElement expected) in Cases())
        {
            Assert.That(_tokenizer.Encode(text, addSpecialTokens: false), Is.EqualTo(Ids(expected, "ids")), text);
            Assert.That(_tokenizer.Encode(text), Is.EqualTo(Ids(expected, "with_special")), text);
            Assert.That(_tokenizer.EncodeToIds(text), Is.EqualTo(Ids(expected, "with_special")), text);
            Assert.That(_tokenizer.CountTokens(text), Is.EqualTo(Ids(expected, "with_special").Length), text);
        }
    }

    [Test]
    public void DecodedTextIsThatOfTheReference()
    {
        foreach ((string text, JsonElement expected) in Cases())
        {
            Assert.That(_tokenizer.Decode(Ids(expected, "ids")), Is.EqualTo(expected.GetProperty("decoded").GetString()), text);
            Assert.That(
                _tokenizer.Decode(Ids(expected, "with_special"), skipSpecialTokens: true),
                Is.EqualTo(expected.GetProperty("decoded_skip_special").GetString()), text);
        }
    }

    [Test]
    public void AStreamJoinsToTheWhole()
    {
        foreach ((string text, JsonElement expected) in Cases())
        {
            var decoder = new TokenStreamDecoder(_tokenizer);
            string joined = string.Concat(Ids(expected, "ids").Select(decoder.Append)) + decoder.Flush();
            Assert.That(joined, Is.EqualTo(expected.GetProperty("decoded").GetString()), text);
        }
    }

    [Test]
    public void TokensKnowTheirPlaces()
    {
        foreach ((string text, JsonElement _) in Cases())
        {
            IReadOnlyList<Microsoft.ML.Tokenizers.EncodedToken> tokens = _tokenizer.EncodeToTokens(text, out string? normalized);
            normalized ??= text;
            int covered = 0;
            foreach (Microsoft.ML.Tokenizers.EncodedToken token in tokens)
            {
                int start = token.Offset.Start.Value;
                Assert.That(start, Is.InRange(0, normalized.Length), text);
                if (start > covered)
                {
                    Assert.That(normalized[covered..start], Is.EqualTo(new string(' ', start - covered)), $"{text}: only blanks are left out");
                }

                covered = Math.Max(covered, token.Offset.End.Value);
                Assert.That(_tokenizer.TryGetId(token.Value, out int id) && id == token.Id, Is.True, text);
            }

            Assert.That(normalized[covered..].Trim(' '), Is.Empty, text);
        }
    }

    [Test]
    public void DecodingIntoASmallSpanGoesOnWhereItStopped()
    {
        char[] destination = new char[24];
        foreach ((string text, JsonElement expected) in Cases())
        {
            int[] ids = Ids(expected, "ids");
            string whole = expected.GetProperty("decoded").GetString()!;
            string joined = "";
            System.Buffers.OperationStatus status;
            if (kind is "bert-cased" or "bert-uncased" or "llama2" or "unigram" && whole.Length > destination.Length)
            {
                // The first token's text depends on being first, so there is no going on.
                status = _tokenizer.Decode(ids, destination, out int none, out int nothing);
                Assert.That((status, none, nothing), Is.EqualTo((System.Buffers.OperationStatus.DestinationTooSmall, 0, 0)), text);
                continue;
            }

            do
            {
                status = _tokenizer.Decode(ids, destination, out int consumed, out int written);
                joined += new string(destination, 0, written);
                ids = ids[consumed..];
                Assert.That(status == System.Buffers.OperationStatus.Done || consumed > 0, Is.True, text);
            }
            while (status != System.Buffers.OperationStatus.Done);
            Assert.That(joined, Is.EqualTo(whole), text);
        }
    }
}

/// <summary>The storyteller's own tokenizer against the texts and ids that its reference kept.</summary>
internal sealed class StorytellerTokenizerTests
{
    [Test]
    public void PromptsAndAnswersAreThoseOfTheReference()
    {
        var tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(TestData.Storyteller);
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.Storyteller, "expected.json")));
        int checkedTexts = 0;
        foreach (JsonElement entry in file.RootElement.GetProperty("greedy").EnumerateArray())
        {
            int[] ids = [.. entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            int[] greedy = [.. entry.GetProperty("greedy").EnumerateArray().Select(id => id.GetInt32())];
            Assert.That(tokenizer.Encode(entry.GetProperty("prompt").GetString()!), Is.EqualTo(ids));
            if (entry.TryGetProperty("text", out JsonElement text))
            {
                Assert.That(tokenizer.Decode(greedy, skipSpecialTokens: true), Is.EqualTo(text.GetString()));
            }

            checkedTexts++;
        }

        Assert.That(checkedTexts, Is.GreaterThan(0));
        Assert.That((tokenizer.VocabularySize, tokenizer.IsSpecial(0), tokenizer.IsSpecial(1), tokenizer.IsSpecial(2)), Is.EqualTo((1024, true, true, false)));
    }

    [Test]
    public void HeldOutStoriesComeBackAndHaveTheReferencesLength()
    {
        var tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(TestData.Storyteller);
        string[] stories =
        [
            .. File.ReadAllText(Path.Combine(TestData.Storyteller, "heldout.txt")).Split("<|end|>\n")
                .Where(story => story.Length > 0).Select(story => story.EndsWith('\n') ? story[..^1] : story),
        ];
        int scored = 0;
        foreach (string story in stories)
        {
            IReadOnlyList<int> ids = tokenizer.Encode(story);
            Assert.That(tokenizer.Decode(ids, skipSpecialTokens: true), Is.EqualTo(story));
            scored += ids.Count;
        }

        Assert.That(scored, Is.EqualTo(28_319), "<|begin|> is not scored, <|end|> is");
    }
}
