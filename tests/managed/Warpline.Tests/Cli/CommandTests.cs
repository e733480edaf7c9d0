using System.Diagnostics;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Tests.Encoders;
using Warpline.Tests.Models;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary>The command, end to end, through the entry that the program's main calls.</summary>
public sealed class CommandTests
{
    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-cli").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Tables_and_progress_are_for_a_person_only()
    {
        (int code, string output, _) = await Run(interactive: true, "info");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("\u256d").And.Contain("abi version"));
        (code, output, _) = await Run("info");
        Assert.That(output, Does.Not.Contain("\u256d").And.Not.Contain("\u001b"));
    }

    [Test]
    public async Task Tokenize_goes_both_ways()
    {
        (_, string output, _) = await Run("tokenize", TestData.Storyteller, "--text", "Once upon a time");
        Assert.That(output, Is.EqualTo("0 621 620 260 470\n"));
        (_, output, _) = await Run("tokenize", TestData.Storyteller, "--text", "Once upon a time", "--no-special-tokens");
        Assert.That(output, Is.EqualTo("621 620 260 470\n"));
        (_, output, _) = await Run("tokenize", TestData.Storyteller, "--decode", "0", "621", "620", "260", "470");
        Assert.That(output, Is.EqualTo("<|begin|>Once upon a time\n"));
        (_, output, _) = await Run("tokenize", TestData.Storyteller, "--no-special-tokens", "--decode", "0", "621", "620", "260", "470");
        Assert.That(output, Is.EqualTo("Once upon a time\n"));
        Assert.That((await Run("tokenize", TestData.Storyteller, "--text=")).Output, Is.EqualTo("0\n"));
        (_, output, _) = await Run("tokenize", TestData.Storyteller, "--text=", "--no-special-tokens", "--json");
        Assert.That(output, Does.Contain("\"count\":0").Or.Contain("\"count\": 0"), "no option is swallowed");
        (int code, output, _) = await Run("tokenize", TestData.Storyteller, "--text", "@none.txt upon");
        Assert.That(code, Is.Zero, "no response file");
        Assert.That(output, Does.StartWith("0 "));
        string file = Path.Combine(_folder, "text.txt");
        await File.WriteAllTextAsync(file, "Once upon a time");
        using JsonDocument json = await RunJson("tokenize", TestData.Storyteller, "--file", file);
        Assert.That(json.RootElement.GetProperty("count").GetInt32(), Is.EqualTo(5));
        Assert.That(json.RootElement.GetProperty("texts")[4].GetString(), Is.EqualTo(" time"));
        using JsonDocument pieces = await RunJson("tokenize", TestData.GoldenTokenizer("llama2"), "--text", "é ab");
        Assert.That(string.Concat(pieces.RootElement.GetProperty("texts").EnumerateArray().Select(text => text.GetString())), Is.EqualTo("<s> é ab"));
        await Refused("tokenize", TestData.Storyteller, "0 of --text, --file and --decode are given; exactly one is required.");
    }

    [Test]
    public async Task Generate_streams_text_and_reports_json()
    {
        (int code, string output, _) = await Run("generate", TestData.Storyteller, "--prompt", "Once upon a time", "--max-tokens", "12");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.StartWith(" there was a clever goat").And.EndsWith("\n"));

        using JsonDocument json = await RunJson(
            "generate", TestData.Storyteller, "--ids", "0", "621", "620", "260", "470", "--max-tokens", "12", "--top-logprobs", "2");
        JsonElement root = json.RootElement;
        Assert.That(root.GetProperty("text").GetString() + "\n", Is.EqualTo(output));
        Assert.That(root.GetProperty("finish_reason").GetString(), Is.EqualTo("Length"));
        Assert.That(root.GetProperty("ids").GetArrayLength(), Is.EqualTo(12));
        JsonElement first = root.GetProperty("tokens")[0];
        Assert.That(
            first.GetProperty("top_log_probabilities")[0].GetProperty("id").GetInt32(), Is.EqualTo(first.GetProperty("id").GetInt32()));
        await Refused("generate", TestData.Storyteller, "Either --prompt or --ids is required, and not both.");
    }

    [Test]
    public async Task Generate_takes_every_option()
    {
        string[] sampling =
        [
            "generate", TestData.Storyteller, "-p", "Zoe was", "-n", "20", "--temperature", "0.9", "--top-k", "40", "--top-p", "0.9",
            "--min-p", "0.05", "--repetition-penalty", "1.1", "--frequency-penalty", "0.1", "--presence-penalty", "0.1", "--seed", "4",
            "--stop", "lived", "--stop", "zebra", "--ignore-eos", "--pack", "--dtype", "bfloat16", "--device", "cpu",
        ];
        (int code, string first, string error) = await Run(sampling);
        Assert.That(code, Is.Zero, error);
        (_, string second, _) = await Run(sampling);
        Assert.That(second, Is.EqualTo(first).And.Not.Contain("lived"));
    }

    [Test]
    public async Task Logits_equal_the_reference_and_go_through_a_file()
    {
        GoldenCase golden = GoldenCase.Load("qwen2");
        string ids = Path.Combine(_folder, "ids.json"), output = Path.Combine(_folder, "logits.safetensors");
        await File.WriteAllTextAsync(ids, JsonSerializer.Serialize(golden.Prompts.Append([])));
        using JsonDocument json = await RunJson(
            "logits", golden.Directory, "--tokens-file", ids, "--output", output, "--rope-dtype", "bfloat16");
        Assert.That(json.RootElement.GetProperty("lists").GetInt32(), Is.EqualTo(4));
        using CheckpointWeights written = CheckpointWeights.Open(output);
        Assert.That(written.Names, Is.EquivalentTo(new[] { "logits.0", "logits.1", "logits.2", "logits.3" }));
        for (int i = 0; i < golden.Prompts.Length; i++)
        {
            Assert.That(written.TryGet($"logits.{i}", out WeightTensor tensor), Is.True);
            Assert.That(tensor.Shape, Is.EqualTo(new long[] { golden.Prompts[i].Length, 160 }));
            Assert.That(GoldenCase.Values(written, $"logits.{i}"), Is.EqualTo(golden.Logits[i]).Within(1e-4f));
        }

        Assert.That(written.TryGet("logits.3", out WeightTensor empty), Is.True);
        Assert.That(empty.Shape, Is.EqualTo(new long[] { 0, 160 }));
    }

    [TestCase("bert", true)]
    [TestCase("electra", false)]
    public async Task Logits_of_an_encoder_are_its_hidden_states(string name, bool pools)
    {
        EncoderCase golden = EncoderCase.Load(name);
        string ids = Path.Combine(_folder, "ids.json"), output = Path.Combine(_folder, "hidden.safetensors");
        await File.WriteAllTextAsync(ids, JsonSerializer.Serialize(golden.Prompts.Append([])));
        using JsonDocument json = await RunJson("logits", golden.Directory, "--tokens-file", ids, "--output", output);
        Assert.That(json.RootElement.GetProperty("pooler").GetBoolean(), Is.EqualTo(pools));
        using CheckpointWeights written = CheckpointWeights.Open(output);
        Assert.That(written.Names.Count(), Is.EqualTo(pools ? 7 : 4));
        for (int i = 0; i < golden.Prompts.Length; i++)
        {
            Assert.That(written.TryGet($"last_hidden_state.{i}", out WeightTensor tensor), Is.True);
            Assert.That(tensor.Shape, Is.EqualTo(new long[] { golden.Prompts[i].Length, 64 }));
            Assert.That(GoldenCase.Values(written, $"last_hidden_state.{i}"), Is.EqualTo(golden.Hidden[i]).Within(1e-4f));
            if (pools)
            {
                Assert.That(written.TryGet($"pooler_output.{i}", out tensor), Is.True);
                Assert.That(tensor.Shape, Is.EqualTo(new long[] { 64 }));
                Assert.That(GoldenCase.Values(written, $"pooler_output.{i}"), Is.EqualTo(golden.Pooled![i]).Within(1e-4f));
            }
        }

        Assert.That(written.TryGet("last_hidden_state.3", out WeightTensor empty), Is.True);
        Assert.That(empty.Shape, Is.EqualTo(new long[] { 0, 64 }));
        using JsonDocument info = await RunJson("info", golden.Directory);
        Assert.That(info.RootElement.GetProperty("model").GetProperty("model_type").GetString(), Is.EqualTo(name));
        Assert.That(info.RootElement.GetProperty("model").GetProperty("pooler").GetBoolean(), Is.EqualTo(pools));
    }

    [Test]
    public async Task Verbs_say_which_kind_of_model_they_need()
    {
        (int code, _, string error) = await Run("generate", TestData.GoldenModel("bert"), "--ids", "1");
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Contain("model_type = \"bert\" is an encoder; a decoder is required, one of llama"));
        (code, _, error) = await Run("embed", TestData.GoldenModel("llama"));
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Contain("model_type = \"llama\" is a decoder; an encoder is required, one of bert"));
        string ids = Path.Combine(_folder, "ids.json");
        await File.WriteAllTextAsync(ids, JsonSerializer.Serialize(new[] { new int[257] }));
        (code, _, error) = await Run("logits", TestData.GoldenModel("roberta"), "--tokens-file", ids, "--output", Path.Combine(_folder, "o"));
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, "warpline: List 0 has 257 tokens; the model has 254 positions.\n")));
    }

    [Test]
    public async Task Logits_of_long_inputs_do_not_depend_on_the_pieces_they_are_written_in()
    {
        int[] tokens = [.. Enumerable.Range(0, 1300).Select(i => (i * 31) % 1024)];
        string ids = Path.Combine(_folder, "ids.json"), output = Path.Combine(_folder, "logits.safetensors");
        await File.WriteAllTextAsync(ids, JsonSerializer.Serialize(new[] { tokens }));
        (int code, _, string error) = await Run("logits", TestData.Storyteller, "--tokens-file", ids, "--output", output);
        Assert.That(code, Is.Zero, error);
        using CheckpointWeights written = CheckpointWeights.Open(output);
        float[] logits = GoldenCase.Values(written, "logits.0");
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
        using DecoderSession session = model.CreateSession(tokens.Length);
        float[] direct = session.Forward(tokens, LogitsMode.All).ToArray();
        Assert.That(logits.Length, Is.EqualTo(direct.Length));
        Assert.That(logits.Zip(direct, (a, b) => Math.Abs(a - b)).Max(), Is.LessThan(1e-3f));
    }

    [TestCase("float32", 1e-9, 1e-4)]
    [TestCase("bfloat16", 1e-3, 1)]
    public async Task Logits_are_computed_in_the_type_asked_for(string type, double least, double most)
    {
        GoldenCase golden = GoldenCase.Load("llama");
        string ids = Path.Combine(_folder, "ids.json"), output = Path.Combine(_folder, "logits.safetensors");
        await File.WriteAllTextAsync(ids, JsonSerializer.Serialize(golden.Prompts));
        (int code, _, string error) = await Run("logits", golden.Directory, "--tokens-file", ids, "--output", output, "--dtype", type, "--rope-dtype", "bfloat16");
        Assert.That(code, Is.Zero, error);
        using CheckpointWeights written = CheckpointWeights.Open(output);
        double largest = GoldenCase.Values(written, "logits.0").Zip(golden.Logits[0], (a, b) => Math.Abs((double)a - b)).Max();
        Assert.That(largest, Is.GreaterThan(least).And.LessThan(most));
    }

    [Test]
    public async Task Results_go_through_links_and_only_into_ordinary_files()
    {
        string ids = Path.Combine(_folder, "ids.json"), target = Path.Combine(_folder, "target"), link = Path.Combine(_folder, "link");
        await File.WriteAllTextAsync(ids, "[[1, 2]]");
        File.CreateSymbolicLink(link, target);
        string[] command = ["logits", TestData.GoldenModel("llama"), "--tokens-file", ids, "--output"];
        Assert.That((await Run([.. command, link])).Code, Is.Zero);
        Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo(target));
        Assert.That(new FileInfo(target).Length, Is.GreaterThan(2 * 160 * sizeof(float)));
        (int code, _, string error) = await Run([.. command, _folder]);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, $"warpline: --output is {_folder}, a folder; a file is required.\n")));
        if (!OperatingSystem.IsWindows())
        {
            string pipe = Path.Combine(_folder, "pipe");
            using (Process make = Process.Start("mkfifo", [pipe]))
            {
                await make.WaitForExitAsync();
            }

            (code, _, error) = await Run([.. command, pipe]);
            Assert.That(code, Is.EqualTo(ExitCode.Failed));
            Assert.That(error, Does.StartWith($"warpline: --output is {pipe}; an ordinary file that can be written is required: "));
            Assert.That(File.Exists(pipe), Is.True);
        }
    }

    [TestCase("{}", "a list of at least one list of token ids is required, as [[1, 2], [3]].")]
    [TestCase("[]", "a list of at least one list of token ids is required, as [[1, 2], [3]].")]
    [TestCase("[1, 2]", "element 0 is 1; a list of token ids is required.")]
    [TestCase("[[1], [2, 2.5]]", "element 1 of list 1 is 2.5; a token id is required.")]
    [TestCase("[[1], [2, \"x\"]]", "element 1 of list 1 is \"x\"; a token id is required.")]
    [TestCase("[[1, 160]]", "Element 1 of list 0 is 160; an id in [0, 160) is required.")]
    [TestCase("[[-1]]", "Element 0 of list 0 is -1; an id in [0, 160) is required.")]
    [TestCase("[[1", "ids.json: ")]
    public async Task Bad_token_lists_are_named_and_leave_no_file(string text, string message)
    {
        string ids = Path.Combine(_folder, "ids.json"), output = Path.Combine(_folder, "logits.safetensors");
        await File.WriteAllTextAsync(ids, text);
        (int code, _, string error) = await Run("logits", TestData.GoldenModel("llama"), "--tokens-file", ids, "--output", output);
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.StartWith("warpline: ").And.Contain(message));
        Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Inputs_longer_than_the_model_are_refused_with_the_numbers()
    {
        string ids = Path.Combine(_folder, "ids.json"), output = Path.Combine(_folder, "logits.safetensors");
        await File.WriteAllTextAsync(ids, JsonSerializer.Serialize(new[] { new int[257] }));
        (int code, _, string error) = await Run("logits", TestData.GoldenModel("llama"), "--tokens-file", ids, "--output", output);
        Assert.That((code, error), Is.EqualTo((
            ExitCode.Failed, "warpline: List 0 has 257 tokens; the model has 256 positions.\n")));
    }

    [Test]
    public async Task A_device_that_does_not_exist_has_its_own_exit_code(
        [Values("info", "generate", "chat", "tokenize", "logits", "perplexity", "embed")] string verb)
    {
        string[] rest = verb switch
        {
            "generate" => ["--prompt", "x"],
            "tokenize" => ["--text", "x"],
            "logits" => ["--tokens-file", WriteIds(), "--output", Path.Combine(_folder, "o")],
            _ => [],
        };
        (int code, _, string error) = await Run([verb, TestData.Storyteller, .. rest, "--device", "cuda:99"]);
        Assert.That(code, Is.EqualTo(ExitCode.NoDevice));
        Assert.That(error, Does.StartWith("warpline: There is no device cuda:99; this library and machine have cpu"));
        (code, _, error) = await Run([verb, TestData.Storyteller, .. rest, "--device", "gpu"]);
        Assert.That(code, Is.EqualTo(ExitCode.Usage));
        Assert.That(error, Does.StartWith("warpline: The device is \"gpu\"; must be cpu, cuda, cuda:N or emu.\n"));
    }

    [Test]
    public async Task Wrong_usage_and_missing_files_have_their_exit_codes()
    {
        Assert.That((await Run("logits", TestData.Storyteller)).Code, Is.EqualTo(ExitCode.Usage));
        Assert.That((await Run("nonsense")).Code, Is.EqualTo(ExitCode.Usage));
        Assert.That((await Run("generate", TestData.Storyteller, "-p", "x", "--top-k", "many")).Code, Is.EqualTo(ExitCode.Usage));
        Assert.That((await Run("generate", TestData.Storyteller, "-p", "x", "--dtype", "int8")).Code, Is.EqualTo(ExitCode.Usage));
        (int code, _, string error) = await Run("info", Path.Combine(_folder, "none"));
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Contain("none: a checkpoint's folder is required"));
    }

    [TestCase("--top-p", "7", "TopP must be in (0, 1], but is 7.")]
    [TestCase("--max-tokens", "0", "MaxOutputTokens must be at least 1, but is 0.")]
    [TestCase("--temperature", "-1", "Temperature must be a finite number from 0 on, but is -1.")]
    [TestCase("--temperature", "1,5", "--temperature is 1,5; a number is required.\nTry: warpline generate --help")]
    [TestCase("--top-k", "2.5", "--top-k is 2.5; an integer is required.\nTry: warpline generate --help")]
    [TestCase("--seed", "", "--seed is empty; an integer is required.\nTry: warpline generate --help")]
    [TestCase("--ids", "x", "--ids is x; an integer is required.\nTry: warpline generate --help")]
    [TestCase("--stop", "", "StopSequences[0] is empty; a text is required.")]
    public async Task An_option_out_of_range_is_wrong_usage(string option, string value, string message)
    {
        (int code, _, string error) = await Run("generate", TestData.Storyteller, "-p", "x", option, value);
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, $"warpline: {message}\n")));
    }

    [Test]
    public async Task Logits_need_no_settings_for_generation()
    {
        foreach (string name in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(TestData.GoldenModel("llama"), name), Path.Combine(_folder, name));
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "generation_config.json"), "{\"temperature\":-1}");
        (int code, _, string error) = await Run("logits", _folder, "--tokens-file", WriteIds(), "--output", Path.Combine(_folder, "o"));
        Assert.That(code, Is.Zero, error);
        (code, _, error) = await Run("generate", _folder, "--ids", "1");
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.EndWith("temperature = -1; a number from 0 to 1000000 is required.\n"));
    }

    [Test]
    public async Task Cancellation_has_its_exit_code()
    {
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(300));
        StringWriter output = new(), error = new();
        int code = await WarplineCommand.RunAsync(
            ["generate", TestData.Storyteller, "-p", "x", "--ignore-eos", "--temperature", "1", "-n", "100000000"], TextReader.Null, output, error, false,
            cancellation: source.Token);
        Assert.That(code, Is.EqualTo(ExitCode.Cancelled).Or.EqualTo(ExitCode.Done), "done where 2048 tokens took less");
    }

    [Test]
    public async Task Every_verb_helps_with_examples(
        [Values("info", "inspect", "generate", "chat", "tokenize", "logits", "perplexity", "embed", "demo", "completion")] string verb)
    {
        (int code, string output, _) = await Run(verb, "--help");
        Assert.That(code, Is.Zero);
        Assert.That(output.ReplaceLineEndings("\n"), Does.Contain($"Usage:\n  warpline {verb} ").And.Match("(?s)Example.*Options.*--quiet"));
        Assert.That(output.Contains("--json", StringComparison.Ordinal), Is.EqualTo(verb is not ("demo" or "completion")));
        Assert.That((await Run("--help")).Output, Does.Contain(verb).And.Contain(
            "Exit codes of every verb: 0 done, 1 failed, 2 wrong usage, 3 no such device, 130 cancelled"));
    }

    private string WriteIds()
    {
        string path = Path.Combine(_folder, "ids.json");
        File.WriteAllText(path, "[[1]]");
        return path;
    }

    private static async Task Refused(string verb, string model, string message)
    {
        (int code, _, string error) = await Run(verb, model);
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, $"warpline: {message}\n")));
    }

    private static async Task<JsonDocument> RunJson(params string[] args)
    {
        (int code, string output, string error) = await Run([.. args, "--json"]);
        Assert.That(code, Is.Zero, error);
        return JsonDocument.Parse(output);
    }

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => Run(interactive: false, args);

    private static Task<(int Code, string Output, string Error)> Run(bool interactive, params string[] args) =>
        CommandRun.Run(args, interactive: interactive);
}
