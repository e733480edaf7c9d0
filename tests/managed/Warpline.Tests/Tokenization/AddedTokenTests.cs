using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Tokens that are found in the text itself, and the steps around the model.</summary>
internal sealed class AddedTokenTests
{
    private const string _llama3Split =
        """{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Removed","invert":true}""";

    [TestCase("a<s>b", "a|<s>|b")]
    [TestCase("a<s>xb", "a|<s>x|b")]
    [TestCase("aab<s>", "a|ab|<s>")]
    [TestCase("<s><s>", "<s>|<s>")]
    public void TheLeftmostLongestTokenIsFound(string text, string tokens) =>
        Assert.That(
            TinyTokenizer.Json([], """{"content":"<s>","special":true}""", """{"content":"<s>x","normalized":false}""", """{"content":"ab","normalized":false}""").Load().Tokens(text),
            Is.EqualTo(tokens));

    [TestCase("abcdef", "abcde|f")]
    [TestCase("bcdefabc", "bcdef|abc")]
    public void OverlappingTokensAreCutFromTheLeft(string text, string tokens) =>
        Assert.That(
            TinyTokenizer.Json([], """{"content":"abc"}""", """{"content":"bcdef"}""", """{"content":"abcde"}""").Load().Tokens(text),
            Is.EqualTo(tokens));

    [TestCase(true, false, "a \t <m> b", "a|<m>|Ġ|b")]
    [TestCase(false, true, "a <m> \n b", "a|Ġ|<m>|b")]
    [TestCase(true, true, "a <m> <m> b", "a|<m>|<m>|b")]
    [TestCase(false, false, "a <m> b", "a|Ġ|<m>|Ġ|b")]
    public void StrippingTakesTheSpaceBesideAToken(bool left, bool right, string text, string tokens)
    {
        string token = new JsonObject { ["content"] = "<m>", ["lstrip"] = left, ["rstrip"] = right }.ToJsonString();
        Assert.That(TinyTokenizer.Json([], token).Load().Tokens(text), Is.EqualTo(tokens));
    }

    [TestCase("ab", "ab")]
    [TestCase("xab", "x|a|b")]
    [TestCase("ab x", "ab|Ġ|x")]
    [TestCase("ab_", "a|b|_")]
    [TestCase("ab.", "ab|.")]
    [TestCase("éab", "Ã|©|a|b")]
    [TestCase("ab-ab", "ab|-|ab")]
    [TestCase("ab1", "a|b|1")]
    public void ASingleWordStandsAlone(string text, string tokens) =>
        Assert.That(TinyTokenizer.Json([], """{"content":"ab","single_word":true}""").Load().Tokens(text), Is.EqualTo(tokens));

    [TestCase("é", true, "ae\u0301b", "a|é|b")]
    [TestCase("é", true, "aéb", "a|é|b")]
    [TestCase("é", false, "ae\u0301b", "a|Ã|©|b")]
    [TestCase("é", false, "aéb", "a|é|b")]
    [TestCase("e\u0301", true, "aéb", "a|e\u0301|b")]
    public void ANormalizedTokenIsFoundInTheNormalizedText(string content, bool normalized, string text, string tokens)
    {
        string token = new JsonObject { ["content"] = content, ["normalized"] = normalized }.ToJsonString();
        Assert.That(TinyTokenizer.Json([], token).With("normalizer", """{"type":"NFC"}""").Load().Tokens(text), Is.EqualTo(tokens));
    }

    [Test]
    public void SpecialTokensInAUsersTextCanStayText()
    {
        PipelineTokenizer tokenizer = TinyTokenizer.Json([], """{"content":"<s>","special":true}""", """{"content":"ab"}""").Load();
        Assert.That(tokenizer.Tokens("<s>ab", parseSpecialTokens: false), Is.EqualTo("<|s|>|ab"), "only special ones are left alone");
        Assert.That(tokenizer.Decode(tokenizer.Encode("<s>ab", false, false), skipSpecialTokens: true), Is.EqualTo("<s>ab"));
        Assert.That(tokenizer.Decode(tokenizer.Encode("<s>ab"), skipSpecialTokens: true), Is.EqualTo("ab"));
    }

