using Microsoft.Extensions.AI;
using NUnit.Framework;
using Warpline.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Interop.Tests.ExtensionsAI;

/// <summary>The embedding generator beside hidden states that others computed.</summary>
internal sealed class EmbeddingGeneratorTests
{
    private TinyEncoder _tiny = null!;

    [OneTimeSetUp]
    public void Open() => _tiny = new TinyEncoder();

    [OneTimeTearDown]
    public void Close() => _tiny.Dispose();

    [Test]
    public async Task Vectors_are_the_means_of_the_reference_and_tokens_are_counted()
    {
        using WarplineEmbeddingGenerator generator = await WarplineEmbeddingGenerator.LoadAsync(_tiny.Directory + "/");
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(_tiny.Texts);
        Assert.That(embeddings.Select(item => item.Vector.ToArray()), Is.EqualTo(_tiny.Means).Within(1e-4));
        Assert.That(embeddings.Usage!.InputTokenCount, Is.EqualTo(_tiny.TokenCount));
        Assert.That(embeddings.Usage.TotalTokenCount, Is.EqualTo(_tiny.TokenCount));
        Assert.That(embeddings[0].ModelId, Is.EqualTo(Path.GetFileName(_tiny.Directory)));
        Assert.That(await generator.GenerateAsync([]), Is.Empty);
        float[] alone = (await generator.GenerateVectorAsync(_tiny.Texts[2])).ToArray();
        Assert.That(alone, Is.EqualTo(_tiny.Means[2]).Within(1e-4));
    }

    [Test]
    public async Task Prompts_come_by_the_raw_options()
    {
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(_tiny.Directory);
        using WarplineEmbeddingGenerator generator = new(encoder);
        EmbeddingGenerationOptions options = new() { RawRepresentationFactory = _ => new EncodeOptions { Prompt = "t7 " } };
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["t9"], options);
        float[][] direct = await encoder.EncodeAsync(["t7 t9"]);
        Assert.That(embeddings[0].Vector.ToArray(), Is.EqualTo(direct[0]).Within(1e-6));
        Assert.That(embeddings.Usage!.InputTokenCount, Is.EqualTo(2));
    }

    [Test]
    public async Task What_the_encoder_does_not_do_is_named()
    {
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(_tiny.Directory);
        using WarplineEmbeddingGenerator generator = new(encoder);
        Refuses(new() { Dimensions = 32 }, "Dimensions is 32; the model's vectors have 64.");
        Refuses(new() { ModelId = "x" }, "ModelId is \"x\"; this generator serves one model without a name.");
        Refuses(new() { RawRepresentationFactory = _ => "x" },
            "RawRepresentationFactory makes a System.String; Warpline.Transformers.EncodeOptions is supported.");
        Assert.That(async () => await generator.GenerateAsync(["a", null!]), Throws.ArgumentException.With.Message.StartsWith("texts[1] is null"));
        Assert.That(await generator.GenerateAsync(["t1"], new EmbeddingGenerationOptions { Dimensions = 64 }), Has.Count.EqualTo(1));

        void Refuses(EmbeddingGenerationOptions options, string message) => Assert.That(
            async () => await generator.GenerateAsync(["a"], options), Throws.TypeOf<NotSupportedException>().With.Message.EqualTo(message));
    }

    [Test]
    public async Task Services_and_ownership()
    {
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(_tiny.Directory);
        WarplineEmbeddingGenerator borrowing = new(encoder, "m");
        Assert.That(borrowing.GetService<SentenceEncoder>(), Is.SameAs(encoder));
        Assert.That(borrowing.GetService<IEmbeddingGenerator>(), Is.SameAs(borrowing));
        Assert.That(borrowing.GetService<EmbeddingGeneratorMetadata>(),
            Has.Property("DefaultModelId").EqualTo("m").And.Property("DefaultModelDimensions").EqualTo(64).And.Property("ProviderName").EqualTo("warpline"));
        Assert.That(borrowing.GetService<SentenceEncoder>("key"), Is.Null);
        borrowing.Dispose();
        Assert.That(await encoder.EncodeAsync(["t1"]), Has.Length.EqualTo(1));
        WarplineEmbeddingGenerator owning = await WarplineEmbeddingGenerator.LoadAsync(_tiny.Directory);
        owning.Dispose();
        Assert.That(async () => await owning.GenerateAsync(["t1"]), Throws.TypeOf<ObjectDisposedException>());
    }
}
