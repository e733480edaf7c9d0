using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Warpline.Interop.Tests.ExtensionsAI;
using Warpline.Tests.Bindings;
using Warpline.Transformers;

namespace Warpline.Interop.Tests;

/// <summary>The samples that are one C# file each, run from the checkout as a reader runs them.</summary>
internal sealed partial class SampleTests
{
    // No servers that outlive the test, and the libraries as this build has made them.
    private static readonly (string, string)[] Environment = [("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false")];

    private TinyEncoder _tiny = null!;

    [OneTimeSetUp]
    public void Open() => _tiny = new TinyEncoder();

    [OneTimeTearDown]
    public void Close() => _tiny.Dispose();

    [Test]
    public void Every_sample_is_tested() => Assert.That(
        Directory.GetFiles(RepositoryFiles.PathOf("samples"), "*.cs").Select(Path.GetFileName),
        Is.EquivalentTo(new[] { "attention.cs", "chat-server.cs", "embed.cs", "generate.cs" }));

    [Test]
    public void Generate_says_what_the_reference_says() =>
        Assert.That(Run("generate.cs"), Does.StartWith(Expected()[..100]));

    [Test]
    public void Attention_equals_the_formula()
    {
        AttentionReference reference = new()
        {
            QueryLength = 3,
            KeyLength = 3,
            QueryHeads = 2,
            KeyHeads = 1,
            KeyDimension = 4,
            ValueDimension = 4,
            Allowed = (query, key) => key <= query,
        };
        (double[] expected, _) = reference.Run(
            [.. Enumerable.Range(0, 24).Select(i => (float)Math.Sin(i))],
            [.. Enumerable.Range(0, 12).Select(i => (float)Math.Cos(i))],
            [.. Enumerable.Range(0, 12).Select(i => i / 4f)]);
        double[] printed = [.. Run("attention.cs").Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Number)];
        Assert.That(printed, Is.EqualTo(expected).Within(2e-6));
    }

    [Test]
    public void Embed_prints_the_cosines_of_the_reference()
    {
        string[] lines = Run("embed.cs", [_tiny.Directory, .. _tiny.Texts]).TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(2));
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.That(lines[i][10..], Is.EqualTo(_tiny.Texts[i + 1]));
            Assert.That(Number(lines[i][..8]), Is.EqualTo(_tiny.Cosine(0, i + 1)).Within(1e-4));
        }
    }

    [Test]
    public async Task The_server_streams_answers_and_embeds()
    {
        using Process server = Start(["run", "-c", "Release", "samples/chat-server.cs", "--", "--urls", "http://127.0.0.1:0", "--embed", _tiny.Directory]);
        try
        {
            using HttpClient client = new() { BaseAddress = await Address(server), Timeout = TimeSpan.FromMinutes(1) };
            using StringContent talk = new("""[{"role": "user", "text": "Once upon a time"}]""", Encoding.UTF8, "application/json");
            using HttpResponseMessage answer = await client.PostAsync("/chat", talk);
            Assert.That(answer.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
            string[] events = [.. (await answer.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries)];
            Assert.That(events, Has.Length.GreaterThan(20).And.All.StartsWith("data: "));
            Assert.That(string.Concat(events.Select(item => item["data: ".Length..])), Does.StartWith(Expected()));
            using HttpResponseMessage vectors = await client.PostAsync("/embed", JsonContent.Create(_tiny.Texts));
            Assert.That(await vectors.Content.ReadFromJsonAsync<double[][]>(), Is.EqualTo(_tiny.Means).Within(1e-4));
        }
        finally
        {
            server.Kill(entireProcessTree: true);
            await server.WaitForExitAsync();
        }
    }

    private static string Expected()
    {
        using TransformerModel model = TransformerModel.LoadAsync(Storyteller.Folder).GetAwaiter().GetResult();
        return Storyteller.ExpectedText((PipelineTokenizer)model.Tokenizer!);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Run(string sample, params string[] arguments)
    {
        (string output, string errors, int exit) = ProgramRunner.Run(
            "dotnet", ["run", "-c", "Release", "samples/" + sample, "--", .. arguments], RepositoryFiles.Root, Environment);
        Assert.That(exit, Is.Zero, output + errors);
        return output;
    }

    private static Process Start(IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            WorkingDirectory = RepositoryFiles.Root,
        };
        foreach ((string name, string value) in Environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Waits until the server says where it listens.</summary>
    private static async Task<Uri> Address(Process server)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        StringBuilder log = new();
        while (await server.StandardOutput.ReadLineAsync(limit.Token) is string line)
        {
            log.AppendLine(line);
            if (Listening().Match(line) is { Success: true } match)
            {
                return new Uri(match.Groups[1].Value);
            }
        }

        throw new InvalidOperationException($"The server ended: {log}");
    }

    [GeneratedRegex("listening on: (http://[0-9.:]+)")]
    private static partial Regex Listening();
}
