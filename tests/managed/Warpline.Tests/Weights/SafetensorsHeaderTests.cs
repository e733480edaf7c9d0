using System.Text;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Weights;

/// <summary>Each rule of the header, once kept and once broken.</summary>
internal sealed class SafetensorsHeaderTests
{
    private static SafetensorsHeader Parse(string json, long dataLength) =>
        SafetensorsHeader.Parse(Encoding.UTF8.GetBytes(json), dataLength, "f");

    private static string Tensor(string dtype, string shape, string offsets) =>
        $$"""{"dtype":"{{dtype}}","shape":{{shape}},"data_offsets":{{offsets}}}""";

    [TestCase("F32", 4)]
    [TestCase("F16", 2)]
    [TestCase("BF16", 2)]
    [TestCase("F64", 8)]
    [TestCase("I8", 1)]
    [TestCase("I16", 2)]
    [TestCase("I32", 4)]
    [TestCase("I64", 8)]
    [TestCase("U8", 1)]
    [TestCase("U16", 2)]
    [TestCase("U32", 4)]
    [TestCase("U64", 8)]
    [TestCase("BOOL", 1)]
    [TestCase("C64", 8)]
    [TestCase("F8_E4M3", 1)]
    [TestCase("F8_E5M2", 1)]
    [TestCase("F8_E8M0", 1)]
    public void EveryTypeHasItsSize(string dtype, int bytes)
    {
        SafetensorsHeader header = Parse($$"""{"a":{{Tensor(dtype, "[2,3]", $"[0,{6 * bytes}]")}}}""", 6 * bytes);
        Assert.That(header.Tensors["a"].Shape, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(SafetensorsTypes.NameOf(header.Tensors["a"].Type), Is.EqualTo(dtype));
    }

    [Test]
    public void SubByteTypesFillWholeBytes()
    {
        Assert.That(Parse($$"""{"a":{{Tensor("F4", "[3,2]", "[0,3]")}}}""", 3).Tensors["a"].End, Is.EqualTo(3));
        Assert.That(Parse($$"""{"a":{{Tensor("F6_E2M3", "[4]", "[0,3]")}}}""", 3).Tensors["a"].End, Is.EqualTo(3));
        Assert.That(
            () => Parse($$"""{"a":{{Tensor("F4", "[3]", "[0,2]")}}}""", 2),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("f: tensor \"a\": shape [3] of F4 does not fill whole bytes."));
    }

    [Test]
    public void ScalarsEmptyTensorsMetadataAndPaddingAreLegal()
    {
        string json = $$"""
            {"__metadata__":{"format":"pt"},"scalar":{{Tensor("F32", "[]", "[0,4]")}},
             "empty":{{Tensor("I64", "[0,9223372036854775807,9]", "[4,4]")}},"last":{{Tensor("U8", "[1]", "[4,5]")}}}
            """ + "   \n";
        SafetensorsHeader header = Parse(json, 5);
        Assert.That(header.Metadata, Is.EqualTo(new Dictionary<string, string> { ["format"] = "pt" }));
        Assert.That(header.Tensors["scalar"].Shape, Is.Empty);
        Assert.That(header.Tensors["empty"].End, Is.EqualTo(4));
    }

    [Test]
    public void AFileWithoutTensorsIsLegal() => Assert.That(Parse("{}", 0).Tensors, Is.Empty);

    [Test]
    public void OffsetsBeyondTwoGibibytesAreExact()
    {
        const long elements = 3L << 30;
        SafetensorsHeader header = Parse(
            $$"""{"a":{{Tensor("BF16", $"[{elements}]", $"[0,{2 * elements}]")}},"b":{{Tensor("U8", "[1]", $"[{2 * elements},{(2 * elements) + 1}]")}}}""",
            (2 * elements) + 1);
        Assert.That(header.Tensors["b"].Begin, Is.EqualTo(6442450944));
    }

    [TestCase("", 0, "f: the header must begin with '{'.")]
    [TestCase(" {}", 0, "f: the header must begin with '{'.")]
    [TestCase("[]", 0, "f: the header must begin with '{'.")]
    [TestCase("""{"a":1}""", 0, "f: tensor \"a\": an object with dtype, shape and data_offsets is required.")]
    [TestCase("""{"a":{}}""", 0, "f: tensor \"a\": dtype is missing.")]
    [TestCase("""{"a":{"dtype":"F32"}}""", 0, "f: tensor \"a\": shape is missing.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[]}}""", 0, "f: tensor \"a\": data_offsets is missing.")]
    [TestCase("""{"a":{"dtype":"F32","dtype":"F32"}}""", 0, "f: tensor \"a\": the key \"dtype\" occurs twice.")]
    [TestCase("""{"a":{"type":"F32"}}""", 0, "f: tensor \"a\": the key \"type\" is not known; known are dtype, shape and data_offsets.")]
    [TestCase("""{"a":{"dtype":7}}""", 0, "f: tensor \"a\": dtype must be a string.")]
    [TestCase("""{"a":{"dtype":"F32","shape":4}}""", 0, "f: tensor \"a\": shape must be an array of integers.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[-1]}}""", 0, "f: tensor \"a\": shape must hold integers from 0 to 2^63 - 1.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1.5]}}""", 0, "f: tensor \"a\": shape must hold integers from 0 to 2^63 - 1.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[9223372036854775808]}}""", 0, "f: tensor \"a\": shape must hold integers from 0 to 2^63 - 1.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "f: tensor \"a\": data_offsets has 3 entries; 2 are required.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "f: tensor \"a\": data_offsets [4, 0] end before they begin.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "f: tensor \"a\": shape [2] of F32 needs 8 bytes, data_offsets [0, 4] hold 4.")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "f: tensor \"a\": data_offsets [0, 4] exceed the 3 bytes of data in the file (truncated?).")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "f: the tensors cover 4 of the 5 bytes of data; they must cover all.")]
    [TestCase("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "f: tensor \"a\": data_offsets [1, 2] leave a hole after byte 0 of the data.")]
    [TestCase("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3, "f: tensor \"b\": data_offsets [1, 3] overlap the tensor that ends at byte 2 of the data.")]
    [TestCase("""{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}""", 1, "f: tensor \"a\": the name occurs twice in the header.")]
    [TestCase("""{"__metadata__":3}""", 0, "f: __metadata__ must be an object of strings.")]
    [TestCase("""{"__metadata__":{"a":1}}""", 0, "f: __metadata__ key \"a\" must be a string.")]
    [TestCase("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "f: __metadata__ key \"a\" occurs twice.")]
    [TestCase("""{"__metadata__":{},"__metadata__":{}}""", 0, "f: __metadata__ occurs twice in the header.")]
    public void ABrokenRuleIsNamed(string json, long dataLength, string message) =>
        Assert.That(() => Parse(json, dataLength), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(message));

    [TestCase("[4294967296,4294967296]")]
    [TestCase("[9223372036854775807,9223372036854775807,9223372036854775807]")]
    [TestCase("[3037000500,3037000500,1]")]
    public void AShapeWhoseProductOverflowsIsRefused(string shape) =>
        Assert.That(
            () => Parse($$"""{"a":{{Tensor("F32", shape, "[0,0]")}}}""", 0),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("tensor \"a\": shape ["));

    [Test]
    public void AnUnknownTypeIsNamedWithTheKnownOnes() =>
        Assert.That(
            () => Parse("""{"a":{"dtype":"F128","shape":[],"data_offsets":[0,16]}}""", 16),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("f: tensor \"a\": dtype \"F128\" is not known; known are F32, BF16, F16"));

    [TestCase("""{"a":""")]
    [TestCase("""{"a":{"dtype":"F32"}""")]
    [TestCase("{}{}")]
    [TestCase("""{"a":{"dtype":"F32","shape":[[[1]]],"data_offsets":[0,4]}}""")]
    [TestCase("""{"\ud800":1}""")]
    public void WhatIsNotJsonIsRefused(string json) =>
        Assert.That(() => Parse(json, 0), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("f: "));

    [Test]
    public void DepthBombsAndBadUtf8AreRefused()
    {
        string bomb = "{\"a\":" + new string('[', 1_000_000);
        Assert.That(() => Parse(bomb, 0), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("f: "));
        byte[] badUtf8 = [.. "{\""u8, 0xFF, 0xC0, .. "\":{}}"u8];
        Assert.That(() => SafetensorsHeader.Parse(badUtf8, 0, "f"), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("f: "));
    }

    [Test]
    public void MutatedHeadersThrowNothingElse()
    {
        byte[] seed = Encoding.UTF8.GetBytes(
            $$"""{"__metadata__":{"k":"v"},"a":{{Tensor("F32", "[2,3]", "[0,24]")}},"b":{{Tensor("BF16", "[]", "[24,26]")}}}""");
        var random = new Random(1);
        int accepted = 0;
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = Mutation.Of(seed, random);
            try
            {
                SafetensorsHeader header = SafetensorsHeader.Parse(bytes, 26, "f");
                accepted++;
                Assert.That(header.Tensors.Values.Sum(entry => entry.End - entry.Begin), Is.EqualTo(26));
            }
            catch (InvalidDataException)
            {
                // The one exception that the reader documents.
            }
        }

        Assert.That(accepted, Is.GreaterThan(0), "some mutations, such as of a name, are harmless");
    }
}
