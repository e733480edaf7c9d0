using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Weights;

/// <summary>What the writer writes, the reader reads; an unfinished file never appears.</summary>
internal sealed unsafe class SafetensorsWriterTests
{
    private SafetensorsBuilder _files = null!;

    [SetUp]
    public void MakeFolder() => _files = new SafetensorsBuilder();

    [TearDown]
    public void RemoveFolder() => _files.Dispose();

    [Test]
    public void WrittenTensorsAreReadBack()
    {
        string path = _files.PathOf("out.safetensors");
        File.WriteAllText(path, "an older file");
        using (SafetensorsWriter writer = SafetensorsWriter.Create(
            path,
            [new("logits.0", SafetensorsType.Float32, [2, 3]), new("empty \"é", SafetensorsType.Float32, [0, 3]), new("ids", SafetensorsType.Int32, [])],
            new Dictionary<string, string> { ["format"] = "pt" }))
        {
            writer.Write([1f, 2f]);
            writer.Write([3f, 4f, 5f, -0.5f]);
            Assert.That(writer.RemainingBytes, Is.EqualTo(4));
            writer.Write(BitConverter.GetBytes(7));
            Assert.That(File.ReadAllText(path), Is.EqualTo("an older file"), "until it is complete");
            writer.Complete();
        }

        Assert.That(Directory.GetFiles(_files.Folder), Is.EqualTo(new[] { path }));
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.That(file.Metadata["format"], Is.EqualTo("pt"));
        Assert.That(file.TryGet("logits.0", out SafetensorsTensor logits) && file.TryGet("empty \"é", out _), Is.True);
        Assert.That(logits.Shape, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That((long)logits.Address % 8, Is.Zero, "data is aligned");
        Assert.That(new ReadOnlySpan<float>((void*)logits.Address, 6).ToArray(), Is.EqualTo(new[] { 1f, 2, 3, 4, 5, -0.5f }));
        Assert.That(file.TryGet("ids", out SafetensorsTensor ids), Is.True);
        Assert.That(*(int*)ids.Address, Is.EqualTo(7));
    }

    [Test]
    public void TooMuchAndTooLittleAreRefusedAndLeaveNothing()
    {
        string path = _files.PathOf("out.safetensors");
        using (SafetensorsWriter writer = SafetensorsWriter.Create(path, [new("a", SafetensorsType.Float32, [1])]))
        {
            Assert.That(
                () => writer.Write([1f, 2f]),
                Throws.InvalidOperationException.With.Message.EqualTo($"{path}: 8 bytes were given, 4 remain to be written."));
            Assert.That(writer.Complete, Throws.InvalidOperationException.With.Message.EqualTo($"{path}: 4 declared bytes have not been written."));
        }

        Assert.That(Directory.GetFiles(_files.Folder), Is.Empty);
    }

    [TestCase("a", -1)]
    [TestCase("a", long.MaxValue)]
    [TestCase("__metadata__", 1)]
    public void ImpossibleDeclarationsAreRefused(string name, long extent)
    {
        Assert.That(
            () => SafetensorsWriter.Create(_files.PathOf("x"), [new(name, SafetensorsType.Float32, [extent, 2])]),
            Throws.ArgumentException);
        Assert.That(Directory.GetFiles(_files.Folder), Is.Empty);
    }

    [Test]
    public void WhatJsonWouldNotGiveBackIsRefused()
    {
        SafetensorsDeclaration good = new("a", SafetensorsType.UInt8, [1]);
        Refused([good, good with { Name = "half \ud800" }], null, "tensors[1] is SafetensorsDeclaration");
        Refused([good with { Shape = default }], null, "tensors[0] is ");
        Refused([good, null!], null, "tensors[1] is ;");
        Refused([good], new() { ["k"] = "\udc00" }, "metadata[\"k\"] is ");
        Assert.That(Directory.GetFiles(_files.Folder), Is.Empty);

        void Refused(SafetensorsDeclaration[] tensors, Dictionary<string, string>? metadata, string message) => Assert.That(
            () => SafetensorsWriter.Create(_files.PathOf("x"), tensors, metadata), Throws.ArgumentException.With.Message.StartsWith(message));
    }

    [Test]
    public void ANameThatOccursTwiceIsRefused() =>
        Assert.That(
            () => SafetensorsWriter.Create(_files.PathOf("x"), [new("a", SafetensorsType.UInt8, [1]), new("a", SafetensorsType.UInt8, [1])]),
            Throws.ArgumentException.With.Message.Contains("tensor \"a\": the name occurs twice"));
}
