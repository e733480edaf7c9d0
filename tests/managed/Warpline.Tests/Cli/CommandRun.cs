using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;

namespace Warpline.Tests.Cli;

/// <summary>The command in this process, with what it wrote.</summary>
internal static class CommandRun
{
    /// <param name="args">As a shell would give them.</param>
    /// <param name="input">What is piped in.</param>
    /// <param name="interactive">Whether a person watches the output.</param>
    public static async Task<(int Code, string Output, string Error)> Run(string[] args, string input = "", bool interactive = false)
    {
        StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        int code = await WarplineCommand.RunAsync(args, new StringReader(input), output, error, interactive);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>The JSON that a run writes, which must succeed.</summary>
    public static async Task<JsonDocument> RunJson(string[] args, string input = "")
    {
        (int code, string output, string error) = await Run([.. args, "--json"], input);
        Assert.That(code, Is.Zero, error);
        return JsonDocument.Parse(output);
    }
}
