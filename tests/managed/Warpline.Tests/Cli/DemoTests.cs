using System.Globalization;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Cli.Demo;
using Warpline.Tests.Encoders;

namespace Warpline.Tests.Cli;

/// <summary>The demonstration: its lines on the real model, and that its checks can fail.</summary>
public sealed partial class DemoTests
{
    [Test]
    public async Task Every_line_is_there_and_the_checks_hold()
    {
        (int code, string output) = await Run(TestData.PathOf("samples"));
        Assert.That(code, Is.Zero, output);
        Assert.That(output, Does.Contain("A story: Once upon a time there was a clever goat named Cleo."));
        Assert.That(output, Does.Contain("96 of 96 tokens equal the float64 reference"));
        Assert.That(Questions().Count(output), Is.EqualTo(3));
        Assert.That(output, Does.Match(@"\d+ of the first 20 questions right \(the float64 reference: 138 of all 200\)"));
        Assert.That(output, Does.Match(@"Prefill \d+ tokens/s \(gemm\.\S+\), decode \d+ tokens/s \(gemm\.\S+\)"));
        Assert.That(output, Does.Match(@"Perplexity on 10 held-out stories 1\.68\d+, float64 reference 1\.68\d+"));
        Assert.That(output, Does.Match(@"Encoder \(bert test checkpoint\): largest difference from the float64 reference \d\.\de-[67], at most 1e-4"));
        Match similar = Similarities().Match(output);
        Assert.That(similar.Success, Is.EqualTo(EncoderDemo.FindModel() is not null));
        if (similar.Success)
        {
            double[] cosines = [.. similar.Groups[1].Captures.Select(cosine => double.Parse(cosine.Value, CultureInfo.InvariantCulture))];
            Assert.That(cosines[0], Is.EqualTo(1));
            Assert.That(cosines[1], Is.GreaterThan(0.5).And.GreaterThan(2 * cosines.Skip(2).Max()), "two ways to ask for a password");
        }

        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.InRange(13, 24));
        Assert.That(output, Does.Not.Contain("FAILED"));
    }

    [Test]
    public async Task A_failed_check_fails_the_demonstration()
    {
        using TemporarySamples samples = new();
        samples.Replace("expected.json", "860", "861");
        samples.Replace("reference10.json", "\"perplexity\": 1.68", "\"perplexity\": 1.69");
        using TinyEncoder bert = new();
        bert.Set("layer_norm_eps", 0.01);
        bert.Write();
        foreach (string file in new[] { "case.json", "expected.safetensors" })
        {
            File.Copy(Path.Combine(TestData.GoldenModel("bert"), file), Path.Combine(bert.Directory, file));
        }

        (int code, string output) = await Run(samples.Folder, bert.Directory);
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(output, Does.Contain("FAILED: Encoder (bert test checkpoint)"));
        Assert.That(output, Does.Contain("FAILED: 3 of 96 tokens equal the float64 reference"));
        Assert.That(output, Does.Contain("FAILED: Perplexity on 10 held-out stories"));
    }

    [Test]
    public async Task A_program_that_does_not_start_is_named()
    {
        string program = TestData.PathOf("no-such-program");
        (int code, string output) = await Run(TestData.PathOf("samples"), more: ["--c-sample", program]);
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(output, Does.Contain($"warpline: {program}: the C sample does not start: "));
    }

    private static async Task<(int Code, string Output)> Run(string samples, string? bert = null, params string[] more)
    {
        StringWriter output = new() { NewLine = "\n" };
        string[] arguments = ["demo", "--samples", samples, "--bert", bert ?? TestData.GoldenModel("bert"), .. more];
        return (await WarplineCommand.RunAsync(arguments, TextReader.Null, output, output, interactive: false), output.ToString());
    }

    [GeneratedRegex(@"  1 How do I reset my password\? +(?: +(-?\d\.\d\d)){5}\n")]
    private static partial Regex Similarities();

    [GeneratedRegex(@"Question: .*\? Answer: .*\((right|wrong: .*)\)")]
    private static partial Regex Questions();

    /// <summary>A copy of the storyteller whose files can be spoiled.</summary>
    private sealed class TemporarySamples : IDisposable
    {
        private readonly string _model;

        public TemporarySamples()
        {
            _model = Directory.CreateDirectory(Path.Combine(Folder, "models", "storyteller")).FullName;
            foreach (string file in Directory.GetFiles(TestData.Storyteller))
            {
                File.Copy(file, Path.Combine(_model, Path.GetFileName(file)));
            }
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("warpline-demo").FullName;

        public void Replace(string file, string from, string to)
        {
            string path = Path.Combine(_model, file), text = File.ReadAllText(path);
            int found = text.IndexOf(from, StringComparison.Ordinal);
            Assert.That(found, Is.Positive, $"{file} holds {from}");
            File.WriteAllText(path, text[..found] + to + text[(found + from.Length)..]);
        }

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
