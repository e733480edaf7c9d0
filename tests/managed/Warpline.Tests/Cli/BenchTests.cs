using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary><c>warpline bench</c>: which cases run, what is written of them and how files are compared. No speed is asserted: the
/// files with known ratios are made up.</summary>
public sealed class BenchTests
{
    // Cases of a moment each, emulated too.
    private static readonly string[] Small =
    [
        "--time", "0", "--repeat", "2", "--axis", "m=2", "--axis", "n=48", "--axis", "k=64", "--axis", "batch=2", "--axis", "heads=4",
        "--axis", "kv_heads=2", "--axis", "head_dim=64", "--axis", "length=16", "--axis", "context=20", "--axis", "rows=3", "--axis",
        "columns=64", "--axis", "bytes=65536", "--axis", "dtype=bf16", "--axis", "x=bf16", "--axis", "weight=bf16",
    ];

    private static readonly string Device = TestDevice.Current.ToString();

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-bench").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Cases_are_listed_filtered_and_given_other_axis_values()
    {
        string[] all = await List();
        foreach (string family in new[] { "memory/read", "gemm", "attention/prefill", "attention/decode", "rmsnorm", "elementwise/softmax" })
        {
            Assert.That(all, Has.Some.StartsWith(family + "/"));
        }

        Assert.That(all, Is.Unique.And.None.StartsWith("model/"));
        Assert.That(await List("--filter", "gemm/*bf16*"), Is.EqualTo(all.Where(name => name.StartsWith("gemm/", StringComparison.Ordinal)
            && name.Contains("bf16", StringComparison.Ordinal))).And.Not.Empty);
        Assert.That(await List("--filter", "decode"), Is.EqualTo(all.Where(name => name.Contains("decode", StringComparison.Ordinal))));
        Assert.That(
            await List("--filter", "gemm/*packed=yes*", "--axis", "m=3,016", "--axis", "weight=F16", "--axis", "k=64", "--axis", "n=8, 9"),
            Is.EqualTo(new[]
            {
                "gemm/weight=f16/x=f32/packed=yes/m=3/n=8/k=64", "gemm/weight=f16/x=f32/packed=yes/m=3/n=9/k=64",
                "gemm/weight=f16/x=f32/packed=yes/m=16/n=8/k=64", "gemm/weight=f16/x=f32/packed=yes/m=16/n=9/k=64",
            }));
        Assert.That(
            await List("--model", TestData.Storyteller, "--filter", "model/*", "--axis", "tokens=5", "--axis", "context=7"),
            Is.EqualTo(new[]
            {
                "model/prefill/model=storyteller/dtype=f32/packed=no/tokens=5",
                "model/decode/model=storyteller/dtype=f32/packed=no/context=7",
            }));
        (_, string output, _) = await Run("--list", "--json", "--filter", "rmsnorm", "--axis", "rows=5", "--axis", "dtype=f32");
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.That(json.RootElement[0].GetProperty("name").GetString(), Is.EqualTo("rmsnorm/dtype=f32/rows=5/columns=4096"));
        Assert.That(json.RootElement[0].GetProperty("axes").GetProperty("rows").GetString(), Is.EqualTo("5"));
    }

