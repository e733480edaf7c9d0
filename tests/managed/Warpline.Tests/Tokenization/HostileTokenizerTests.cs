using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Files that ask for what is not known, and broken ones: each error quotes what it refuses.</summary>
internal sealed class HostileTokenizerTests
{
    private const string _normalizers =
        "null, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Nmt, ByteLevel, Prepend, Replace, BertNormalizer, Precompiled or a Sequence of them";

    private const string _preTokenizers =
        "null, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer, CharDelimiterSplit or a Sequence of them";

    private const string _decoders =
        "null, ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip, WordPiece, BPEDecoder, CTC or a Sequence of them";

    private static void Refuses(JsonObject json, string message) =>
        Assert.That(() => json.Load(), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"t.json: {message}"));

    [TestCase("normalizer", """{"type":"Uppercase"}""", $$"""normalizer is {"type":"Uppercase"}; {{_normalizers}} is required.""")]
    [TestCase("normalizer", "3", "normalizer is 3; an object is required.")]
    [TestCase("normalizer", """{"type":"Prepend"}""", $$"""normalizer is {"type":"Prepend"}; {{_normalizers}} is required.""")]
    [TestCase("normalizer", """{"type":"Replace","pattern":{"Regex":"x(?=y)"},"content":""}""",
        """normalizer is {"type":"Replace","pattern":{"Regex":"x(?=y)"},"content":""}; a pattern that is a text or a known regular expression is required.""")]
    [TestCase("normalizer", """{"type":"Precompiled","precompiled_charsmap":"%"}""",
        """normalizer is {"type":"Precompiled","precompiled_charsmap":"%"}; a precompiled_charsmap in base64 is required.""")]
    [TestCase("normalizer", """{"type":"Precompiled","precompiled_charsmap":"/////w=="}""",
        "normalizer.precompiled_charsmap has 4 bytes that say that 4294967295 are its trie; a multiple of 4 from 4 on that fits is required.")]
    [TestCase("normalizer", """{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAD/"}""",
        "normalizer.precompiled_charsmap has replacements that are not UTF-8; UTF-8 is required.")]
    [TestCase("pre_tokenizer", """{"type":"UnicodeScripts"}""", $$"""pre_tokenizer is {"type":"UnicodeScripts"}; {{_preTokenizers}} is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"Isolated","invert":false}""",
        """pre_tokenizer is {"type":"Split","pattern":{"Regex":"\\d\u002B"},"behavior":"Isolated","invert":false}; a pattern that is a text or a known regular expression is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Split","pattern":{"String":""},"behavior":"Isolated"}""",
        """pre_tokenizer is {"type":"Split","pattern":{"String":""},"behavior":"Isolated"}; a pattern that is a text or a known regular expression is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Split","pattern":{"String":"x"},"behavior":"Doubled"}""",
        """pre_tokenizer is {"type":"Split","pattern":{"String":"x"},"behavior":"Doubled"}; the behavior Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Metaspace","replacement":"__"}""",
        """pre_tokenizer is {"type":"Metaspace","replacement":"__"}; one character is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Metaspace","prepend_scheme":"last"}""",
        """pre_tokenizer is {"type":"Metaspace","prepend_scheme":"last"}; the prepend_scheme always, first or never, which add_prefix_space agrees with is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Metaspace","prepend_scheme":"always","add_prefix_space":false}""",
        """pre_tokenizer is {"type":"Metaspace","prepend_scheme":"always","add_prefix_space":false}; the prepend_scheme always, first or never, which add_prefix_space agrees with is required.""")]
    [TestCase("pre_tokenizer", """{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"ByteLevel"}]}""",
        """pre_tokenizer is {"type":"ByteLevel"}; one ByteLevel at most is required.""")]
    [TestCase("post_processor", """{"type":"PairProcessing"}""",
        """post_processor is {"type":"PairProcessing"}; null, ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing or a Sequence of them is required.""")]
    [TestCase("post_processor", """{"type":"BertProcessing"}""",
        """post_processor is {"type":"BertProcessing"}; cls and sep as [text, id] is required.""")]
    [TestCase("post_processor", """{"type":"TemplateProcessing","single":[]}""", "post_processor is {\"type\":\"TemplateProcessing\",\"single\":[]}; one template with the sequence A once is required.")]
    [TestCase("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}]}""",
        """post_processor is {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}]}; an entry of special_tokens for each special token is required.""")]
    [TestCase("post_processor", """{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}},{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[99999]}}}""",
        "post_processor names the token id 99999, which has no token.")]
    [TestCase("post_processor", """{"type":"RobertaProcessing","cls":["s","0"],"sep":["e",2]}""",
        """post_processor is {"type":"RobertaProcessing","cls":["s","0"],"sep":["e",2]}; cls and sep as [text, id] is required.""")]
    [TestCase("post_processor", """{"type":"RobertaProcessing","cls":["<s>",97],"sep":["</s>",99999]}""",
        "post_processor names the token id 99999, which has no token.")]
    [TestCase("decoder", """{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Reverse"}]}""",
        $$"""decoder is {"type":"Reverse"}; {{_decoders}} is required.""")]
    [TestCase("decoder", """{"type":"Strip","content":" ","start":-1,"stop":0}""",
        $$"""decoder is {"type":"Strip","content":" ","start":-1,"stop":0}; {{_decoders}} is required.""")]
    [TestCase("model", "null", "model is null; an object is required.")]
    [TestCase("added_tokens", """[{"id":-1,"content":"x"}]""", "added_tokens[0] has id -1 and content \"x\"; an id from 0 on and a text are required.")]
    [TestCase("added_tokens", """[{"id":7,"content":""}]""", "added_tokens[0] has id 7 and content \"\"; an id from 0 on and a text are required.")]
    [TestCase("added_tokens", """[null]""", "added_tokens[0] has id  and content \"\"; an id from 0 on and a text are required.")]
    [TestCase("added_tokens", """[{"id":97,"content":"<x>"}]""", "the token \"<x>\" has id 97; \"a\" has it already.")]
    [TestCase("added_tokens", """[{"id":98,"content":"a"}]""", "the added token \"a\" has id 98, but model.vocab gives it 97.")]
    [TestCase("added_tokens", """[{"id":300,"content":"<x>"},{"id":300,"content":"<x>"}]""", "added_tokens[1] \"<x>\" occurs twice.")]
    public void APartIsQuoted(string key, string value, string message) => Refuses(TinyTokenizer.Json([]).With(key, value), message);

    [TestCase("type", "\"Unigraph\"", "model.type is \"Unigraph\"; \"BPE\", \"WordPiece\", \"WordLevel\" or \"Unigram\" is required.")]
    [TestCase("type", "7", "model.type is 7; a text is required.")]
    [TestCase("vocab", "null", "model.vocab is missing or empty; an object of token to id is required.")]
    [TestCase("vocab", "{}", "model.vocab is missing or empty; an object of token to id is required.")]
    [TestCase("vocab", """{"a":1,"b":1,"ab":2}""", "the token \"b\" has id 1; \"a\" has it already.")]
    [TestCase("vocab", """{"a":-1,"b":1,"ab":2}""", "the token \"a\" has id -1; an id from 0 on is required.")]
    [TestCase("merges", "null", "model.merges must be an array.")]
    [TestCase("merges", "[\"ab\"]", "model.merges[0] is \"ab\"; two tokens are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[[\"a\",\"b\",\"c\"]]", "model.merges[0] is [\"a\",\"b\",\"c\"]; two tokens are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[[\"a b\",\"c\"]]", "model.merges[0] \"a b c\" needs the token \"a bc\", which model.vocab lacks.")]
    [TestCase("merges", "[[\"\",\"c\"]]", "model.merges[0] is [\"\",\"c\"]; two tokens are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[7]", "model.merges[0] is 7; two tokens are required, as \"left right\" or [left, right].")]
    [TestCase("merges", "[\"x y\"]", "model.merges[0] \"x y\" needs the token \"xy\", which model.vocab lacks.")]
    [TestCase("merges", "[\"a b\",\"a b\"]", "model.merges[1] \"a b\" occurs twice.")]
    [TestCase("dropout", "0.1", "model.dropout = 0.1 is not supported; none is required.")]
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
        // ByteLevel is two steps: the gpt2 pattern, and the alphabet.
        string digits = string.Concat(Enumerable.Repeat("{\"type\":\"Digits\"},", steps - 2));
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

    [TestCase("null", "model.vocab is missing or empty; an array of [token, score] is required.")]
    [TestCase("[]", "model.vocab is missing or empty; an array of [token, score] is required.")]
    [TestCase("""{"a":0}""", "model.vocab is missing or empty; an array of [token, score] is required.")]
    [TestCase("""[["a",0,1]]""", "model.vocab[0] is [\"a\",0,1]; a token and a finite score are required, as [token, score].")]
    [TestCase("""[["a",0],["b","1"]]""", "model.vocab[1] is [\"b\",\"1\"]; a token and a finite score are required, as [token, score].")]
    [TestCase("""[["a",1e999]]""", "model.vocab[0] is [\"a\",1e999]; a token and a finite score are required, as [token, score].")]
    [TestCase("""[["a",0],["a",-1]]""", "model.vocab[1] \"a\" occurs twice.")]
    [TestCase("""[["a",0]]""", "model.unk_id is 1; an id in [0, 1) is required.")]
    public void TheScoresAreQuoted(string vocabulary, string message) =>
        Refuses(TinyTokenizer.Json([]).With("model", $$"""{"type":"Unigram","unk_id":1,"vocab":{{vocabulary}}}"""), message);

    [TestCase("""{"type":"Unigram","vocab":[["a",0]]}""", "model.unk_id is missing; an id in [0, 1) is required.")]
    [TestCase("""{"type":"WordPiece","vocab":{"a":0}}""", "model.unk_token is \"[UNK]\", which model.vocab lacks; one of its tokens is required.")]
    [TestCase("""{"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1}""", "model.max_input_chars_per_word is -1; a number from 0 on is required.")]
    [TestCase("""{"type":"WordLevel","vocab":{"a":0},"unk_token":"b"}""", "model.unk_token is \"b\", which model.vocab lacks; one of its tokens is required.")]
    [TestCase("""{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"b"}""", "model.unk_token is \"b\", which model.vocab lacks; one of its tokens is required.")]
    [TestCase("""{"vocab":{"a":0}}""", "model.type is missing; \"BPE\", \"WordPiece\", \"WordLevel\" or \"Unigram\" is required.")]
    public void OtherModelsAreQuoted(string model, string message) => Refuses(TinyTokenizer.Json([]).With("model", model), message);

    [TestCase("normalizer", "normalizers")]
    [TestCase("decoder", "decoders")]
    public void ReplacementsDoNotExplode(string key, string list)
    {
        string Steps(int count) =>
            $$"""{"type":"Sequence","{{list}}":[{{string.Join(',', Enumerable.Repeat("""{"type":"Replace","pattern":{"String":"a"},"content":"aa"}""", count))}}]}""";
        Assert.That(TinyTokenizer.Json([]).With(key, Steps(9)).Load().Encode("a"), Has.Count.EqualTo(key == "normalizer" ? 512 : 1));
        Refuses(
            TinyTokenizer.Json([]).With(key, Steps(30)),
            $$"""{{key}} is {"type":"Replace","pattern":{"String":"a"},"content":"aa"}; a Replace that makes a text, with those before it, at most 1000 times as long is required.""");
    }

    [TestCase("normalizer", "normalizers", """{"type":"NFC"}""")]
    [TestCase("decoder", "decoders", """{"type":"Fuse"}""")]
    [TestCase("post_processor", "processors", """{"type":"ByteLevel"}""")]
    public void StepsOfEachPartAreBounded(string key, string list, string step)
    {
        string Steps(int count) => $$"""{"type":"Sequence","{{list}}":[{{string.Join(',', Enumerable.Repeat(step, count))}}]}""";
        Assert.That(TinyTokenizer.Json([]).With(key, Steps(32)).Load().Tokens("ab"), Is.EqualTo("a|b"));
        Assert.That(
            () => TinyTokenizer.Json([]).With(key, Steps(33)).Load(),
            Throws.TypeOf<InvalidDataException>().With.Message.EndsWith("; a Sequence of at most 32 steps is required."));
    }
}
