using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Where the published patterns cut; what is expected was seen in Hugging Face's tokenizers.</summary>
internal sealed class SplitPatternTests
{
    private const string _llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static string Pieces(Scanner scanner, string text)
    {
        var pieces = new List<string>();
        for (int start = 0; start < text.Length;)
        {
            int end = scanner(text, start);
            Assert.That(end, Is.GreaterThan(start).And.AtMost(text.Length));
            pieces.Add(text[start..end]);
            start = end;
        }

        return string.Join('|', pieces);
    }

    [TestCase("Hello, world!", "Hello|,| world|!")]
    [TestCase("don't can'T I'll we'VE", "don|'t| can|'|T| I|'ll| we|'|VE")]
    [TestCase("a  b   ", "a| | b|   ")]
    [TestCase("a\n\nb\r\n c", "a|\n|\n|b|\r\n| c")]
    [TestCase("12345 678", "12345| 678")]
    [TestCase("x1 ½Ⅷ²", "x|1| ½Ⅷ²")]
    [TestCase("𐐷𝟙𝟚 𐐷", "𐐷|𝟙𝟚| 𐐷")]
    [TestCase("e\u0301 _-", "e|\u0301| _-")]
    [TestCase("\u00a0\u3000x", "\u00a0|\u3000|x")]
    [TestCase("'ſ", "'|ſ")]
    public void Gpt2(string text, string pieces) => Assert.That(Pieces(SplitPatterns.Gpt2, text), Is.EqualTo(pieces));

    [TestCase("Hello, world!", "Hello|,| world|!")]
    [TestCase("don't can'T I'll we'VE O'Neill", "don|'t| can|'T| I|'ll| we|'VE| O|'Neill")]
    [TestCase("a'ſ b", "a|'ſ| b")]
    [TestCase(" \r\n \t\n  x", " \r\n \t\n| | x")]
    [TestCase("12345 678", "123|45| |678")]
    [TestCase("١٢٣४Ⅷ½²", "١٢٣|४Ⅷ½|²")]
    [TestCase("𐐷𝟙𝟚𝟛𝟜", "𐐷|𝟙𝟚𝟛|𝟜")]
    [TestCase("\tx $x !!\r\n\ny", "\tx| $|x| !!\r\n\n|y")]
    [TestCase("\u0085\u2028\u200b x", "\u0085|\u2028|\u200b| x")]
    [TestCase("a   ", "a|   ")]
    [TestCase("日本語と한국어", "日本語と한국어")]
    public void Llama3(string text, string pieces) => Assert.That(Pieces(SplitPatterns.Find(_llama3)!, text), Is.EqualTo(pieces));

    [Test]
    public void Qwen2CutsEachNumber() =>
        Assert.That(Pieces(SplitPatterns.Find(_llama3.Replace("{1,3}", "", StringComparison.Ordinal))!, "a12 3𝟙"), Is.EqualTo("a|1|2| |3|𝟙"));

    [Test]
    public void HalfASurrogatePairIsACharacterOfItsOwn() =>
        Assert.That(Pieces(SplitPatterns.Gpt2, "a\ud800b \udc00"), Is.EqualTo("a|\ud800|b| \udc00"));

    [Test]
    public void AnyChangeToAPatternMakesItUnknown()
    {
        Assert.That(SplitPatterns.Find(_llama3), Is.Not.Null);
        Assert.That(SplitPatterns.Find(_llama3 + " "), Is.Null);
        Assert.That(SplitPatterns.Find(_llama3.Replace("{1,3}", "{1,2}", StringComparison.Ordinal)), Is.Null);
    }
}
