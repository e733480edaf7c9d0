using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Weights;

/// <summary>Checkpoints of one file, of shards, and of memory.</summary>
internal sealed unsafe class CheckpointWeightsTests
{
    private SafetensorsBuilder _files = null!;

    [SetUp]
    public void MakeFolder() => _files = new SafetensorsBuilder();

    [TearDown]
    public void RemoveFolder() => _files.Dispose();

    private static string Header(string name, string dtype = "I32", string padding = "") =>
        $$$"""{"{{{name}}}":{"dtype":"{{{dtype}}}","shape":[1],"data_offsets":[0,4]}}""" + padding;

    private string Index(string weightMap)
    {
        string path = _files.PathOf("model.safetensors.index.json");
        File.WriteAllText(path, $$$"""{"metadata":{"total_size":8},"weight_map":{{{weightMap}}}}""");
        return path;
    }

    [Test]
    public void AGoldenCheckpointIsRead()
    {
        using CheckpointWeights weights = CheckpointWeights.Open(TestData.GoldenModel("llama"));
        Assert.That(weights.TryGet("model.embed_tokens.weight", out WeightTensor tensor), Is.True);
        Assert.That(tensor.Type, Is.EqualTo(ElementType.BFloat16));
        Assert.That(tensor.Shape, Is.EqualTo(new long[] { 160, 64 }));
        Assert.That(tensor.ElementCount, Is.EqualTo(160 * 64));
        Assert.That(weights.TryGet("no.such", out _), Is.False);
    }

    [Test]
    public void AMisalignedTensorIsAlignedInMemory()
    {
        string path = Enumerable.Range(0, 8).Select(blanks => Header("a", padding: new string(' ', blanks)))
            .First(header => (8 + header.Length) % 4 == 1);
        using CheckpointWeights weights = CheckpointWeights.Open(_files.File(path, 4));
        Assert.That(weights.TryGet("a", out WeightTensor first) && weights.TryGet("a", out WeightTensor second) && first == second, Is.True);
        Assert.That((long)first.Address % 64, Is.Zero);
        Assert.That(*(int*)first.Address, Is.EqualTo(0x03020100));
    }

    [Test]
    public void ShardsAreFoundThroughTheIndex()
    {
        _files.File(Header("a"), 4, "model-00001-of-00002.safetensors");
        _files.File(Header("b", "F32"), 4, "model-00002-of-00002.safetensors");
        string index = Index("""{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}""");
        foreach (string path in new[] { _files.Folder, index })
        {
            using CheckpointWeights weights = CheckpointWeights.Open(path);
            Assert.That(weights.Names, Is.EquivalentTo(new[] { "a", "b" }));
            Assert.That(weights.TryGet("b", out WeightTensor tensor) && tensor.Type == ElementType.Float32, Is.True);
        }
    }

    [Test]
    public void AMissingShardIsNamed()
    {
        string index = Index("""{"a":"model-00001-of-00001.safetensors"}""");
        Assert.That(
            () => CheckpointWeights.Open(_files.Folder),
            Throws.TypeOf<FileNotFoundException>().With.Message.EqualTo(
                $"{index}: the shard model-00001-of-00001.safetensors, which holds tensor \"a\", does not exist."));
    }

