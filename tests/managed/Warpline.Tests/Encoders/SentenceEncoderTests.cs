using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>Sentence encoders on golden bert's weights: modules, prompts, truncation and streams.</summary>
[TestFixture]
public sealed class SentenceEncoderTests
{
    private const int Width = 64;

    private static readonly string[] Texts = ["the cat sat", "a dog", "", "query: 1 + 1 = ?", "the dog sat. the cat sat.", "x"];

    // Each mode's result from the rows of a sentence, the first of which may be a prompt's.
    private static readonly Dictionary<string, Func<double[][], int, double[]>> Modes = new()
    {
        ["cls"] = (rows, _) => rows[0],
        ["max"] = (rows, skipped) => Columns(rows, skipped, column => column.Max()),
        ["mean"] = (rows, skipped) => Columns(rows, skipped, column => column.Average()),
        ["mean_sqrt_len_tokens"] = (rows, skipped) => Columns(rows, skipped, column => column.Sum() / Math.Sqrt(column.Length)),
        ["weightedmean"] = (rows, skipped) =>
        {
            double[] weights = [.. Enumerable.Range(skipped + 1, rows.Length - skipped).Select(i => (double)i)];
            return Columns(rows, skipped, column => column.Zip(weights, (x, weight) => x * weight).Sum() / weights.Sum());
        },
        ["lasttoken"] = (rows, _) => rows[^1],
    };

    private static readonly Dictionary<string, string> Flags = new()
    {
        ["cls"] = "pooling_mode_cls_token",
        ["max"] = "pooling_mode_max_tokens",
        ["mean"] = "pooling_mode_mean_tokens",
        ["mean_sqrt_len_tokens"] = "pooling_mode_mean_sqrt_len_tokens",
        ["weightedmean"] = "pooling_mode_weightedmean_tokens",
        ["lasttoken"] = "pooling_mode_lasttoken",
    };

    [TestCase("cls")]
    [TestCase("max")]
    [TestCase("mean")]
    [TestCase("mean_sqrt_len_tokens")]
    [TestCase("weightedmean")]
    [TestCase("lasttoken")]
    [TestCase("cls", "mean")]
    [TestCase("max", "mean", "weightedmean", "lasttoken")]
    public async Task Poolings_equal_the_formula(params string[] modes)
    {
        string flags = string.Join(", ", Flags.Select(flag => $"\"{flag.Value}\": {(modes.Contains(flag.Key) ? "true" : "false")}"));
        string[] configs =
        [
            $$"""{"word_embedding_dimension": {{Width}}, {{flags}}}""",
            $$"""{"embedding_dimension": {{Width}}, "pooling_mode": [{{string.Join(", ", modes.Select(mode => $"\"{mode}\""))}}]}""",
        ];
        foreach (string config in configs)
        {
            foreach (bool includePrompt in new[] { true, false })
            {
                using TinyEncoder checkpoint = Tiny().WriteModules(config.Replace("}", $", \"include_prompt\": {(includePrompt ? "true" : "false")}}}"));
                using SentenceEncoder encoder = await Load(checkpoint);
                const string prompt = "query: ";

                // [CLS], query and the colon.
                int skipped = includePrompt ? 0 : 3;
                Assert.That(encoder.Dimensions, Is.EqualTo(modes.Length * Width));
                float[] vectors = new float[Texts.Length * encoder.Dimensions];
                encoder.Encode(Texts, vectors, new EncodeOptions { Prompt = prompt });
                for (int i = 0; i < Texts.Length; i++)
                {
                    double[][] rows = Rows(encoder, encoder.Tokenize(Texts[i], new EncodeOptions { Prompt = prompt }));
                    double[] expected = [.. modes.SelectMany(mode => Modes[mode](rows, skipped))];
                    AreEqual(vectors.AsSpan(i * encoder.Dimensions, encoder.Dimensions), expected);
                }
            }
        }
    }

