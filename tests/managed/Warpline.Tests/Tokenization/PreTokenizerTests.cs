using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Where each pre-tokenizer cuts; what is expected is what Hugging Face's tokenizers states in its own tests, or was seen in it.</summary>
internal sealed class PreTokenizerTests
{
    private const string _words = """{"type":"Split","pattern":{"Regex":"\\w+|[^\\w\\s]+"},"behavior":"#","invert":true}""";

    private sealed class Collector : PieceReceiver
    {
        public List<string> Pieces { get; } = [];

        public override void Piece(ReadOnlySpan<char> piece, bool first) => Pieces.Add(piece.ToString());

        public override void Gap(ReadOnlySpan<char> text)
        {
        }
    }

    private static string Pieces(string json, string text, bool first = true)
    {
        var collector = new Collector();
        PieceReceiver receiver = new PreTokenizerReader("t.json").Read(JsonElement.Parse(json)).Reverse()
            .Aggregate((PieceReceiver)collector, (next, step) => step.Before(next));
        receiver.Piece(text, first);
        return string.Join('|', collector.Pieces);
    }

    [TestCase("Removed", "How|are|you|doing|?")]
    [TestCase("Isolated", "How| |are| |you| |doing|?")]
    [TestCase("MergedWithPrevious", "How |are |you |doing|?")]
    [TestCase("MergedWithNext", "How| are| you| doing|?")]
    [TestCase("Contiguous", "How| |are| |you| |doing?")]
    public void MatchesBecomeWhatTheBehaviorSays(string behavior, string pieces) =>
        Assert.That(Pieces(_words.Replace("#", behavior, StringComparison.Ordinal), "How are you doing?"), Is.EqualTo(pieces));

    [TestCase("Removed", "a|b|c")]
    [TestCase("Isolated", "a|--|--|b|--|c|--")]
    [TestCase("MergedWithPrevious", "a--|--|b--|c--")]
    [TestCase("MergedWithNext", "a|--|--b|--c|--")]
    [TestCase("Contiguous", "a|----|b|--|c|--")]
    public void ATextIsAPatternToo(string behavior, string pieces) => Assert.That(
        Pieces($$$"""{"type":"Split","pattern":{"String":"--"},"behavior":"{{{behavior}}}","invert":false}""", "a----b--c--"),
        Is.EqualTo(pieces));

    [TestCase("""{"type":"Whitespace"}""", "How are_you doing?! été\u0301 日本", "How|are_you|doing|?!|été\u0301|日本")]
    [TestCase("""{"type":"Whitespace"}""", "\n", "")]
    [TestCase("""{"type":"WhitespaceSplit"}""", "Hey, man,\u3000Good?", "Hey,|man,|Good?")]
    [TestCase("""{"type":"Punctuation"}""", "Hey friend!     How are you?!?", "Hey friend|!|     How are you|?|!|?")]
    [TestCase("""{"type":"Punctuation","behavior":"Contiguous"}""", "a?!b+c", "a|?!|b|+|c")]
    [TestCase("""{"type":"Digits"}""", "Hey 123 friend!", "Hey |123| friend!")]
    [TestCase("""{"type":"Digits","individual_digits":true}""", "Hey 12½𝟙!", "Hey |1|2|½|𝟙|!")]
    [TestCase("""{"type":"BertPreTokenizer"}""", " Hey friend!  How+x“y” ", "Hey|friend|!|How|+|x|“|y|”")]
    [TestCase("""{"type":"CharDelimiterSplit","delimiter":"-"}""", "the-final--countdown", "the|final|countdown")]
    [TestCase("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", "Hey   friend!", "▁Hey|▁|▁|▁friend!")]
    [TestCase("""{"type":"Metaspace","replacement":"_","add_prefix_space":true}""", " Hey you", "_Hey|_you")]
    [TestCase("""{"type":"Metaspace","replacement":"_","add_prefix_space":false}""", "Hey you", "Hey|_you")]
    [TestCase("""{"type":"Metaspace","prepend_scheme":"never","split":false}""", "Hey you", "Hey▁you")]
    [TestCase("""{"type":"Metaspace","prepend_scheme":"first","split":false}""", "Hey you", "▁Hey▁you")]
    [TestCase("""{"type":"Metaspace","prepend_scheme":"first","split":false}""", "▁Hey you", "▁Hey▁you")]
    [TestCase("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace"}]}""", "Hey  you", "▁Hey|▁you")]
    [TestCase("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","prepend_scheme":"first"}]}""", "Hey you", "▁Hey|you")]
    [TestCase("""{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"Punctuation"}]}""", "a.b ?!", "a|.|b|?|!")]
    [TestCase("""{"type":"ByteLevel","add_prefix_space":true}""", "é a", "ĠÃ©|Ġa")]
    [TestCase("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""", "é a\n", "Ã©ĠaĊ")]
    [TestCase("""{"type":"Sequence","pretokenizers":[{"type":"Punctuation","behavior":"Contiguous"},{"type":"ByteLevel","add_prefix_space":false},{"type":"Digits"},{"type":"Split","pattern":{"Regex":"[0-9][0-9][0-9]"},"behavior":"Isolated","invert":false}]}""",
        "a!!12345 é", "a|!!|123|45|ĠÃ©")]
    [TestCase("""{"type":"Sequence","pretokenizers":[]}""", "a b", "a b")]
    public void PiecesAreThoseOfTheReference(string json, string text, string pieces) => Assert.That(Pieces(json, text), Is.EqualTo(pieces));

    [Test]
    public void OnlyTheFirstSectionHasAMarkPutBeforeIt() => Assert.That(
        Pieces("""{"type":"Metaspace","prepend_scheme":"first","split":false}""", "how▁are you", first: false), Is.EqualTo("how▁are▁you"));

    [Test]
    public void NoCharacterIsLostBetweenTheSteps()
    {
        const string json = """
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}"},"behavior":"Isolated","invert":false},
             {"type":"Split","pattern":{"Regex":"[一-龥぀-ゟ゠-ヿ]+"},"behavior":"Isolated","invert":false},
             {"type":"Split","pattern":{"Regex":"\\s+"},"behavior":"MergedWithNext","invert":false},{"type":"Punctuation"}]}
            """;
        var random = new Random(9);
        string[] parts = ["a", "1", "２", "日本", "カ", " ", "\n", "!", "𝟙", "😀", "\u0301"];
        for (int round = 0; round < 2_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => parts[random.Next(parts.Length)]));
            Assert.That(Pieces(json, text).Replace("|", "", StringComparison.Ordinal), Is.EqualTo(text));
        }
    }
}
