using System.Buffers.Binary;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Weights;

/// <summary>Files: the bytes that addresses lead to, and files that are no safetensors files.</summary>
internal sealed unsafe class SafetensorsFileTests
{
    private SafetensorsBuilder _files = null!;

    [SetUp]
    public void MakeFolder() => _files = new SafetensorsBuilder();

    [TearDown]
    public void RemoveFolder() => _files.Dispose();

    [Test]
    public void TensorsAreRead()
    {
        string path = _files.File(
            """{"__metadata__":{"k":"v"},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 6);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.That(file.Names, Is.EquivalentTo(new[] { "a", "b" }));
        Assert.That(file.Metadata["k"], Is.EqualTo("v"));
        Assert.That(file.TryGet("b", out SafetensorsTensor tensor), Is.True);
        Assert.That(new ReadOnlySpan<byte>((void*)tensor.Address, 2).ToArray(), Is.EqualTo(new byte[] { 4, 5 }));
        Assert.That((tensor.Type, tensor.ByteLength), Is.EqualTo((SafetensorsType.UInt8, 2L)));
        Assert.That(file.TryGet("c", out _), Is.False);
    }

    [Test]
    public void ADisposedFileSaysSo()
    {
        SafetensorsFile file = SafetensorsFile.Open(_files.File("{}", 0));
        file.Dispose();
        file.Dispose();
        Assert.That(() => file.TryGet("a", out _), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void TensorsBeyondTwoGibibytesAreReached()
    {
        // A sparse file: only its ends take room on the disk.
        const long elements = (3L << 30) + 5;
        byte[] header = SafetensorsBuilder.WithLength(System.Text.Encoding.UTF8.GetBytes(
            $$$"""{"big":{"dtype":"U8","shape":[{{{elements}}}],"data_offsets":[0,{{{elements}}}]},"x":{"dtype":"U8","shape":[],"data_offsets":[{{{elements}}},{{{elements + 1}}}]}}"""));
        string path = _files.Bytes(header);
        using (var stream = new FileStream(path, FileMode.Open))
        {
            stream.SetLength(header.Length + elements + 1);
            stream.Position = header.Length + elements;
            stream.WriteByte(77);
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.That(file.TryGet("x", out SafetensorsTensor last), Is.True);
        Assert.That(*(byte*)last.Address, Is.EqualTo(77));
    }

    [Test]
    public void ATensorLargerThanTheMemoryIsRefused()
    {
        // 8 TiB of hole.
        const long elements = 1L << 43;
        byte[] header = SafetensorsBuilder.WithLength(System.Text.Encoding.UTF8.GetBytes(
            $$$"""{"big":{"dtype":"U8","shape":[{{{elements}}}],"data_offsets":[0,{{{elements}}}]}}"""));
        string path = _files.Bytes(header);
        using (var stream = new FileStream(path, FileMode.Open))
        {
            stream.SetLength(header.Length + elements);
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.That(
            () => file.TryGet("big", out _),
            Throws.TypeOf<InsufficientMemoryException>().With.Message.EqualTo(
                $"{path}: tensor \"big\" takes {elements} bytes of memory, which are not to be had."));
    }

    [Test]
    public void AFileShortenedAfterItWasOpenedIsNamedWithItsTensor()
    {
        string path = _files.File(
            """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}""", 8);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        long length = new FileInfo(path).Length;
        Assert.That(file.TryGet("a", out SafetensorsTensor before), Is.True);
        Cut(path, length - 6);
        Assert.That(
            () => file.TryGet("b", out _),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                $"{path}: the file ends at byte {length - 4}, within tensor \"b\": it was shortened while it was open."));
        Assert.That(file.TryGet("a", out SafetensorsTensor after) && after == before, Is.True);
        Assert.That(new ReadOnlySpan<byte>((void*)after.Address, 4).ToArray(), Is.EqualTo(new byte[] { 0, 1, 2, 3 }), "read before");
    }

    // As another process would: the lock of an open file is advisory.
    private static void Cut(string path, long length)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.SetLength(file, length);
    }

    [TestCase(0, "the file has 0 bytes; the length of its header alone takes 8.")]
    [TestCase(7, "the file has 7 bytes; the length of its header alone takes 8.")]
    public void AFileWithoutALengthIsRefused(int bytes, string message)
    {
        string path = _files.Bytes(new byte[bytes]);
        Assert.That(() => SafetensorsFile.Open(path), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"{path}: {message}"));
    }

    [TestCase(11UL, "the header claims 11 bytes, but only 2 follow in the file (truncated?).")]
    [TestCase(100_000_000UL, "the header claims 100000000 bytes, but only 2 follow in the file (truncated?).")]
    [TestCase(100_000_001UL, "the header claims 100000001 bytes; at most 100000000 are allowed.")]
    [TestCase(ulong.MaxValue, "the header claims 18446744073709551615 bytes; at most 100000000 are allowed.")]
    public void AnImpossibleHeaderLengthIsRefused(ulong length, string message)
    {
        byte[] bytes = new byte[10];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        string path = _files.Bytes(bytes);
        Assert.That(() => SafetensorsFile.Open(path), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"{path}: {message}"));
    }

    [Test]
    public void ATruncatedFileIsRefusedAtEveryLength()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(TestData.GoldenModel("llama"), "expected.safetensors"));
        var random = new Random(2);
        foreach (int length in Enumerable.Range(0, 40).Select(_ => random.Next(whole.Length)).Append(whole.Length - 1))
        {
            string path = _files.Bytes(whole[..length]);
            Assert.That(() => SafetensorsFile.Open(path), Throws.TypeOf<InvalidDataException>(), $"{length} bytes");
        }
    }

    [Test]
    public void AMissingFileIsNamed() =>
        Assert.That(
            () => SafetensorsFile.Open(_files.PathOf("none.safetensors")),
            Throws.TypeOf<FileNotFoundException>().With.Message.Contains("none.safetensors"));
}