    [Test]
    public async Task A_folder_without_modules_averages()
    {
        using TinyEncoder checkpoint = Tiny();
        using SentenceEncoder encoder = await Load(checkpoint);
        float[] vector = new float[Width];
        encoder.Encode(["the cat"], vector);
        AreEqual(vector, Modes["mean"](Rows(encoder, encoder.Tokenize("the cat")), 0));
    }

    [TestCase("torch.nn.modules.activation.Tanh", true)]
    [TestCase("torch.nn.modules.linear.Identity", false)]
    [TestCase("torch.nn.modules.activation.ReLU", true)]
    public async Task Dense_and_normalize_follow_the_pooling(string activation, bool bias)
    {
        const int outputs = 5;
        Random random = new(2);
        float[] weight = [.. Enumerable.Range(0, outputs * Width).Select(_ => random.NextSingle() - 0.5f)];
        float[] shift = [.. Enumerable.Range(0, outputs).Select(_ => random.NextSingle())];
        using TinyEncoder checkpoint = Tiny().WriteModules("{}", ("Dense", "2_Dense"), ("Normalize", "3_Normalize"));
        checkpoint.WriteFile("2_Dense/config.json", $$"""
            {"in_features": {{Width}}, "out_features": {{outputs}}, "bias": {{(bias ? "true" : "false")}}, "activation_function": "{{activation}}"}
            """);
        using (SafetensorsWriter writer = SafetensorsWriter.Create(
            Path.Combine(checkpoint.Directory, "2_Dense", "model.safetensors"),
            [
                new SafetensorsDeclaration("linear.weight", SafetensorsType.Float32, [outputs, Width]),
                new SafetensorsDeclaration("linear.bias", SafetensorsType.Float32, [outputs]),
            ]))
        {
            writer.Write(weight);
            writer.Write(shift);
            writer.Complete();
        }

        using SentenceEncoder encoder = await Load(checkpoint);
        Assert.That(encoder.Dimensions, Is.EqualTo(outputs));
        float[] vector = new float[outputs];
        encoder.Encode(["the cat"], vector);
        double[] mean = Modes["mean"](Rows(encoder, encoder.Tokenize("the cat")), 0);
        double[] dense = [.. Enumerable.Range(0, outputs).Select(i =>
        {
            double sum = (bias ? shift[i] : 0) + mean.Select((x, k) => x * weight[(i * Width) + k]).Sum();
            return activation.EndsWith("Tanh", StringComparison.Ordinal) ? Math.Tanh(sum)
                : activation.EndsWith("ReLU", StringComparison.Ordinal) ? Math.Max(sum, 0) : sum;
        })];
        double length = Math.Sqrt(dense.Sum(x => x * x));
        AreEqual(vector, [.. dense.Select(x => x / length)]);
    }

    [Test]
    public async Task Prompts_come_by_name_by_default_or_themselves()
    {
        using TinyEncoder checkpoint = Tiny();
        checkpoint.WriteFile("config_sentence_transformers.json", """
            {"__version__": {}, "prompts": {"query": "query: ", "document": "passage: ", "none": ""}, "default_prompt_name": "query", "similarity_fn_name": "cosine"}
            """);
        using SentenceEncoder encoder = await Load(checkpoint);
        Assert.That((encoder.Prompts.Count, encoder.DefaultPromptName), Is.EqualTo((3, "query")));
        int[] Ids(string text) => encoder.Tokenize(text, new EncodeOptions { Prompt = "" });
        Assert.That(encoder.Tokenize("cat"), Is.EqualTo(Ids("query: cat")));
        Assert.That(encoder.Tokenize("cat", new EncodeOptions { PromptName = "document" }), Is.EqualTo(Ids("passage: cat")));
        Assert.That(encoder.Tokenize("cat", new EncodeOptions { PromptName = "none" }), Is.EqualTo(Ids("cat")));
        Assert.That(encoder.Tokenize("cat", new EncodeOptions { Prompt = "the " }), Is.EqualTo(Ids("the cat")));
        Assert.That(Ids("cat"), Has.Length.EqualTo(3));
        Assert.That(
            () => encoder.Tokenize("cat", new EncodeOptions { PromptName = "Query" }),
            Throws.ArgumentException.With.Message.StartsWith("PromptName is \"Query\"; one of query, document, none is required."));
        Assert.That(
            () => encoder.Tokenize("cat", new EncodeOptions { PromptName = "query", Prompt = "" }),
            Throws.ArgumentException.With.Message.StartsWith("Prompt and PromptName are both given"));
    }