    [Test]
    public void ATensorThatIsListedButAbsentIsNamed()
    {
        _files.File(Header("a"), 4, "s.safetensors");
        string index = Index("""{"a":"s.safetensors","b":"s.safetensors"}""");
        Assert.That(
            () => CheckpointWeights.Open(index),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"{index}: tensor \"b\" is listed in s.safetensors, but is not in it."));
    }

    [Test]
    public void ATensorInTwoShardsIsNamed()
    {
        _files.File(Header("a"), 4, "s.safetensors");
        _files.Bytes(SafetensorsBuilder.WithLength("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"u8.ToArray()), "t.safetensors");
        string index = Index("""{"a":"s.safetensors","b":"t.safetensors"}""");
        Assert.That(() => CheckpointWeights.Open(index), Throws.TypeOf<InvalidDataException>().With.Message.Contains("tensor \"a\" is also in"));
    }

    [TestCase("../evil.safetensors")]
    [TestCase("sub/evil.safetensors")]
    [TestCase("..\\\\evil.safetensors")]
    [TestCase("/etc/evil.safetensors")]
    [TestCase("C:evil.safetensors")]
    [TestCase("passwd")]
    [TestCase("")]
    public void AShardOutsideTheFolderIsRefused(string shard)
    {
        Index($$"""{"a":"{{shard}}"}""");
        Assert.That(
            () => CheckpointWeights.Open(_files.Folder),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("weight_map[\"a\"] = ")
                .And.Message.Contains("must be the name of a .safetensors file beside the index."));
    }

    [TestCase("null")]
    [TestCase("{}")]
    [TestCase("[]")]
    [TestCase("""{"a":1}""")]
    [TestCase("""{"a":null}""")]
    [TestCase("""{"a":"s.safetensors","a":"s.safetensors"}""")]
    [TestCase("""{"a":"\ud800"}""")]
    public void AnImpossibleIndexIsRefused(string weightMap)
    {
        string index = Index(weightMap);
        Assert.That(() => CheckpointWeights.Open(index), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"{index}: "));
    }

    [Test]
    public void AFolderWithoutWeightsSaysWhatIsMissing() =>
        Assert.That(
            () => CheckpointWeights.Open(_files.Folder),
            Throws.TypeOf<FileNotFoundException>().With.Message.EqualTo(
                $"{_files.Folder}: the directory has neither model.safetensors nor model.safetensors.index.json."));

    [Test]
    public void ATypeThatNothingComputesWithIsNamed()
    {
        string path = _files.File("""{"position_ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", 8);
        using CheckpointWeights weights = CheckpointWeights.Open(path);
        Assert.That(
            () => weights.TryGet("position_ids", out _),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                $"{path}: tensor \"position_ids\" has dtype I64; F32, F16 or BF16 is required."));
    }

    [Test]
    public void MemoryIsASourceToo()
    {
        float[] values = [1, 2, 3, 4, 5, 6];
        using var weights = new InMemoryWeights();
        weights.Add("a", values, 2, 3);
        weights.Add("b", new ushort[] { 0x3F80 }, ElementType.BFloat16, 1);
        Assert.That(weights.Names, Is.EquivalentTo(new[] { "a", "b" }));
        Assert.That(weights.TryGet("a", out WeightTensor tensor), Is.True);
        values[5] = 60;
        Assert.That(((float*)tensor.Address)[5], Is.EqualTo(60), "the array itself, not a copy");
        Assert.That(() => weights.Add("a", values, 6), Throws.ArgumentException.With.Message.Contains("already a tensor named \"a\""));
        Assert.That(() => weights.Add("c", values, 7), Throws.ArgumentException.With.Message.Contains("Shape [7] of \"c\" does not fit"));
        Assert.That(() => weights.Add("c", values, long.MaxValue, long.MaxValue), Throws.ArgumentException);
        Assert.That(() => weights.Add("c", values, -2, -3), Throws.ArgumentException.With.Message.Contains("-2 is negative"));
        Assert.That(() => weights.Add("c", values, ElementType.Float16, 6), Throws.ArgumentException.With.Message.Contains("Float16 requires values of 2"));
        weights.Dispose();
        Assert.That(() => weights.TryGet("a", out _), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void AHostTensorIsUsedWhereItLies()
    {
        using HostTensor tensor = HostTensor.Allocate(ElementType.Float16, 4, 8);
        using var weights = new InMemoryWeights();
        weights.Add("a", tensor);
        Assert.That(weights.TryGet("a", out WeightTensor found), Is.True);
        Assert.That((found.Address, found.Type), Is.EqualTo((tensor.View.Address, ElementType.Float16)));
        Assert.That(found.Shape, Is.EqualTo(new long[] { 4, 8 }));
    }
}
