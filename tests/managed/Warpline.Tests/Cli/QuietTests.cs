using NUnit.Framework;
using Warpline.Cli;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary>What is for a person only, and what --quiet leaves.</summary>
public sealed class QuietTests
{
    [Test]
    public async Task Quiet_leaves_the_result_and_complaints()
    {
        string[] generate = ["generate", TestData.Storyteller, "-p", "Once upon a time", "-n", "3"];
        (_, string loud, _) = await Run("", generate);
        (int code, string output, string error) = await Run("", [.. generate, "--quiet"]);
        Assert.That((code, output, error), Is.EqualTo((0, " there was a\n", "")));
        Assert.That(loud, Does.StartWith(output + "[5 + 3 tokens"));
        (code, output, error) = await Run("", "generate", TestData.GoldenModel("llama"), "-p", "x", "--quiet");
        Assert.That((code, output), Is.EqualTo((ExitCode.Usage, "")));
        Assert.That(error, Does.StartWith("warpline: "));
    }

    [Test]
    public async Task Quiet_leaves_what_was_written_to_a_file_unsaid_but_in_json()
    {
        string folder = Directory.CreateTempSubdirectory("warpline-quiet").FullName;
        try
        {
            string ids = Path.Combine(folder, "ids.json");
            await File.WriteAllTextAsync(ids, "[[1]]");
            string[] logits = ["logits", TestData.Storyteller, "--tokens-file", ids, "--output", Path.Combine(folder, "o")];
            Assert.That((await Run("", logits)).Output, Does.EndWith("1 lists, 1 tokens, 1024 logits each\n"));
            Assert.That(await Run("", ["-q", .. logits]), Is.EqualTo((0, "", "")));
            Assert.That((await Run("", [.. logits, "-q", "--json"])).Output, Does.StartWith("{"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task A_quiet_conversation_is_the_answers()
    {
        string template = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(template, "{{ bos_token }}{% for m in messages %}{{ m.content }} {% endfor %}");
            string[] chat = ["chat", TestData.Storyteller, "--chat-template", template, "-n", "4"];
            (_, string loud, _) = await Run("Once upon a time\n", chat);
            (int code, string output, string error) = await Run("Once upon a time\n", [.. chat, "--quiet"]);
            Assert.That((code, error), Is.EqualTo((0, "")));
            Assert.That(output.Split('\n'), Has.Length.EqualTo(2), output);
            Assert.That(loud, Does.StartWith("> " + output + "[").And.EndWith("]\n> "));
        }
        finally
        {
            File.Delete(template);
        }
    }

    [Test]
    public void A_bar_on_the_error_stream_is_for_a_person_and_is_wiped([Values] bool watched, [Values] bool quiet)
    {
        StringWriter output = new(), error = new();
        Terminal terminal = new(TextReader.Null, output, error, interactive: true, errorInteractive: watched) { Quiet = quiet };
        using (LoadingLine line = new(terminal))
        {
            line.Report(new LoadProgress("weights", 1, 8));
            Assert.That(error.ToString(), Is.Empty, "short work leaves no trace");
            Thread.Sleep(250);
            line.Report(new LoadProgress("weights", 2, 8));
        }

        string bar = "loading weights [#######.......................]  25% ";
        Assert.That(error.ToString(), Is.EqualTo(watched && !quiet ? $"\r{bar}\r{new string(' ', bar.Length)}\r" : ""));
        Assert.That(output.ToString(), Is.Empty);
    }

    private static Task<(int Code, string Output, string Error)> Run(string input, params string[] args) =>
        CommandRun.Run(args, input, interactive: true);
}
