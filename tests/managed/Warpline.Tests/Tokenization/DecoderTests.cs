using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>
/// The decoders, on tokens separated by blanks, all at once and one by one; what is expected is what Hugging Face's tokenizers
/// states in its own tests, or was seen in it.
/// </summary>
internal sealed class DecoderTests
{
    private const string _llama2 =
        """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""";

    private static PipelineTokenizer Tokenizer(string decoder, IEnumerable<string> tokens)
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0 };
        foreach (string token in tokens.Distinct().Where(token => token != "<unk>"))
        {
            vocabulary.Add(token, vocabulary.Count);
        }

        return new JsonObject
        {
            ["decoder"] = JsonNode.Parse(decoder),
            ["model"] = new JsonObject { ["type"] = "WordLevel", ["unk_token"] = "<unk>", ["vocab"] = vocabulary },
        }.Load();
    }

    [TestCase("null", "a b", "a b")]
    [TestCase("""{"type":"WordPiece","prefix":"##","cleanup":false}""", "##uelo Ara ##új ##o No ##guera", "##uelo Araújo Noguera")]
    [TestCase("""{"type":"WordPiece"}""", "do n't , he 's ##s .", "don't, he'ss.")]
    [TestCase("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}""", "▁Hey ▁friend ▁▁!", "Hey friend  !")]
    [TestCase("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}""", "▁Hey ▁friend", " Hey friend")]
    [TestCase("""{"type":"Metaspace","add_prefix_space":false}""", "▁Hey ▁friend", " Hey friend")]
    [TestCase("""{"type":"ByteFallback"}""", "<0x61> <0xE5> <0x8f> <0xab> a <0x61> <0xE5> <0x8f> b <0xE5>", "a叫a\uFFFD\uFFFD\uFFFDb\uFFFD",
        TestName = "a run of bytes is valid as a whole or not at all")]
    [TestCase("""{"type":"ByteFallback"}""", "x <0xE5> <0x8f> <0xab> a <0x6> <0xGG>", "x叫a<0x6><0xGG>")]
    [TestCase("""{"type":"Strip","content":"H","start":1,"stop":0}""", "Hey friend! HHH", "eyfriend!HH")]
    [TestCase("""{"type":"Strip","content":"y","start":0,"stop":1}""", "Hey yyy yya y", "Heyyyya")]
    [TestCase("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":"y","start":1,"stop":2}]}""", "y y a yy b y y y", "yayyby")]
    [TestCase("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"ab"},"content":"x"}]}""", "a ba b", "xx")]
    [TestCase("""{"type":"Sequence","decoders":[{"type":"ByteLevel"},{"type":"Replace","pattern":{"String":"é"},"content":"e"}]}""", "Ã © t Ã ©", "ete")]
    [TestCase("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Metaspace"}]}""", "▁a ▁b ▁c", "abc")]
    [TestCase("""{"type":"BPEDecoder","suffix":"</w>"}""", "he llo</w> you</w>", "hello you")]
    [TestCase("""{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true}""", "<pad> h e e l l <pad> l o o o <pad> | <pad> w", "hello w")]
    [TestCase(_llama2, "▁ ▁Hey <0x0A> <0xC3> <0xA9> ▁you", " Hey\né you")]
    [TestCase(_llama2, "<0x20> <0x20> a", " a")]
    [TestCase(_llama2, "", "")]
    public void TokensBecomeText(string decoder, string tokens, string text)
    {
        string[] list = tokens.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        PipelineTokenizer tokenizer = Tokenizer(decoder, list);
        int[] ids = [.. list.Select(token => tokenizer.TryGetId(token, out int id) ? id : -1)];
        Assert.That(tokenizer.Decode(ids), Is.EqualTo(text));
        var stream = new TokenStreamDecoder(tokenizer);
        Assert.That(string.Concat(ids.Select(stream.Append)) + stream.Flush(), Is.EqualTo(text));
        Assert.That(stream.HasPendingText, Is.False);
    }

    [Test]
    public void AStreamGivesTextAsSoonAsItIsCertain()
    {
        string[] tokens = ["▁Hey", "<0xC3>", "<0xA9>", "▁you"];
        var stream = new TokenStreamDecoder(Tokenizer(_llama2, tokens));
        Assert.That(Enumerable.Range(1, 4).Select(stream.Append), Is.EqualTo(new[] { "Hey", "", "", "é you" }));
        Assert.That(stream.HasPendingText, Is.False);
        stream.Append(2);
        Assert.That(stream.HasPendingText, Is.True);
        Assert.That(stream.Flush(), Is.EqualTo("\uFFFD"));
    }
}
