using System.Text;
using NUnit.Framework;
using Warpline.Tests.Encoders;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>What an inspection foretells, beside what loading then gives.</summary>
public sealed class CheckpointInspectionTests
{
    private static readonly ElementType[] Types = [ElementType.Float32, ElementType.BFloat16];

    private static IEnumerable<TestCaseData> Decoders() =>
        from name in new[] { "llama", "llama-bias", "llama-head64", "llama-rope-yarn", "mistral-window", "qwen2", "qwen3" }
        from type in Types
        from pack in TestDevice.Packings
        select new TestCaseData(name, type, pack);

    private static IEnumerable<TestCaseData> Encoders() =>
        from name in new[] { "albert", "bert", "distilbert", "electra", "roberta", "xlm-roberta" }
        from type in Types
        from pack in TestDevice.Packings
        select new TestCaseData(name, type, pack);

    [TestCaseSource(nameof(Decoders))]
    public async Task A_decoder_takes_what_was_foretold(string name, ElementType type, bool pack)
    {
        ModelOptions options = new() { Device = TestDevice.Current, ActivationType = type, PackWeights = pack };
        CheckpointInspection found = CheckpointInspection.Read(TestData.GoldenModel(name), options);
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.GoldenModel(name), options);
        Assert.That(found.NotServed, Is.Null);
        AssertEqual(found.Weights!, model.WeightAccount);
        Assert.That(found.Decoder!.LayerCount, Is.EqualTo(model.Config.LayerCount));
        foreach (int? capacity in new int?[] { null, 1, 100 })
        {
            SessionMemory memory = found.GetSessionMemory(capacity);
            using DecoderSession session = model.CreateSession(capacity);
            Assert.That(memory.Tokens, Is.EqualTo(session.Capacity), "256 positions, fewer than the usual capacity");
            Assert.That(memory.CacheBytes + memory.WorkingBytes, Is.EqualTo(session.ByteCount));
        }
    }

    [TestCaseSource(nameof(Encoders))]
    public async Task An_encoder_takes_what_was_foretold(string name, ElementType type, bool pack) =>
        await CheckEncoder(TestData.GoldenModel(name), new ModelOptions { Device = TestDevice.Current, ActivationType = type, PackWeights = pack });

    [Test]
    public async Task Conversions_of_an_encoder_are_foretold([Values(SafetensorsType.Float16, SafetensorsType.Float32)] SafetensorsType stored)
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Write(stored);
        ModelOptions options = new() { Device = TestDevice.Current, ActivationType = ElementType.BFloat16 };
        await CheckEncoder(checkpoint.Directory, options);
        Assert.That(CheckpointInspection.Read(checkpoint.Directory, options).Weights!.ConvertedBytes, Is.GreaterThan(100_000));
    }

    [Test]
    public async Task Conversions_of_a_decoder_are_foretold([ValueSource(typeof(TestDevice), nameof(TestDevice.Packings))] bool pack)
    {
        using MemoryCheckpoint checkpoint = new(ElementType.Float32);
        ModelOptions options = new() { Device = TestDevice.Current, ActivationType = ElementType.BFloat16, PackWeights = pack };
        using TransformerModel model = await TransformerModel.LoadAsync(checkpoint.Directory, options);
        AssertEqual(CheckpointInspection.Read(checkpoint.Directory, options).Weights!, model.WeightAccount);
        const long vectors = 5 * 32, embedding = 50 * 32;
        long matrices = model.ParameterCount - vectors - embedding;
        Assert.That(model.WeightBytes, Is.InRange((2 * matrices) + (4 * (vectors + embedding)), (pack ? 2 : 1) * 4 * model.ParameterCount));
    }

    [Test]
    public void The_bytes_are_those_of_the_shapes()
    {
        CheckpointInspection found = CheckpointInspection.Read(TestData.Storyteller, new ModelOptions { ActivationType = ElementType.BFloat16 });
        Assert.That(found.Weights!.ParameterCount, Is.EqualTo(4_689_152));
        Assert.That(found.Weights.StoredBytes, Is.EqualTo(2 * 4_689_152), "bfloat16");
        Assert.That(found.Weights.MemoryBytes, Is.EqualTo(found.Weights.StoredBytes));
        Assert.That(found.Tensors.Sum(tensor => tensor.ElementCount), Is.EqualTo(4_689_152));
        SessionMemory memory = found.GetSessionMemory(1000);
        Assert.That(memory.CacheBytesPerToken, Is.EqualTo(6 * 2 * 2 * 64 * 2), "layers, keys and values, heads, head dimension, bytes");
        Assert.That(memory.CacheBytes, Is.EqualTo(1000 * 3072));
        Assert.That(() => found.GetSessionMemory(2049), Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contains("[1, 2048]"));
        ModelOptions gpu = new() { Device = ComputeDevice.Cuda(99), ActivationType = ElementType.BFloat16 };
        WeightAccount copies = CheckpointInspection.Read(TestData.Storyteller, gpu).Weights!;
        Assert.That((copies.DeviceBytes, copies.MemoryBytes), Is.EqualTo((2 * 4_689_152L, 2 * 4_689_152L)), "a device that does not exist");
        Assert.That(
            () => CheckpointInspection.Read(TestData.Storyteller, gpu with { PackWeights = true }),
            Throws.ArgumentException.With.Message.EqualTo("PackWeights is true; false is required on cuda:99."));
    }

    // No memory holds these weights, so whoever reads or packs them fails; the file is a header and a hole.
    [Test]
    public void Weights_are_not_read()
    {
        const long vocabulary = 1 << 26, hidden = 1 << 14, inner = 1 << 20;
        string folder = Directory.CreateTempSubdirectory("warpline-hole").FullName;
        try
        {
            (string Name, long[] Shape)[] tensors =
            [
                ("model.embed_tokens.weight", [vocabulary, hidden]),
                ("model.norm.weight", [hidden]),
                .. new (string, long[])[]
                {
                    ("input_layernorm", [hidden]), ("post_attention_layernorm", [hidden]), ("self_attn.q_proj", [hidden, hidden]),
                    ("self_attn.k_proj", [hidden, hidden]), ("self_attn.v_proj", [hidden, hidden]), ("self_attn.o_proj", [hidden, hidden]),
                    ("mlp.gate_proj", [inner, hidden]), ("mlp.up_proj", [inner, hidden]), ("mlp.down_proj", [hidden, inner]),
                }.Select(tensor => ($"model.layers.0.{tensor.Item1}.weight", tensor.Item2)),
            ];
            long bytes = 0;
            StringBuilder header = new("{");
            foreach ((string name, long[] shape) in tensors)
            {
                long end = bytes + (2 * shape.Aggregate(1L, (a, b) => a * b));
                header.Append($"{(bytes == 0 ? "" : ",")}\"{name}\":{{\"dtype\":\"BF16\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{bytes},{end}]}}");
                bytes = end;
            }

            header.Append('}');
            using (FileStream file = File.Create(Path.Combine(folder, "model.safetensors")))
            {
                file.Write(BitConverter.GetBytes((long)header.Length));
                file.Write(Encoding.ASCII.GetBytes(header.ToString()));
                file.SetLength(file.Position + bytes);
            }

            File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
                {"model_type":"llama","hidden_size":{{hidden}},"intermediate_size":{{inner}},"num_hidden_layers":1,"num_attention_heads":128,
                "vocab_size":{{vocabulary}},"tie_word_embeddings":true}
                """);
            CheckpointInspection found = CheckpointInspection.Read(folder, new ModelOptions { PackWeights = true });
            Assert.That(found.NotServed, Is.Null);
            Assert.That(found.Weights!.StoredBytes, Is.EqualTo(bytes).And.GreaterThan(1L << 41));
            Assert.That(found.Weights.PackedBytes, Is.GreaterThan(found.Weights.StoredBytes - (6 * hidden)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task CheckEncoder(string directory, ModelOptions options)
    {
        CheckpointInspection found = CheckpointInspection.Read(directory, options);
        using EncoderModel model = await EncoderModel.LoadAsync(directory, options);
        Assert.That(found.NotServed, Is.Null);
        AssertEqual(found.Weights!, model.WeightAccount);
        foreach (int? tokens in new int?[] { null, 1, 100 })
        {
            SessionMemory memory = found.GetSessionMemory(tokens);
            using EncoderSession session = model.CreateSession(tokens);
            Assert.That((memory.Tokens, memory.CacheBytes), Is.EqualTo((session.BatchTokens, 0L)));
            Assert.That(memory.WorkingBytes, Is.EqualTo(session.ByteCount));
        }
    }

    private static void AssertEqual(WeightAccount foretold, WeightAccount loaded)
    {
        Assert.That(foretold.UnusedTensors, Is.EqualTo(loaded.UnusedTensors));
        Assert.That(foretold with { UnusedTensors = loaded.UnusedTensors }, Is.EqualTo(loaded));
        Assert.That(loaded.DeviceBytes > 0, Is.EqualTo(TestDevice.Current.Kind == DeviceKind.Cuda));
    }
}
