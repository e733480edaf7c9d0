using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>The models on single pieces; what is expected is what Hugging Face's tokenizers states in its own tests, or was seen in it.</summary>
internal sealed class ModelTests
{
    private const string _unigram =
        """{"type":"Unigram","unk_id":0,"byte_fallback":#,"vocab":[["<unk>",0],["a",0],["b",0],["c",0],["d",0],["cd",1],["ab",2],["abc",5],["abcd",10],["<0xC3>",0],["<0xA9>",0],["😀",0]]}""";

    private const string _wordPiece =
        """{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":10,"vocab":{"[UNK]":0,"un":1,"##aff":2,"##able":3,"a":4,"##a":5,"##😀":6,"😀":7}}""";

    private static string Tokens(string model, string piece)
    {
        TokenModel read = new ModelReader("t.json").Read(JsonElement.Parse(model), spellsBytes: false);
        var tokens = new List<ModelToken>();
        read.Encode(piece, tokens);
        Dictionary<int, string> names = read.Ids.ToDictionary(pair => pair.Value, pair => pair.Key);
        return string.Join(' ', tokens.Select(token => $"{names[token.Id]}:{token.Start}-{token.End}"));
    }

    private static string Bpe(string settings, string vocabulary = """{"<unk>":0,"a":1,"b":2,"ab":3,"<0xC3>":4,"<0xA9>":5}""", string merges = """["a b"]""") =>
        $$"""{"type":"BPE",{{settings}},"vocab":{{vocabulary}},"merges":{{merges}}}""";

    [TestCase("abcdacd", "abcd:0-4 a:4-5 cd:5-7")]
    [TestCase("abcdacdxx", "abcd:0-4 a:4-5 cd:5-7 <unk>:7-9", TestName = "neighbouring unknown characters are one token")]
    [TestCase("xax", "<unk>:0-1 a:1-2 <unk>:2-3")]
    [TestCase("😀😁b", "😀:0-2 <unk>:2-4 b:4-5")]
    [TestCase("é", "<unk>:0-1")]
    public void UnigramTakesTheBestWay(string piece, string tokens) =>
        Assert.That(Tokens(_unigram.Replace("#", "false", StringComparison.Ordinal), piece), Is.EqualTo(tokens));

    [TestCase("aéb", "a:0-1 <0xC3>:1-2 <0xA9>:1-2 b:2-3")]
    [TestCase("aéè", "a:0-1 <unk>:1-3", TestName = "one byte without a token makes all of it unknown")]
    [TestCase("éé", "<0xC3>:0-2 <0xA9>:0-2 <0xC3>:0-2 <0xA9>:0-2")]
    public void UnigramSpellsUnknownTextInBytes(string piece, string tokens) =>
        Assert.That(Tokens(_unigram.Replace("#", "true", StringComparison.Ordinal), piece), Is.EqualTo(tokens));

    [TestCase("unaffable", "un:0-2 ##aff:2-5 ##able:5-9")]
    [TestCase("unwanted", "[UNK]:0-8")]
    [TestCase("aaaaaaaaaa", "a:0-1 ##a:1-2 ##a:2-3 ##a:3-4 ##a:4-5 ##a:5-6 ##a:6-7 ##a:7-8 ##a:8-9 ##a:9-10")]
    [TestCase("aaaaaaaaaaa", "[UNK]:0-11", TestName = "a word of more than ten characters")]
    [TestCase("a😀", "a:0-1 ##😀:1-3")]
    [TestCase("😀😀😀😀😀😀", "😀:0-2 ##😀:2-4 ##😀:4-6 ##😀:6-8 ##😀:8-10 ##😀:10-12", TestName = "characters are counted, not UTF-16")]
    [TestCase("a\U0001F601", "[UNK]:0-3")]
    public void WordPieceTakesTheLongestToken(string piece, string tokens) => Assert.That(Tokens(_wordPiece, piece), Is.EqualTo(tokens));

    [Test]
    public void AWordOfAMegabyteIsCutInTime()
    {
        string model = _wordPiece.Replace("10,", "9223372036854775807,", StringComparison.Ordinal);
        Assert.That(Tokens(model, new string('a', 1_000_000)), Does.StartWith("a:0-1 ##a:1-2 ").And.EndsWith(" ##a:999999-1000000"));
    }

    [TestCase("ab", "ab:0-2")]
    [TestCase("ac", "<unk>:0-2")]
    public void WordLevelKnowsWholePieces(string piece, string tokens) =>
        Assert.That(Tokens("""{"type":"WordLevel","unk_token":"<unk>","vocab":{"<unk>":0,"ab":1}}""", piece), Is.EqualTo(tokens));

    [TestCase("\"unk_token\":\"<unk>\"", "accb", "a:0-1 <unk>:1-2 <unk>:2-3 b:3-4")]
    [TestCase("\"unk_token\":\"<unk>\",\"fuse_unk\":true", "accb", "a:0-1 <unk>:1-3 b:3-4")]
    [TestCase("\"unk_token\":null", "accb", "ab:0-4", TestName = "what is unknown is left out where nothing stands for it")]
    [TestCase("\"unk_token\":\"<unk>\",\"byte_fallback\":true", "aéèb", "a:0-1 <0xC3>:1-2 <0xA9>:1-2 <unk>:2-3 b:3-4")]
    [TestCase("\"unk_token\":\"<unk>\",\"byte_fallback\":true,\"fuse_unk\":true", "cécb", "<0xC3>:1-2 <0xA9>:1-2 <unk>:0-3 b:3-4",
        TestName = "an unknown character waits while bytes pass it, as in the reference")]
    public void BpeDealsWithTheUnknown(string settings, string piece, string tokens) => Assert.That(Tokens(Bpe(settings), piece), Is.EqualTo(tokens));

    [Test]
    public void BpeMarksContinuationsAndEnds()
    {
        const string vocabulary = """{"a":0,"##b":1,"##c</w>":2,"ab":3,"abc</w>":4,"a</w>":5}""";
        string model = Bpe("\"continuing_subword_prefix\":\"##\",\"end_of_word_suffix\":\"</w>\"", vocabulary, """["a ##b","ab ##c</w>"]""");
        Assert.That(Tokens(model, "abc"), Is.EqualTo("abc</w>:0-3"));
        Assert.That(Tokens(model, "a"), Is.EqualTo("a</w>:0-1"));
    }

    [Test]
    public void BpeMergesTokensWithBlanks() => Assert.That(
        Tokens(Bpe("\"unk_token\":null", """{"a":0," ":1,"a ":2,"a a":3}""", """[["a"," "],["a ","a"]]"""), "a a"), Is.EqualTo("a a:0-3"));

    [TestCase("""{"vocab":{"a":0},"merges":[]}""", typeof(BpeModel))]
    [TestCase("""{"vocab":{"[UNK]":0},"unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100}""", typeof(WordPieceModel))]
    [TestCase("""{"vocab":[["a",0.5]],"unk_id":0}""", typeof(UnigramModel))]
    [TestCase("""{"vocab":{"a":0},"unk_token":"a"}""", typeof(WordLevelModel))]
    public void OldFilesDoNotNameTheType(string model, Type type) =>
        Assert.That(new ModelReader("t.json").Read(JsonElement.Parse(model), spellsBytes: false), Is.TypeOf(type));
}
