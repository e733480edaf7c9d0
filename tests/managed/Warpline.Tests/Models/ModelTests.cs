using NUnit.Framework;
using Warpline.Tests.Bindings;
using Warpline.Transformers;

namespace Warpline.Tests.Models;

/// <summary>Making models: from files, from memory, and from what is wrong.</summary>
public sealed class ModelTests
{
    [Test]
    public async Task Loading_reports_each_weight()
    {
        List<LoadProgress> reports = [];
        using TransformerModel model = await TransformerModel.LoadAsync(
            TestData.GoldenModel("qwen2"), progress: new Progress(reports.Add));
        LoadProgress last = reports[^1];
        Assert.That((last.Stage, last.TensorsDone, last.TensorsTotal), Is.EqualTo(("weights", 27, 27)));
        Assert.That(model.Config.ModelType, Is.EqualTo("qwen2"));
        Assert.That(model.Tokenizer, Is.Null);
        Assert.That(model.WeightBytes, Is.EqualTo(2 * model.ParameterCount), "bfloat16 as stored");
    }

    [Test]
    public async Task Packing_frees_what_was_read()
    {
        using TransformerModel plain = await TransformerModel.LoadAsync(TestData.Storyteller);
        using TransformerModel packed = await TransformerModel.LoadAsync(TestData.Storyteller, new ModelOptions { PackWeights = true });
        Assert.That(plain.ParameterCount, Is.EqualTo(4_689_152));
        Assert.That(plain.WeightBytes, Is.EqualTo(2 * 4_689_152));
        const long embedding = 2L * 1024 * 256, norms = 2L * 13 * 256;
        Assert.That(packed.WeightAccount.FreedBytes, Is.EqualTo((2 * 4_689_152) - embedding - norms), "the embedding serves its lookup too");
        Assert.That(packed.WeightBytes, Is.InRange(2 * 4_689_152 + embedding, 2 * 4_689_152 + embedding + 100_000));
    }