    [TestCase("--filter \"nothing\" matches no case; warpline bench --list shows their names, those of a model with --model FOLDER.", "--filter", "nothing")]
    [TestCase("--axis colour: no selected case has this axis; theirs are weight, x, packed, m, n, k.", "--filter", "gemm", "--axis", "colour=1")]
    [TestCase("--axis rows: no selected case has this axis; theirs are weight, x, packed, m, n, k.", "--filter", "gemm", "--axis", "rows=1")]
    [TestCase("--axis m is given twice; all its values belong into one list.", "--axis", "m=1", "--axis", "m=2")]
    [TestCase("--axis is \"m\"; AXIS=VALUE,VALUE,... is required.", "--axis", "m")]
    [TestCase("--axis m has the value \"0\"; an integer in [1, 2147483647] is required.", "--axis", "m=1,0")]
    [TestCase("--axis m has the value \"\"; an integer in [1, 2147483647] is required.", "--axis", "m=")]
    [TestCase("--axis n has the value \"4294967296\"; an integer in [1, 2147483647] is required.", "--axis", "n=4294967296")]
    [TestCase("--axis weight has the value \"int3\"; one of f32, f16, bf16 is required.", "--axis", "weight=int3")]
    [TestCase("--threshold is for --compare, which is not given.", "--threshold", "5")]
    [TestCase("--compare and --filter are both given; one of them is required.", "--compare", "a", "b", "--filter", "gemm")]
    [TestCase("--list and --output are both given; one of them is required.", "--list", "--output", "o")]
    public async Task Wrong_usage_is_named(string message, params string[] arguments)
    {
        (int code, _, string error) = await Run(arguments);
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, $"warpline: {message}\n")));
    }

    [TestCase("--repeat is 0; an integer in [1, 100000] is required.", "--repeat", "0")]
    [TestCase("--repeat is abc; an integer in [1, 100000] is required.", "--repeat", "abc")]
    [TestCase("--time is 0,01; a number in [0, 3600] is required.", "--time", "0,01")]
    [TestCase("--threshold is abc; a number in [0, 1000000] is required.", "--threshold", "abc")]
    [TestCase("--time is -1; a number in [0, 3600] is required.", "--time", "-1")]
    [TestCase("--time is NaN; a number in [0, 3600] is required.", "--time", "NaN")]
    [TestCase("Required argument missing for option: '--compare'.", "--compare", "a")]
    public async Task Values_out_of_range_are_named(string message, params string[] arguments)
    {
        (int code, _, string error) = await Run(arguments);
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, $"warpline: {message}\nTry: warpline bench --help\n")));
    }

    [Test]
    public async Task Devices_and_folders_that_do_not_exist_have_their_exit_codes()
    {
        (int code, _, string error) = await Run("--device", "cuda:99");
        Assert.That(code, Is.EqualTo(ExitCode.NoDevice), error);
        string file = Path.Combine(_folder, "none", "o.json");
        (code, _, error) = await Run("--output", file);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, $"warpline: --output is {file}; a file in a folder that exists is required.\n")));
        (code, _, error) = await Run("--output", _folder);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, $"warpline: --output is {_folder}, a folder; a file is required.\n")));
        string model = Path.Combine(_folder, "none");
        (code, _, error) = await Run("--model", model);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, $"warpline: --model is {model}; a checkpoint's folder is required.\n")));
        (code, _, error) = await Run("--model", TestData.GoldenModel("bert"));
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Contain("is an encoder; a decoder is required"));
    }

    [Test]
    public async Task Results_say_what_ran_where_with_all_samples()
    {
        string file = Path.Combine(_folder, "result.json");
        (int code, string output, string error) = await Run([.. Small, "--device", Device, "--output", file, "--json"]);
        Assert.That(code, Is.Zero, error);
        Assert.That(await File.ReadAllTextAsync(file) + "\n", Is.EqualTo(output));
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement root = json.RootElement;
        DeviceInfo info = WarplineLibrary.GetDevice(TestDevice.Current);
        Assert.That(root.GetProperty("schema").GetString(), Is.EqualTo("warpline-bench-1"));
        Assert.That(root.GetProperty("version").GetString(), Is.EqualTo(WarplineLibrary.Version.ToString()));
        Assert.That(root.GetProperty("threads").GetInt32(), Is.EqualTo(WarplineLibrary.ThreadCount));
        Assert.That(root.GetProperty("machine").GetProperty("processors").GetInt32(), Is.EqualTo(Environment.ProcessorCount));
        Assert.That(root.GetProperty("device").GetProperty("id").GetString(), Is.EqualTo(Device));
        Assert.That(root.GetProperty("device").GetProperty("name").GetString(), Is.EqualTo(info.Name));
        Assert.That(root.GetProperty("device").GetProperty("instruction_set").GetString(), Is.EqualTo(info.InstructionSet));
        JsonElement[] cases = [.. root.GetProperty("cases").EnumerateArray()];
        Assert.That(cases, Is.Not.Empty);
        foreach (JsonElement item in cases)
        {
            string name = item.GetProperty("name").GetString()!;
            Assert.That(item.TryGetProperty("skipped", out _), Is.False, name);
            double[] samples = [.. item.GetProperty("samples_ns").EnumerateArray().Select(sample => sample.GetDouble()).Order()];
            Assert.That(samples, Has.Length.EqualTo(2).And.All.Positive, name);
            double median = item.GetProperty("median_ns").GetDouble();
            Assert.That(median, Is.EqualTo((samples[0] + samples[1]) / 2).Within(1e-9).Percent, name);
            Assert.That(item.GetProperty("mad_ns").GetDouble(), Is.EqualTo((samples[1] - samples[0]) / 2).Within(1e-6 * median), name);
            Assert.That(item.GetProperty("gb_per_s").GetDouble(), Is.EqualTo(item.GetProperty("bytes").GetDouble() / median).Within(1e-9).Percent);
            Assert.That(item.GetProperty("gflop_per_s").GetDouble(), Is.EqualTo(item.GetProperty("flops").GetDouble() / median).Within(1e-9).Percent);
            Assert.That(item.GetProperty("kernel").GetString(), Does.Match(
                name.StartsWith("memory/", StringComparison.Ordinal) ? "^(sum on all threads|copy on the device)$" : @"^(gemm|attention|elementwise)\."), name);
        }

        // By hand: 2 bytes a bfloat16; of 16 causal rows the first sees 1 key, the last 16.
        AssertWork(cases, "gemm/weight=bf16/x=bf16/packed=no/m=2/n=48/k=64", 2 * 2 * 48 * 64, 2 * ((2 * 64) + (48 * 64) + (2 * 48)));
        const string attention = "dtype=bf16/batch=2/heads=4/kv_heads=2/head_dim=64";
        AssertWork(cases, $"attention/prefill/{attention}/length=16/causal=yes", 2 * 2 * 64 * 2 * 4 * (16 * 17 / 2), 2 * 64 * 16 * 2 * (4 + 2 + 2 + 4));
        AssertWork(cases, $"attention/prefill/{attention}/length=16/causal=no", 2 * 2 * 64 * 2 * 4 * 16 * 16, 2 * 64 * 16 * 2 * (4 + 2 + 2 + 4));
        AssertWork(cases, $"attention/decode/{attention}/context=20", 2 * 2 * 64 * 2 * 4 * 20, 2 * 64 * 2 * (4 + (20 * 2 * 2) + 4));
        AssertWork(cases, "rmsnorm/dtype=bf16/rows=3/columns=64", 4 * 3 * 64, 2 * ((2 * 3 * 64) + 64));
        AssertWork(cases, "elementwise/silu_gated/dtype=bf16/rows=3/columns=64", 5 * 3 * 64, 2 * 3 * 3 * 64);
        AssertWork(cases, "elementwise/softmax/dtype=bf16/rows=3/columns=64", 5 * 3 * 64, 2 * 2 * 3 * 64);
    }

    [Test]
    public async Task Cases_that_are_not_served_say_why()
    {
        (int code, string output, string error) = await Run(
            "--filter", "attention/decode", "--axis", "kv_heads=3", "--axis", "context=8", "--axis", "dtype=bf16", "--device", Device);
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Match(@"^attention/decode/.*/context=8: skipped: \S.*\n$"));
    }

    [Test]
    public async Task A_model_is_measured_by_its_tokens()
    {
        string folder = TestData.GoldenModel("llama");
        (int code, string output, string error) = await Run(
            "--model", folder, "--filter", "model/*", "--axis", "tokens=8,257", "--axis", "context=6", "--axis", "dtype=f32", "--time", "0",
            "--repeat", "1", "--json", "--device", Device);
        Assert.That(code, Is.Zero, error);
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement[] cases = [.. json.RootElement.GetProperty("cases").EnumerateArray()];
        using CheckpointWeights weights = CheckpointWeights.Open(folder);
        using TransformerModel model = await TransformerModel.LoadAsync(folder);
        ModelConfig config = model.Config;
        long layers = 0, embedding = (long)config.VocabularySize * config.HiddenSize;
        foreach (string name in weights.Names.Where(name => !name.Contains("embed_tokens", StringComparison.Ordinal) && !name.Contains("lm_head", StringComparison.Ordinal)))
        {
            Assert.That(weights.TryGet(name, out WeightTensor tensor), Is.True);
            layers += tensor.ElementCount;
        }

        long pair = 4L * config.LayerCount * config.HeadCount * config.HeadDimension;
        long cached = 4L * 2 * config.LayerCount * config.KeyValueHeadCount * config.HeadDimension;
        const string axes = "model=llama/dtype=f32/packed=no";
        AssertWork(cases, $"model/prefill/{axes}/tokens=8", (2 * 8 * layers) + (2 * embedding) + (pair * 36), (2 * (layers + embedding)) + (8 * cached));
        AssertWork(cases, $"model/decode/{axes}/context=6", (2 * layers) + (2 * embedding) + (pair * 6), (2 * (layers + embedding)) + (6 * cached));
        Assert.That(cases[0].GetProperty("tokens_per_s").GetDouble(), Is.EqualTo(8e9 / cases[0].GetProperty("median_ns").GetDouble()).Within(1e-9).Percent);
        Assert.That(cases[1].GetProperty("skipped").GetString(), Is.EqualTo("the model has 256 positions"));
    }

    [Test]
    public async Task A_person_sees_a_table_for_each_family()
    {
        string[] gemm = ["--filter", "gemm/*packed=no*", "--axis", "weight=bf16", "--axis", "m=2", "--axis", "n=48", "--axis", "k=64", "--time", "0"];
        (int code, string output, string error) = await CommandRun.Run(["bench", .. gemm], interactive: true);
        Assert.That(code, Is.Zero, error);
        Assert.That(output, Does.Contain("\u256d").And.Contain("packed").And.Contain("GB/s").And.Not.Contain("gemm/weight"));
    }

    [Test]
    public async Task Help_shows_exit_codes_and_examples()
    {
        (int code, string output, _) = await Run("--help");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("Exit codes: 0 done, 1 failed").And.Match("(?s)Usage:.*warpline bench .*--threshold"));
    }

    private static void AssertWork(JsonElement[] cases, string name, double flops, double bytes)
    {
        JsonElement item = cases.Single(item => item.GetProperty("name").GetString() == name);
        Assert.That(item.GetProperty("flops").GetDouble(), Is.EqualTo(flops), name);
        Assert.That(item.GetProperty("bytes").GetDouble(), Is.EqualTo(bytes), name);
    }

    private static async Task<string[]> List(params string[] arguments)
    {
        (int code, string output, string error) = await Run(["--list", .. arguments]);
        Assert.That(code, Is.Zero, error);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static Task<(int Code, string Output, string Error)> Run(params string[] arguments) => CommandRun.Run(["bench", .. arguments]);
}
