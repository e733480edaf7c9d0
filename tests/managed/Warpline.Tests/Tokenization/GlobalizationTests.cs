using System.Diagnostics;
using NUnit.Framework;

namespace Warpline.Tests.Tokenization;

/// <summary>
/// The golden tokenizers with ICU instead of InvariantGlobalization, which is fixed for a process when it starts: this program
/// once more, with the setting turned off by the environment.
/// </summary>
internal sealed class GlobalizationTests
{
    /// <summary>Set for the second process, where the golden tests make sure that ICU is there.</summary>
    public const string WithIcu = "WARPLINE_TEST_ICU";

    [Test]
    public void The_golden_tokenizers_hold_with_ICU_too()
    {
        string program = Environment.ProcessPath!;
        string[] host = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        ProcessStartInfo start = new(program, [.. host, "--filter", $"FullyQualifiedName~{nameof(GoldenTokenizerTests)}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "0";
        start.Environment[WithIcu] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (errors.Contains("Couldn't find a valid ICU package", StringComparison.Ordinal))
        {
            Assert.Ignore("There is no ICU on this machine.");
        }

        Assert.That(process.ExitCode, Is.Zero, output.Result + errors);
    }
}
