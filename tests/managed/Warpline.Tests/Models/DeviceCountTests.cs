using System.Diagnostics;
using NUnit.Framework;

namespace Warpline.Tests.Models;

/// <summary>What a token costs in calls of the driver, as the emulator counts them for the process of the command.</summary>
[TestFixture]
public sealed class DeviceCountTests
{
    private const int Short = 8, Long = 24;

    [TestCase("0", TestName = "A_token_costs_one_synchronisation_and_no_allocation_greedy")]
    [TestCase("0.8", TestName = "A_token_costs_one_synchronisation_and_no_allocation_sampled")]
    public void A_token_costs_one_synchronisation_and_no_allocation(string temperature)
    {
        TestDevice.RequireEmulator();
        Dictionary<string, long> few = Counts(Short, temperature), many = Counts(Long, temperature);
        long Grown(string name) => many[name] - few[name];
        Assert.Multiple(() =>
        {
            Assert.That(few["launches"], Is.GreaterThan(0));
            Assert.That(Grown("synchronisations"), Is.EqualTo(Long - Short));
            Assert.That(Grown("graph_launches"), Is.EqualTo(Long - Short));
            Assert.That(Grown("allocations"), Is.Zero);
            Assert.That(Grown("frees"), Is.Zero);
            Assert.That(Grown("launches"), Is.Zero, "kernels outside the graph");
            Assert.That(many["illegal_in_capture"], Is.Zero);
            Assert.That(many["wrong_pointers"], Is.Zero);
        });
    }

    /// <summary>Of a process that generates so many tokens.</summary>
    private static Dictionary<string, long> Counts(int tokens, string temperature)
    {
        string file = Path.GetTempFileName();
        try
        {
            ProcessStartInfo start = new(
                "dotnet",
                [
                    Path.Combine(AppContext.BaseDirectory, "Warpline.Cli.dll"), "generate", TestData.GoldenModel("llama"),
                    "--ids", "1", "5", "7", "--max-tokens", $"{tokens}", "--ignore-eos", "--temperature", temperature, "--device", "emu",
                ])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["WARPLINE_EMULATOR_COUNTS"] = file;
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail("The command did not end within 3 minutes.");
            }

            Assert.That(process.ExitCode, Is.Zero, errors.Result);
            Assert.That(output.Result.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), Has.Length.EqualTo(tokens));
            return File.ReadLines(file).Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => long.Parse(parts[1]));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
