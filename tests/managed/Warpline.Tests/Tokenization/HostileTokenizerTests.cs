using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Tests.Weights;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Files that ask for what is not known, and broken ones: each error quotes what it refuses.</summary>
internal sealed class HostileTokenizerTests
{
    private static void Refuses(JsonObject json, string message) =>
        Assert.That(() => json.Load(), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"t.json: {message}"));

    [TestCase("normalizer", """{"type":"NFKC"}""", "normalizer is {\"type\":\"NFKC\"}; null or NFC is required.")]
    [TestCase("normalizer", "3", "normalizer is 3; an object is required.")]
    [TestCase("pre_tokenizer", "null", "pre_tokenizer is null; ByteLevel, Split, Digits or a Sequence of them is required.")]
    [TestCase("pre_tokenizer", """{"type":"Metaspace"}""", "pre_tokenizer is {\"type\":\"Metaspace\"}; ByteLevel, Split, Digits or a Sequence of them is required.")]
    [TestCase("pre_tokenizer", """{"type":"Digits"}""", "pre_tokenizer is {\"type\":\"Digits\"}; one that ends in ByteLevel is required.")]
    [TestCase("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"Isolated","invert":false}""",
        """pre_tokenizer is {"type":"Split","pattern":{"Regex":"\\d\u002B"},"behavior":"Isolated","invert":false}; a Split by the pattern of gpt2, llama3 or qwen2 is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Split","pattern":{"String":"x"},"behavior":"Isolated"}""",
        """pre_tokenizer is {"type":"Split","pattern":{"String":"x"},"behavior":"Isolated"}; a Split by the pattern of gpt2, llama3 or qwen2 is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Split","behavior":"Contiguous"}""",
        """pre_tokenizer is {"type":"Split","behavior":"Contiguous"}; a Split that is Isolated, or Removed and inverted, is required.""")]
    [TestCase("post_processor", """{"type":"BertProcessing"}""", "post_processor is {\"type\":\"BertProcessing\"}; null, ByteLevel, TemplateProcessing, RobertaProcessing or a Sequence of at most 32 of them is required.")]
    [TestCase("post_processor", """{"type":"TemplateProcessing","single":[]}""", "post_processor is {\"type\":\"TemplateProcessing\",\"single\":[]}; one template with the sequence A once is required.")]
    [TestCase("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}]}""",
        """post_processor is {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}]}; an entry of special_tokens for each special token is required.""")]
    [TestCase("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[99999]}}}""",
        "post_processor names the token id 99999, which has no token.")]
    [TestCase("post_processor", """{"type":"RobertaProcessing","cls":["s","0"],"sep":["e",2]}""",
        """post_processor is {"type":"RobertaProcessing","cls":["s","0"],"sep":["e",2]}; cls and sep as [text, id] is required.""")]
    [TestCase("post_processor", """{"type":"RobertaProcessing","cls":["<s>",97],"sep":["</s>",99999]}""",
        "post_processor names the token id 99999, which has no token.")]
    [TestCase("decoder", """{"type":"Sequence","decoders":[{"type":"Fuse"}]}""",
        """decoder is {"type":"Sequence","decoders":[{"type":"Fuse"}]}; ByteLevel is required.""")]
    [TestCase("decoder", "null", "decoder is null; ByteLevel is required.")]
    [TestCase("decoder", """{"type":"WordPiece"}""", "decoder is {\"type\":\"WordPiece\"}; ByteLevel is required.")]
    [TestCase("model", "null", "model is null; an object is required.")]
    [TestCase("added_tokens", """[{"id":-1,"content":"x"}]""", "added_tokens[0] has id -1 and content \"x\"; an id from 0 on and a text are required.")]
    [TestCase("added_tokens", """[{"id":7,"content":""}]""", "added_tokens[0] has id 7 and content \"\"; an id from 0 on and a text are required.")]
    [TestCase("added_tokens", """[null]""", "added_tokens[0] has id  and content \"\"; an id from 0 on and a text are required.")]
    [TestCase("added_tokens", """[{"id":97,"content":"<x>"}]""", "the token \"<x>\" has id 97; \"a\" has it already.")]
    [TestCase("added_tokens", """[{"id":98,"content":"a"}]""", "the added token \"a\" has id 98, but model.vocab gives it 97.")]
    [TestCase("added_tokens", """[{"id":300,"content":"<x>"},{"id":300,"content":"<x>"}]""", "added_tokens[1] \"<x>\" occurs twice.")]
    public void APartIsQuoted(string key, string value, string message) => Refuses(TinyTokenizer.Json([]).With(key, value), message);

    [TestCase("type", "\"Unigram\"", "model.type is \"Unigram\"; \"BPE\" is required.")]
    [TestCase("vocab", "null", "model.vocab is missing or empty; an object of token to id is required.")]
    [TestCase("vocab", "{}", "model.vocab is missing or empty; an object of token to id is required.")]
    [TestCase("vocab", """{"a":1,"b":1}""", "the token \"b\" has id 1; \"a\" has it already.")]
    [TestCase("vocab", """{"a":-1}""", "the token \"a\" has id -1; an id from 0 on is required.")]
    [TestCase("merges", "null", "model.merges must be an array.")]
    [TestCase("merges", "[\"ab\"]", "model.merges[0] is \"ab\"; two tokens without blanks are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[[\"a\",\"b\",\"c\"]]", "model.merges[0] is [\"a\",\"b\",\"c\"]; two tokens without blanks are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[[\"a b\",\"c\"]]", "model.merges[0] is [\"a b\",\"c\"]; two tokens without blanks are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[7]", "model.merges[0] is 7; two tokens without blanks are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[\"x y\"]", "model.merges[0] \"x y\" needs the token \"xy\", which model.vocab lacks.")]
    [TestCase("merges", "[\"a b\",\"a b\"]", "model.merges[1] \"a b\" occurs twice.")]
    [TestCase("dropout", "0.1", "model.dropout = 0.1 is not supported in a byte-level BPE; none is required.")]
    [TestCase("byte_fallback", "true", "model.byte_fallback = True is not supported in a byte-level BPE; none is required.")]
    [TestCase("continuing_subword_prefix", "\"##\"", "model.continuing_subword_prefix = ## is not supported in a byte-level BPE; none is required.")]
    [TestCase("end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix = </w> is not supported in a byte-level BPE; none is required.")]
    public void TheModelIsQuoted(string key, string value, string message) => Refuses(TinyTokenizer.Json(["a b"]).WithModel(key, value), message);

    [TestCase("")]
    [TestCase("null")]
    [TestCase("[]")]
    [TestCase("""{"model":""")]
    [TestCase("""{"model":{},"model":{}}""")]
    [TestCase("""{"added_tokens":[{"id":1,"content":"\ud800"}]}""")]
    [TestCase("""{"added_tokens":7}""")]
    public void WhatIsNoTokenizerIsRefused(string json) =>
        Assert.That(
            () => HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(json), "t.json"),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("t.json: "));

    [Test]
    public void AHostileVocabularyReservesNothing() =>
        Assert.That(
            TinyTokenizer.Json([], """{"content":"<far>"}""").With("added_tokens", """[{"id":2147483647,"content":"<far>"}]""").Load().Encode("<far>"),
            Is.EqualTo(new[] { int.MaxValue }));

    [Test]
    public void NestingIsBounded()
    {
        string bomb = string.Concat(Enumerable.Repeat("""{"type":"Sequence","pretokenizers":[""", 100_000));
        Assert.That(
            () => HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes("{\"pre_tokenizer\":" + bomb), "t.json"),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("t.json: "));
    }

    [TestCase(32, true)]
    [TestCase(33, false)]
    [TestCase(300_000, false)]
    public void StepsAreBounded(int steps, bool accepted)
    {
        // The gpt2 pattern of ByteLevel is a step too.
        string digits = string.Concat(Enumerable.Repeat("{\"type\":\"Digits\"},", steps - 1));
        JsonObject json = TinyTokenizer.Json([]).With(
            "pre_tokenizer", $$"""{"type":"Sequence","pretokenizers":[{{digits}}{{TinyTokenizer.ByteLevel}}]}""");
        if (accepted)
        {
            Assert.That(json.Load().Tokens("a1"), Is.EqualTo("a|1"));
        }
        else
        {
            Assert.That(
                () => json.Load(),
                Throws.TypeOf<InvalidDataException>().With.Message.EndsWith("...; a Sequence of at most 32 steps is required."));
        }
    }

    [Test]
    public void AMissingFileIsNamed() =>
        Assert.That(
            () => HuggingFaceTokenizer.Load(TestData.GoldenModel("llama")),
            Throws.TypeOf<FileNotFoundException>().With.Message.Contains("tokenizer.json"));

    [Test]
    public void MutatedTokenizersThrowNothingElse()
    {
        byte[] seed = TinyTokenizer.Json(["a b", "ab c", "Ġ ab"], """{"content":"<s>","special":true,"lstrip":true}""", """{"content":"x y","normalized":true}""")
            .With("normalizer", """{"type":"NFC"}""")
            .With("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"ids":[1000]}}}""")
            .Bytes();
        var random = new Random(5);
        int accepted = 0;
        for (int round = 0; round < 2_000; round++)
        {
            ByteLevelBpeTokenizer tokenizer;
            try
            {
                tokenizer = (ByteLevelBpeTokenizer)HuggingFaceTokenizer.Parse(Mutation.Of(seed, random));
            }
            catch (InvalidDataException)
            {
                // The one exception that the reader documents.
                continue;
            }

            accepted++;
            IReadOnlyList<int> ids = tokenizer.Encode("abc ab<s> x y é\u0301 \ud800");
            Assert.That(ids, Is.Not.Empty);
            tokenizer.Decode(ids);
        }

        Assert.That(accepted, Is.GreaterThan(0), "some mutations, such as of an id, are harmless");
    }
}
