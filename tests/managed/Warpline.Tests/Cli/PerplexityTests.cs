using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Cli.Demo;
using Warpline.Tests.Models;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary>Perplexity by the command: against float64 references, and against what <c>warpline logits</c> gives for each
/// window.</summary>
public sealed class PerplexityTests
{
    private string _folder = null!;

    private string Ids => Path.Combine(_folder, "ids.json");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-perplexity").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Documents_of_a_text_have_the_perplexity_of_the_reference([Values] bool piped)
    {
        StorytellerFiles files = new(TestData.Storyteller);
        string text = string.Join("\n<|end|>\n", files.Stories.Take(files.ReferenceStories)) + "\n<|end|>\n";
        string path = Path.Combine(_folder, "text.txt");
        await File.WriteAllTextAsync(path, text);
        string[] input = piped ? [] : ["--input", path];
        using JsonDocument json = await RunJson(
            ["perplexity", TestData.Storyteller, .. input, "--separator", @"\n<|end|>\n", "--eos"], piped ? text : "");
        Assert.That(json.RootElement.GetProperty("documents").GetInt32(), Is.EqualTo(files.ReferenceStories));
        Assert.That(Perplexity(json), Is.EqualTo(files.ReferencePerplexity).Within(0.001).Percent);
        Assert.That(Math.Exp(json.RootElement.GetProperty("nll").GetDouble()), Is.EqualTo(Perplexity(json)).Within(1e-12));
        long tokens = json.RootElement.GetProperty("tokens").GetInt64();
        Assert.That(json.RootElement.GetProperty("scored_tokens").GetInt64(), Is.EqualTo(tokens - files.ReferenceStories));
    }

    [TestCase("llama")]
    [TestCase("qwen3")]
    public async Task Token_lists_have_the_perplexity_of_the_float64_logits(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        double loss = 0;
        int tokens = 0;
        for (int list = 0; list < golden.Prompts.Length; list++)
        {
            for (int i = 1; i < golden.Prompts[list].Length; i++, tokens++)
            {
                loss += Loss(golden.Logits[list], i - 1, golden.Prompts[list][i]);
            }
        }

        await File.WriteAllTextAsync(Ids, JsonSerializer.Serialize(golden.Prompts.Append([])));
        using JsonDocument json = await RunJson(["perplexity", golden.Directory, "--tokens-file", Ids, "--rope-dtype", "bfloat16"]);
        Assert.That(json.RootElement.GetProperty("scored_tokens").GetInt32(), Is.EqualTo(tokens));
        Assert.That(json.RootElement.GetProperty("nll").GetDouble(), Is.EqualTo(loss / tokens).Within(1e-5));
    }

    // 101 tokens: the last window is whole, cut, of one new token, or the only one.
    [TestCase(32, 8)]
    [TestCase(32, 31)]
    [TestCase(32, 32)]
    [TestCase(50, 50)]
    [TestCase(25, 25)]
    [TestCase(16, 1)]
    [TestCase(2, 1)]
    [TestCase(101, 50)]
    [TestCase(200, 7)]
    public async Task Windows_are_scored_as_their_logits_say(int context, int stride)
    {
        const int length = 101;
        int[] tokens = [.. Enumerable.Range(0, length).Select(i => (i * 37) % 160)];

        // The first window that reaches a token scores it, unless it begins with it.
        int[] windows = [.. Enumerable.Range(0, length).Select(i => Math.Max(0, (i - context + stride) / stride))];
        int[][] lists = [.. windows.Distinct().Select(k => tokens[(k * stride)..Math.Min(length, (k * stride) + context)])];
        await File.WriteAllTextAsync(Ids, JsonSerializer.Serialize(lists));
        string output = Path.Combine(_folder, "logits.safetensors"), model = TestData.GoldenModel("llama");
        Assert.That((await Run(["logits", model, "--tokens-file", Ids, "--output", output])).Code, Is.Zero);
        using CheckpointWeights logits = CheckpointWeights.Open(output);
        double loss = 0;
        int scored = 0;
        for (int i = 0; i < length; i++)
        {
            int place = i - (windows[i] * stride);
            if (place > 0)
            {
                int list = Array.IndexOf([.. windows.Distinct()], windows[i]);
                loss += Loss(GoldenCase.Values(logits, $"logits.{list}"), place - 1, tokens[i]);
                scored++;
            }
        }

        await File.WriteAllTextAsync(Ids, JsonSerializer.Serialize(new[] { tokens }));
        using JsonDocument json = await RunJson(
            ["perplexity", model, "--tokens-file", Ids, "--context", $"{context}", "--stride", $"{stride}"]);
        Assert.That(json.RootElement.GetProperty("scored_tokens").GetInt32(), Is.EqualTo(scored));
        Assert.That(json.RootElement.GetProperty("nll").GetDouble(), Is.EqualTo(loss / scored).Within(1e-5));
    }

