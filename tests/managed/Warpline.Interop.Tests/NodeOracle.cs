using System.Text.Json;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>Runs the programs of tools/tokenizer-oracle.</summary>
internal static class NodeOracle
{
    /// <summary>Where packages are fetched to.</summary>
    public static string Folder { get; } = RepositoryFiles.PathOf("build/tokenizer-oracle");

    /// <summary>Skips the test where a program is missing.</summary>
    public static void Require(params ReadOnlySpan<string> programs)
    {
        foreach (string program in programs)
        {
            if (!IsOnPath(program))
            {
                Assert.Ignore($"{program} is not on the PATH.");
            }
        }
    }

    /// <summary>Gives a program texts, as the file that its last argument names, and parses what it prints.</summary>
    public static JsonDocument Run(string program, IEnumerable<string> arguments, IReadOnlyList<string> texts)
    {
        string given = Path.GetTempFileName();
        try
        {
            File.WriteAllText(given, JsonSerializer.Serialize(texts));
            (string output, string errors, int exit) = ProgramRunner.Run(
                "node", [RepositoryFiles.PathOf($"tools/tokenizer-oracle/{program}"), .. arguments, given], RepositoryFiles.Root);
            Assert.That(exit, Is.Zero, errors);
            return JsonDocument.Parse(output);
        }
        finally
        {
            File.Delete(given);
        }
    }

    private static bool IsOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, program)) || File.Exists(Path.Combine(folder, program + ".exe")));
}
