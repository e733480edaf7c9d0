using System.Text.Json;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>Runs the programs of tools/oracles.</summary>
internal static class NodeOracle
{
    /// <summary>Skips the test where node is missing.</summary>
    public static void RequireNode()
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        if (!path.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "node")) || File.Exists(Path.Combine(folder, "node.exe"))))
        {
            Assert.Ignore("node is not on the PATH.");
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
                "node", [RepositoryFiles.PathOf($"tools/oracles/{program}"), .. arguments, given], RepositoryFiles.Root);
            Assert.That(exit, Is.Zero, errors);
            return JsonDocument.Parse(output);
        }
        finally
        {
            File.Delete(given);
        }
    }
}