    [Test]
    public async Task Context_and_stride_have_defaults_and_a_person_reads_lines()
    {
        string text = string.Concat(Enumerable.Repeat("Once upon a time there was a clever goat. ", 10));
        (int code, string output, string error) = await Run(["perplexity", TestData.Storyteller, "--separator", "\\\\", "--quiet"], text);
        Assert.That((code, error), Is.EqualTo((0, "")));
        Assert.That(output, Does.Match(@"^perplexity: \d+\.\d+\nnll: \d+\.\d+\nscored tokens: (\d+) of (\d+) in 1 documents\nwindows: context 2048, stride 1024\n$"));
        using JsonDocument halves = await RunJson(["perplexity", TestData.Storyteller, "--separator", @"a\\b"], text + @"a\b" + text);
        Assert.That(halves.RootElement.GetProperty("documents").GetInt32(), Is.EqualTo(2));
    }

    [TestCase(ExitCode.Usage, "The context must be in [2, 2048], the model's positions, but is 1.", "--context", "1")]
    [TestCase(ExitCode.Usage, "The context must be in [2, 2048], the model's positions, but is 2049.", "--context", "2049")]
    [TestCase(ExitCode.Usage, "The stride must be in [1, 16], the context, but is 17.", "--context", "16", "--stride", "17")]
    [TestCase(ExitCode.Usage, "The stride must be in [1, 2048], the context, but is 0.", "--stride", "0")]
    [TestCase(ExitCode.Usage, "--separator is empty; a text is required.", "--separator", "")]
    [TestCase(ExitCode.Failed, "1 documents with 1 tokens have none to score; a document of at least 2 tokens is required.")]
    public async Task Bad_input_is_refused_with_its_value(int code, string message, params string[] options) => Assert.That(
        await Run(["perplexity", TestData.Storyteller, .. options]), Is.EqualTo((code, "", $"warpline: {message}\n")));

    [Test]
    public async Task What_the_model_lacks_is_named()
    {
        await File.WriteAllTextAsync(Ids, "[[1, 2, 160]]");
        string llama = TestData.GoldenModel("llama");
        (int code, _, string error) = await Run(["perplexity", llama], "a text");
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, "warpline: The model has no tokenizer.json; give --tokens-file.\n")));
        (code, _, error) = await Run(["perplexity", llama, "--tokens-file", Ids]);
        Assert.That((code, error), Is.EqualTo((ExitCode.Failed, "warpline: Element 2 of list 0 is 160; an id in [0, 160) is required.\n")));
        (code, _, error) = await Run(["perplexity", llama, "--tokens-file", Ids, "--eos"]);
        Assert.That(code, Is.EqualTo(ExitCode.Usage));
        Assert.That(error, Does.Contain("--input, --separator and --eos go with a text"));
        (code, _, error) = await Run(["perplexity", TestData.GoldenModel("bert"), "--tokens-file", Ids]);
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Contain("\"bert\" is an encoder; a decoder is required"));
    }

    [Test]
    public async Task Cancellation_ends_a_long_text()
    {
        await File.WriteAllTextAsync(Ids, JsonSerializer.Serialize(new[] { new int[2000] }));
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(500));
        StringWriter output = new(), error = new() { NewLine = "\n" };
        int code = await WarplineCommand.RunAsync(
            ["perplexity", TestData.Storyteller, "--tokens-file", Ids, "--context", "2000", "--stride", "1"], TextReader.Null, output, error,
            interactive: false, cancellation: source.Token);
        Assert.That((code, error.ToString()), Is.EqualTo((ExitCode.Cancelled, "warpline: cancelled\n")).Or.EqualTo((ExitCode.Done, "")));
    }

    [Test]
    public async Task A_person_sees_how_far_it_is([Values] bool quiet)
    {
        StorytellerFiles files = new(TestData.Storyteller);
        string text = string.Join('|', files.Stories.Take(40));
        StringWriter output = new(), error = new();
        string[] arguments = ["perplexity", TestData.Storyteller, "--separator", "|", "--json", .. quiet ? new[] { "--quiet" } : []];
        int code = await WarplineCommand.RunAsync(arguments, new StringReader(text), output, error, interactive: false, errorInteractive: true);
        Assert.That(code, Is.Zero);
        Assert.That(error.ToString(), quiet ? Is.Empty : Does.Match(@"\rperplexity \[#*\.*\] +\d+% \d\.\d+ *\r +\r$"));
        using JsonDocument json = JsonDocument.Parse(output.ToString());
        Assert.That(Perplexity(json), Is.InRange(1, 4));
    }

    private static double Perplexity(JsonDocument json) => json.RootElement.GetProperty("perplexity").GetDouble();

    /// <summary>-log softmax of a row of 160 logits at a token, written out.</summary>
    private static double Loss(float[] logits, int row, int token)
    {
        double[] values = [.. logits.Skip(row * 160).Take(160).Select(value => (double)value)];
        return Math.Log(values.Sum(Math.Exp)) - values[token];
    }

    private static async Task<JsonDocument> RunJson(string[] args, string input = "")
    {
        (int code, string output, string error) = await Run([.. args, "--json"], input);
        Assert.That(code, Is.Zero, error);
        return JsonDocument.Parse(output);
    }

    private static Task<(int Code, string Output, string Error)> Run(string[] args, string input = "") => CommandRun.Run(args, input);
}
