using System.Diagnostics;
using NUnit.Framework;
using Warpline.Cli;

namespace Warpline.Tests.Cli;

/// <summary>What the command suggests, and the scripts in the shells that they are for.</summary>
public sealed class CompletionTests
{
    private static readonly string[] Types = ["bfloat16", "float16", "float32"];

    [TestCase("warpline ge", "generate")]
    [TestCase("/usr/local/bin/warpline to", "tokenize")]
    [TestCase("warpline generate --d", "--device --dtype")]
    [TestCase("warpline generate MODEL --dtype ", "bfloat16 float16 float32")]
    [TestCase("warpline generate MODEL --dtype b", "bfloat16")]
    [TestCase("warpline generate MODEL --device ", "cpu cuda emu")]
    [TestCase("warpline completion ", "bash fish pwsh zsh")]
    [TestCase("warpline generate ", "")]
    [TestCase("warpline embed MODEL --input ", "")]
    public async Task Suggestions_are_what_can_stand_there(string line, string expected) =>
        Assert.That(await Suggest(line.Length, line), Is.EqualTo(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Test]
    public async Task All_verbs_are_suggested_whatever_stands_behind_the_position()
    {
        const string line = "warpline generate MODEL";
        string[] verbs = await Suggest("warpline ".Length, line);
        string help = (await Run("--help")).Output;
        Assert.That(verbs, Does.Contain("inspect").And.Contain("completion"));
        Assert.That(verbs.Where(verb => !help.Contains($"  {verb} ", StringComparison.Ordinal)), Is.Empty);
        Assert.That(await Suggest("warpline ".Length, "warpline"), Is.EqualTo(verbs), "a shell that cuts the blank");
        Assert.That(await Suggest("warpline gen".Length, line), Is.EqualTo(new[] { "generate" }));
    }

    [TestCase("[suggest:x]")]
    [TestCase("[suggest:99999999999]")]
    [TestCase("[suggest:5")]
    public async Task What_is_no_question_is_wrong_usage(string directive)
    {
        (int code, _, string error) = await Run(directive, "warpline ");
        Assert.That(code, Is.EqualTo(ExitCode.Usage), error);
        Assert.That((await Run("completion", "tcsh")).Code, Is.EqualTo(ExitCode.Usage));
    }

    [Test]
    public async Task Bash_completes() => await Check(
        "bash",
        "",
        """
        ask() { COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=($1); COMPREPLY=(); _warpline; echo "${COMPREPLY[*]}"; }
        ask "warpline gene"
        ask "warpline tokenize MODEL --de"
        ask "warpline generate MODEL --dtype "
        ask "warpline generate "
        complete -p warpline
        """,
        "generate", "--decode --device", string.Join(' ', Types), "", "complete -o default -F _warpline warpline");

    // compdef, compadd and _files belong to zsh's line editor, which a script does not have.
    [Test]
    public async Task Zsh_completes() => await Check(
        "zsh",
        "compdef() { defined=\"$*\"; }",
        """
        compadd() { echo "${(P)2}"; }
        _files() { echo files; }
        ask() { words=("$@"); CURRENT=$#; PREFIX=$words[CURRENT]; _warpline; }
        ask warpline gene
        ask warpline tokenize MODEL --de
        ask warpline generate MODEL --dtype ""
        ask warpline generate ""
        echo $defined
        """,
        "generate", "--decode --device", string.Join(' ', Types), "files", "_warpline warpline");

    [Test]
    public async Task Fish_completes() => await Check(
        "fish",
        "",
        """
        complete -C "warpline gene" | string join " "
        complete -C "warpline tokenize MODEL --de" | string join " "
        complete -C "warpline generate MODEL --dtype " | string join " "
        mkdir folder
        complete -C "warpline generate fo" | string split \t | head -1
        """,
        "generate", "--decode --device", string.Join(' ', Types), "folder/");

    /// <summary>Runs questions in a shell that has read the command's script.</summary>
    private static async Task Check(string shell, string before, string questions, params string[] answers)
    {
        string folder = Directory.CreateTempSubdirectory("warpline-completion").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "script"), $"{before}\n{(await Run("completion", shell)).Output}\n{questions}\n");
            (int code, string output, string error) = await RunShell(shell, folder);
            Assert.That(code, Is.Zero, error);
            Assert.That(error, Is.Empty);
            Assert.That(output.TrimEnd('\n').Split('\n'), Is.EqualTo(answers));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int Code, string Output, string Error)> RunShell(string shell, string folder)
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "dotnet")
        {
            Assert.Ignore("This program was carried here without the dotnet that would run the command in a process of its own.");
        }

        string path = Environment.GetEnvironmentVariable("PATH")!;
        if (!path.Split(Path.PathSeparator).Any(place => File.Exists(Path.Combine(place, shell))))
        {
            Assert.Ignore($"{shell} is not installed.");
        }

        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("The command is started by a script of sh.");
            return default;
        }

        string command = Path.Combine(folder, "warpline"), assembly = Path.Combine(AppContext.BaseDirectory, "Warpline.Cli.dll");
        await File.WriteAllTextAsync(command, $"#!/bin/sh\nexec '{Environment.ProcessPath}' '{assembly}' \"$@\"\n");
        File.SetUnixFileMode(command, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        ProcessStartInfo start = new(shell, ["script"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = folder + Path.PathSeparator + path;
        start.Environment["HOME"] = folder;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await error);
    }

    private static async Task<string[]> Suggest(int position, string line)
    {
        (int code, string output, string error) = await Run($"[suggest:{position}]", line);
        Assert.That((code, error), Is.EqualTo((ExitCode.Done, "")));
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(args);
}