    [TestCase("a b", "Ġ|a|Ġ|b")]
    [TestCase(" a", "Ġ|a")]
    [TestCase("a<s>b", "Ġ|a|<s>|Ġ|b")]
    [TestCase("\na", "Ġ|Ċ|a")]
    [TestCase("", "")]
    public void APrefixSpaceIsPutBeforeEachSection(string text, string tokens) =>
        Assert.That(
            TinyTokenizer.Json([], """{"content":"<s>"}""")
                .With("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}""").Load().Tokens(text),
            Is.EqualTo(tokens));

    [Test]
    public void APrefixSpaceAfterASplitIsPutBeforeEachPiece() =>
        Assert.That(
            TinyTokenizer.Json([])
                .With("pre_tokenizer", $$"""{"type":"Sequence","pretokenizers":[{{_llama3Split}},{"type":"ByteLevel","add_prefix_space":true,"use_regex":false}]}""")
                .Load().Tokens("a b12345"),
            Is.EqualTo("Ġ|a|Ġ|b|Ġ|1|2|3|Ġ|4|5"));

    [TestCase(true, "x|1|2|Ġ|1|2|Â|½")]
    [TestCase(false, "x|12|Ġ|12|Â|½")]
    public void DigitsAreCutOffFirst(bool individually, string tokens) =>
        Assert.That(
            TinyTokenizer.Json(["1 2", "x 1"])
                .With("pre_tokenizer", $$"""{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":{{(individually ? "true" : "false")}}},{{TinyTokenizer.ByteLevel}}]}""")
                .Load().Tokens("x12 12½"),
            Is.EqualTo(tokens));

    [TestCase("true", "abc|Ġ|ab")]
    [TestCase("false", "ab|c|Ġ|ab")]
    public void APieceThatIsATokenMayIgnoreTheMerges(string ignore, string tokens)
    {
        JsonObject json = TinyTokenizer.Json(["a b"]).WithModel("ignore_merges", ignore);
        json["model"]!["vocab"]!["abc"] = 500;
        Assert.That(json.Load().Tokens("abc ab"), Is.EqualTo(tokens));
    }

    [Test]
    public void MergesMayBePairs() =>
        Assert.That(TinyTokenizer.Json(["a b", "ab c"]).WithModel("merges", """[["a","b"],["ab","c"]]""").Load().Tokens("abc ab"), Is.EqualTo("abc|Ġ|ab"));

    [Test]
    public void ATemplatePutsTokensAround()
    {
        const string template = """
            {"type":"Sequence","processors":[{"type":"ByteLevel","trim_offsets":false},
             {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
              {"SpecialToken":{"id":"</s>","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[],
              "special_tokens":{"<s>":{"id":"<s>","ids":[1000],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[1001],"tokens":["</s>"]}}}]}
            """;
        PipelineTokenizer tokenizer = TinyTokenizer.Json([], """{"content":"<s>","special":true}""", """{"content":"</s>","special":true}""")
            .With("post_processor", template).Load();
        Assert.That(tokenizer.Tokens("a", addSpecialTokens: true), Is.EqualTo("<s>|a|</s>|</s>"));
        Assert.That(tokenizer.Tokens("", addSpecialTokens: true), Is.EqualTo("<s>|</s>|</s>"));
        Assert.That(tokenizer.Tokens("a"), Is.EqualTo("a"));
        Assert.That(tokenizer.EncodeToIds("ab", 2, out _, out int consumed), Is.EqualTo(new[] { 1000, (int)'a' }));
        Assert.That(consumed, Is.EqualTo(1));
    }

