using System.Text;
using Microsoft.ML.Tokenizers;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>A stream never gives half a character, and joins to what decoding everything at once gives.</summary>
internal sealed class TokenStreamDecoderTests
{
    // Ids 0 to 255 are the bytes themselves.
    private readonly PipelineTokenizer _tokenizer = TinyTokenizer.Json([], """{"content":"<s>","special":true}""").Load();

    private string[] Parts(params int[] ids)
    {
        var decoder = new TokenStreamDecoder(_tokenizer);
        return [.. ids.Select(decoder.Append), decoder.Flush()];
    }

    [Test]
    public void ACharacterComesOutWhenItIsComplete()
    {
        Assert.That(Parts(0xC3, 0xA9, 'a'), Is.EqualTo(new[] { "", "é", "a", "" }));
        Assert.That(Parts(0xF0, 0x9F, 0x98, 0x80), Is.EqualTo(new[] { "", "", "", "😀", "" }));
    }

    [Test]
    public void BytesThatCannotBeCompletedComeOutAsReplacements()
    {
        Assert.That(Parts(0xC3, 'a'), Is.EqualTo(new[] { "", "\uFFFDa", "" }));
        Assert.That(Parts(0xFF, 0x80), Is.EqualTo(new[] { "\uFFFD", "\uFFFD", "" }));
        Assert.That(Parts(0xE2, 0x82), Is.EqualTo(new[] { "", "", "\uFFFD" }), "one for an unfinished character");
        Assert.That(Parts(0xE0, 0x80), Is.EqualTo(new[] { "", "\uFFFD\uFFFD", "" }), "E0 80 begins no character");
        Assert.That(Parts(0xC3, 1000), Is.EqualTo(new[] { "", "\uFFFD<s>", "" }));
    }

    [Test]
    public void UnknownAndSkippedIdsAddNothing()
    {
        Assert.That(Parts(0xC3, 5000, 0xA9), Is.EqualTo(new[] { "", "", "é", "" }));
        var decoder = new TokenStreamDecoder(_tokenizer, skipSpecialTokens: true);
        Assert.That(decoder.Append(0xC3) + decoder.Append(1000) + decoder.Append(0xA9), Is.EqualTo("é"));
        Assert.That(decoder.HasPendingText, Is.False);
    }

    [Test]
    public void RandomBytesJoinToTheWhole()
    {
        var random = new Random(4);
        int[] interesting = [0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0x90, 0xA0, 0x9F, 'a'];
        var decoder = new TokenStreamDecoder(_tokenizer);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = new byte[random.Next(1, 9)];
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)(random.Next(3) == 0 ? random.Next(256) : interesting[random.Next(interesting.Length)]);
            }

            string joined = string.Concat(bytes.Select(value => decoder.Append(value))) + decoder.Flush();
            string whole = Encoding.UTF8.GetString(bytes);
            if (joined != whole || _tokenizer.Decode(bytes.Select(value => (int)value)) != whole)
            {
                Assert.Fail(Convert.ToHexString(bytes));
            }
        }
    }

    [Test]
    public void AnotherKindOfTokenizerIsRefused() =>
        Assert.That(
            () => new TokenStreamDecoder(BpeTokenizer.Create(new BpeOptions([new("a", 0)]) { Merges = [] })),
            Throws.ArgumentException.With.Message.StartsWith("BpeTokenizer does not tell how it decodes;"));
}