    [TestCase("""{"max_seq_length": 6, "do_lower_case": true}""", 6)]
    [TestCase("""{"max_seq_length": 4000}""", 256)]
    [TestCase("""{"max_seq_length": null}""", 9)]
    [TestCase(null, 9)]
    public async Task Long_texts_are_cut_and_keep_the_templates_tokens(string? config, int length)
    {
        using TinyEncoder checkpoint = Tiny();
        checkpoint.WriteFile("tokenizer_config.json", """{"model_max_length": 9}""");
        if (config is not null)
        {
            checkpoint.WriteFile("sentence_bert_config.json", config);
        }

        using SentenceEncoder encoder = await Load(checkpoint);
        Assert.That(encoder.MaxSequenceLength, Is.EqualTo(length));
        int[] ids = encoder.Tokenize(string.Concat(Enumerable.Repeat("the cat sat ", 300)));
        Assert.That((ids.Length, ids[0], ids[^1]), Is.EqualTo((length, 2, 3)));
        Assert.That(encoder.Tokenize("  the CAT\t"), Is.EqualTo(encoder.Tokenize(length == 6 ? "the cat" : "the CAT")));
    }

    [Test]
    public async Task Long_lists_come_in_order_with_progress_and_end_when_cancelled()
    {
        using TinyEncoder checkpoint = Tiny();
        using SentenceEncoder encoder = await LoadForManyTexts(checkpoint);
        string[] texts = [.. Enumerable.Range(0, 2500).Select(Line)];
        List<EncodeProgress> reports = [];
        float[][] vectors = await encoder.EncodeAsync(texts, progress: new Progress(reports.Add));
        Assert.That(reports.Select(report => report.Done), Is.EqualTo(texts.Chunk(1024).Select((chunk, i) => (i * 1024) + chunk.Length)));
        Assert.That(reports, Has.All.Property("Total").EqualTo(texts.Length));
        foreach (int i in new[] { 0, 1, 1023, 1024, texts.Length - 1 })
        {
            float[] alone = new float[Width];
            encoder.Encode([texts[i]], alone);
            Assert.That(vectors[i], Is.EqualTo(alone));
        }

        using CancellationTokenSource cancelled = new();
        Assert.That(
            async () => await encoder.EncodeAsync(texts, progress: new Progress(_ => cancelled.Cancel()), cancellationToken: cancelled.Token),
            Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task A_stream_is_read_no_further_than_its_reader_needs()
    {
        using TinyEncoder checkpoint = Tiny();
        using SentenceEncoder encoder = await LoadForManyTexts(checkpoint);
        int read = 0;
        bool ended = false;
        async IAsyncEnumerable<string> Endless()
        {
            try
            {
                while (true)
                {
                    yield return Line(read++);
                    await Task.Yield();
                }
            }
            finally
            {
                ended = true;
            }
        }

        int taken = 0;
        await foreach (float[] vector in encoder.EncodeStreamAsync(Endless()))
        {
            float[] alone = new float[Width];
            if (taken++ % 500 == 0)
            {
                encoder.Encode([Line(taken - 1)], alone);
                Assert.That(vector, Is.EqualTo(alone));
            }

            if (taken == 1030)
            {
                await Task.Delay(100);
                break;
            }
        }

        Assert.That(read, Is.LessThanOrEqualTo(5 * 1024), "windows of 1024: one taken, one waiting, one being read");
        Assert.That(ended, Is.True);
    }

    [Test]
    public async Task What_goes_wrong_with_the_texts_of_a_stream_reaches_its_reader()
    {
        using TinyEncoder checkpoint = Tiny();
        using SentenceEncoder encoder = await Load(checkpoint);
        static async IAsyncEnumerable<string> Broken()
        {
            yield return "the cat";
            await Task.Yield();
            throw new IOException("the disk is gone");
        }

        Assert.That(
            async () =>
            {
                await foreach (float[] vector in encoder.EncodeStreamAsync(Broken()))
                {
                    Assert.That(vector, Has.Length.EqualTo(Width));
                }
            },
            Throws.InstanceOf<IOException>().With.Message.EqualTo("the disk is gone"));
    }

    [Test]
    public async Task Without_a_tokenizer_token_ids_serve()
    {
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(
            TestData.GoldenModel("bert"), new ModelOptions { Device = TestDevice.Current });
        float[] vectors = new float[2 * Width];
        encoder.EncodeTokens([[], [5, 6]], vectors);
        Assert.That(vectors[..Width], Is.All.Zero);
        AreEqual(vectors.AsSpan(Width), Modes["mean"](Rows(encoder, [5, 6]), 0));
        Assert.That(() => encoder.Tokenize("x"), Throws.InvalidOperationException.With.Message.StartsWith("The model has no tokenizer"));
        Assert.That(
            () => encoder.EncodeTokens([new int[257]], new float[Width]),
            Throws.ArgumentException.With.Message.StartsWith("sequences[0] has 257 tokens; at most 256 are required."));
        Assert.That(
            () => encoder.EncodeTokens([[1], [], [5, 6, -1]], new float[3 * Width]),
            Throws.ArgumentException.With.Message.Match(@"^sequences\[2\]\[2\] is -1; an id in \[0, \d+\) is required\."));
        Assert.That(
            () => encoder.EncodeTokens([[1]], new float[Width + 1]),
            Throws.ArgumentException.With.Message.StartsWith("The destination has 65 numbers; 64 are required, 64 for each of 1 texts."));
    }

    [TestCase(0)]
    [TestCase(-5)]
    [TestCase((1 << 24) + 1)]
    public void An_impossible_batch_is_refused(int tokens) => Assert.That(
        () => SentenceEncoder.LoadAsync(TestData.GoldenModel("bert"), null, tokens),
        Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith("The number of tokens must be in [1, 16777216]."));

    private static TinyEncoder Tiny() => new TinyEncoder().Write().WriteTokenizer();

    private static Task<SentenceEncoder> Load(TinyEncoder checkpoint) => SentenceEncoder.LoadAsync(
        checkpoint.Directory, new ModelOptions { Device = TestDevice.Current, BatchInvariant = true });

    /// <summary>On the processor in place of the emulated GPU: lists and streams are the same code for all devices.</summary>
    private static Task<SentenceEncoder> LoadForManyTexts(TinyEncoder checkpoint) => SentenceEncoder.LoadAsync(
        checkpoint.Directory,
        new ModelOptions { Device = TestDevice.IsEmulated ? ComputeDevice.Cpu : TestDevice.Current, BatchInvariant = true });

    private static string Line(int i) => $"the cat {i} sat {new string('.', i % 7)}";

    /// <summary>The last hidden state of a sentence that runs alone.</summary>
    private static double[][] Rows(SentenceEncoder encoder, int[] ids)
    {
        using EncoderSession session = encoder.Model.CreateSession(ids.Length);
        return [.. session.Forward(ids).ToArray().Chunk(Width).Select(row => row.Select(x => (double)x).ToArray())];
    }

    private static double[] Columns(double[][] rows, int skipped, Func<double[], double> pool) =>
        [.. Enumerable.Range(0, Width).Select(c => pool([.. rows.Skip(skipped).Select(row => row[c])]))];

    private static void AreEqual(ReadOnlySpan<float> vector, double[] expected) =>
        Assert.That(vector.ToArray().Zip(expected, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(1e-5));

    private sealed class Progress(Action<EncodeProgress> report) : IProgress<EncodeProgress>
    {
        public void Report(EncodeProgress value) => report(value);
    }
}