    [Test]
    public void Cancelled_loading_ends()
    {
        using CancellationTokenSource source = new();
        Progress progress = new(report =>
        {
            if (report.TensorsDone == 3)
            {
                source.Cancel();
            }
        });
        Assert.That(
            async () => await TransformerModel.LoadAsync(TestData.Storyteller, null, progress, source.Token),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_model_from_memory_equals_its_float64_reference([Values(ElementType.Float32, ElementType.Float16)] ElementType type)
    {
        // The weights are written to a file for the reference, and handed over as arrays for the model.
        using MemoryCheckpoint checkpoint = new(type);
        TransformerModel model = TransformerModel.Create(checkpoint.Config, checkpoint.Weights);
        Reference.Float64Llama reference = new(checkpoint.Directory);
        int[] tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9];
        float[] logits = GoldenCheck.Run(model, tokens);
        double[] expected = [.. tokens.SelectMany(reference.Step)];
        Assert.That(logits.Zip(expected, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(1e-4));
        Assert.That(expected.Max(Math.Abs), Is.GreaterThan(0.1), "the reference says something");
        model.Dispose();
        Assert.That(
            () => checkpoint.Weights.TryGet("lm_head.weight", out _), Throws.InstanceOf<ObjectDisposedException>(), "the model's to dispose");
    }

    [Test]
    public void Tied_matrices_that_are_stored_both_are_tied_where_they_are_equal()
    {
        float[] untied = LogitsOf(tied: false, equal: false, null, out long all);
        Assert.That(LogitsOf(tied: true, equal: false, null, out long parameters), Is.EqualTo(untied));
        Assert.That(parameters, Is.EqualTo(all));
        float[] equal = LogitsOf(tied: false, equal: true, null, out _);
        Assert.That(equal, Is.Not.EqualTo(untied));
        Assert.That(LogitsOf(tied: true, equal: true, null, out parameters), Is.EqualTo(equal));
        Assert.That(parameters, Is.EqualTo(all - (50 * 32)), "one matrix");
    }

    [Test]
    public void A_tied_matrix_may_be_stored_under_either_name([Values("lm_head.weight", "model.embed_tokens.weight")] string leaveOut)
    {
        float[] equal = LogitsOf(tied: false, equal: true, null, out _);
        Assert.That(LogitsOf(tied: true, equal: true, leaveOut, out _), Is.EqualTo(equal));
        Assert.That(
            () => LogitsOf(tied: false, equal: true, leaveOut, out _),
            Throws.InstanceOf<InvalidDataException>().With.Message.StartsWith($"The weight \"{leaveOut}\" of shape [50, 32] is required"));
    }

    [Test]
    public void An_unknown_model_type_is_named_with_those_known()
    {
        using MemoryCheckpoint checkpoint = new(ElementType.Float32);
        ModelConfig config = checkpoint.Config with { ModelType = "mamba" };
        Assert.That(
            () => TransformerModel.Create(config, checkpoint.Weights),
            Throws.InstanceOf<ArgumentException>().With.Message.Contains("\"mamba\"").And.Message.Contains("llama, mistral, qwen2, qwen3"));
        Assert.That(
            () => Architectures.Describe(config),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("\"mamba\"").And.Message.Contains("llama, mistral, qwen2, qwen3"));
    }

    [Test]
    public void A_missing_weight_is_named()
    {
        using MemoryCheckpoint checkpoint = new(ElementType.Float32, leaveOut: "model.layers.1.mlp.up_proj.weight");
        Assert.That(
            () => TransformerModel.Create(checkpoint.Config, checkpoint.Weights),
            Throws.InstanceOf<InvalidDataException>().With.Message.EqualTo(
                "The weight \"model.layers.1.mlp.up_proj.weight\" of shape [40, 32] is required, but the checkpoint does not have it."));
        Assert.That(checkpoint.Weights.TryGet("lm_head.weight", out _), Is.True, "the weights stay the caller's");
    }

    [Test]
    public void A_weight_of_another_shape_is_named_with_both()
    {
        using MemoryCheckpoint checkpoint = new(ElementType.Float32);
        ModelConfig config = checkpoint.Config with { IntermediateSize = 48 };
        Assert.That(
            () => TransformerModel.Create(config, checkpoint.Weights),
            Throws.InstanceOf<InvalidDataException>().With.Message.EqualTo(
                "The weight \"model.layers.0.mlp.gate_proj.weight\" has the shape [40, 32]; [48, 32] is required by the configuration."));
    }

    [Test]
    public void Beside_activations_of_16_bits_matrices_have_their_type(
        [Values(ElementType.Float32, ElementType.Float16)] ElementType stored,
        [Values(ElementType.Float16, ElementType.BFloat16)] ElementType type,
        [Values] bool tied,
        [ValueSource(typeof(TestDevice), nameof(TestDevice.Packings))] bool pack)
    {
        ModelOptions options = new() { Device = TestDevice.Current, ActivationType = type, PackWeights = pack };
        string? leaveOut = tied ? "lm_head.weight" : null;
        Assert.That(Run(stored, out WeightAccount account), Is.EqualTo(Run(type, out WeightAccount rounded)));
        Assert.That(account.ParameterCount, Is.EqualTo(rounded.ParameterCount));

        float[] Run(ElementType matrices, out WeightAccount account)
        {
            using MemoryCheckpoint checkpoint = new(matrices, leaveOut, equalHead: tied);
            using TransformerModel model = TransformerModel.Create(checkpoint.Config with { TieWordEmbeddings = tied }, checkpoint.Weights, options);
            account = model.WeightAccount;
            return GoldenCheck.Run(model, [3, 1, 4, 1, 5, 9, 2, 6, 5]);
        }
    }

    [Test]
    public void Gate_and_up_may_be_stored_in_two_types(
        [Values(ElementType.Float32, ElementType.Float16, ElementType.BFloat16)] ElementType type,
        [ValueSource(typeof(TestDevice), nameof(TestDevice.Packings))] bool pack)
    {
        // Of numbers that each type holds, so that all three checkpoints are one.
        const string up = "model.layers.1.mlp.up_proj.weight";
        float[] values = [.. Enumerable.Range(0, 40 * 32).Select(i => ((i * 37 % 41) - 20) / 64f)];
        float[] expected = Run(ElementType.Float32, weights => weights.Add(up, values, [40, 32]));
        ushort[] halves = Array.ConvertAll(values, Numbers.ToBFloat16);
        Assert.That(
            Run(ElementType.Float16, weights => weights.Add(up, halves, ElementType.BFloat16, 40, 32)), Is.EqualTo(expected).Within(1e-5));
        Assert.That(Run(ElementType.Float16, weights => weights.Add(up, values, [40, 32])), Is.EqualTo(expected).Within(1e-5));

        float[] Run(ElementType stored, Action<InMemoryWeights> add)
        {
            using MemoryCheckpoint checkpoint = new(stored, leaveOut: up);
            add(checkpoint.Weights);
            ModelOptions options = new() { Device = TestDevice.Current, ActivationType = type, PackWeights = pack };
            using TransformerModel model = TransformerModel.Create(checkpoint.Config, checkpoint.Weights, options);
            return GoldenCheck.Run(model, [3, 1, 4, 1, 5, 9, 2, 6, 5]);
        }
    }

    [Test]
    public void Impossible_options_are_refused()
    {
        Assert.That(
            async () => await TransformerModel.LoadAsync(TestData.Storyteller, new ModelOptions { ActivationType = ElementType.Int32 }),
            Throws.InstanceOf<ArgumentException>().With.Message.StartsWith("ActivationType is Int32; Float32, Float16 or BFloat16 is required."));
        Assert.That(
            async () => await TransformerModel.LoadAsync(TestData.Storyteller, new ModelOptions { Device = ComputeDevice.Cuda(99) }),
            Throws.InstanceOf<WarplineException>().With.Message.StartsWith("There is no device cuda:99; this library and machine have cpu"));
        Assert.That(
            async () => await TransformerModel.LoadAsync(TestData.PathOf("no-such-folder")),
            Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("no-such-folder"));
    }

    [Test]
    public void Longer_sessions_make_longer_rotary_tables()
    {
        // Sessions of growing capacity make longer rotary tables; earlier sessions keep theirs.
        using TransformerModel model = TransformerModel.LoadAsync(
            TestData.Storyteller, new ModelOptions { BatchInvariant = true }).GetAwaiter().GetResult();
        using DecoderSession small = model.CreateSession(100);
        using DecoderSession large = model.CreateSession(2048);
        int[] tokens = [.. Enumerable.Range(0, 100)];
        float[] first = small.Forward(tokens).ToArray();
        Assert.That(large.Forward(tokens).ToArray(), Is.EqualTo(first));
        large.Forward([.. Enumerable.Range(0, 1948).Select(i => i % 1024)]);
        Assert.That(large.Position, Is.EqualTo(2048));
        small.Truncate(0);
        Assert.That(small.Forward(tokens).ToArray(), Is.EqualTo(first));
    }

    private static float[] LogitsOf(bool tied, bool equal, string? leaveOut, out long parameters)
    {
        using MemoryCheckpoint checkpoint = new(ElementType.Float32, leaveOut, equal);
        using TransformerModel model = TransformerModel.Create(checkpoint.Config with { TieWordEmbeddings = tied }, checkpoint.Weights);
        parameters = model.ParameterCount;
        return GoldenCheck.Run(model, [3, 1, 4, 1, 5]);
    }

    /// <summary>Reports on the caller's thread, in order.</summary>
    private sealed class Progress(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }
}