    [Test]
    public void BytesWithoutATokenAreLeftOut()
    {
        JsonObject json = TinyTokenizer.Json(["a b"]);
        json["model"]!["vocab"]!.AsObject().Remove("c");
        PipelineTokenizer tokenizer = json.Load();
        Assert.That(tokenizer.Tokens("cabc"), Is.EqualTo("ab"));
        Assert.That(tokenizer.EncodeToTokens("cabc", out _).Single().Offset, Is.EqualTo(1..3));
    }

    [TestCase("axb", false, "ab", "0-3")]
    [TestCase("xaxxbxax", false, "ab|a", "1-5 6-7")]
    [TestCase("axéb", false, "ab", "0-4")]
    [TestCase("axb", true, "axb", "0-3")]
    public void NeighboursMergeAcrossBytesWithoutAToken(string text, bool whole, string tokens, string places)
    {
        JsonObject json = TinyTokenizer.Json([]).WithModel("vocab", """{"a":0,"b":1,"ab":2}""").WithModel("merges", """["a b"]""");
        if (whole)
        {
            // A piece that is a token keeps the bytes that have none of their own.
            json.WithModel("ignore_merges", "true")["model"]!["vocab"]!["axb"] = 3;
        }

        PipelineTokenizer tokenizer = json.Load();
        Assert.That(tokenizer.Tokens(text), Is.EqualTo(tokens));
        Assert.That(
            string.Join(' ', tokenizer.EncodeToTokens(text, out _).Select(token => $"{token.Offset.Start}-{token.Offset.End}")),
            Is.EqualTo(places));
    }

    [Test]
    public void RobertaProcessingPutsItsTokensAround()
    {
        PipelineTokenizer tokenizer = TinyTokenizer.Json([], """{"content":"<s>","special":true}""", """{"content":"</s>","special":true}""")
            .With("post_processor", """{"type":"RobertaProcessing","sep":["</s>",1001],"cls":["<s>",1000],"trim_offsets":true,"add_prefix_space":false}""")
            .With("decoder", $$"""{"type":"Sequence","decoders":[{{TinyTokenizer.ByteLevel}}]}""").Load();
        Assert.That(tokenizer.Tokens("a", addSpecialTokens: true), Is.EqualTo("<s>|a|</s>"));
        Assert.That(tokenizer.Decode(tokenizer.Encode("é a"), skipSpecialTokens: true), Is.EqualTo("é a"));
    }

    [Test]
    public void AnAddedTokenIsDecodedByTheAlphabetWhereItCanBe()
    {
        PipelineTokenizer tokenizer = TinyTokenizer.Json([], """{"content":"<é>"}""", """{"content":"<a b é>"}""").Load();
        Assert.That(tokenizer.Decode(tokenizer.Encode("x<é>y<a b é>z")), Is.EqualTo("x<\uFFFD>y<a b é>z"));
    }

    [Test]
    public void SixtyFourThreadsGetWhatOneGets()
    {
        PipelineTokenizer tokenizer = TinyTokenizer.Json(["a b", "ab c", "Ġ ab"]).With("normalizer", """{"type":"NFC"}""").Load();
        string[] texts = [.. Enumerable.Range(0, 64).Select(i => string.Concat(Enumerable.Repeat($"abc{i} ab e\u0301", 50)))];
        string[] expected = [.. texts.Select(text => tokenizer.Tokens(text))];
        PipelineTokenizer fresh = TinyTokenizer.Json(["a b", "ab c", "Ġ ab"]).With("normalizer", """{"type":"NFC"}""").Load();
        string[] got = new string[64];
        Thread[] threads = [.. Enumerable.Range(0, 64).Select(i => new Thread(() => got[i] = fresh.Tokens(texts[i])))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.That(got, Is.EqualTo(expected));
    }

    [Test]
    public void AnUnknownIdDecodesToNothing() =>
        Assert.That(TinyTokenizer.Json([]).Load().Decode([(int)'a', 777, -1, (int)'b']), Is.EqualTo("ab"));
}
