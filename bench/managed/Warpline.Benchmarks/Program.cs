using System.CommandLine;
using Warpline.Benchmarks;
using Warpline.Benchmarks.Decoder;
using Warpline.Benchmarks.Encoder;
using Warpline.Benchmarks.Peers;

string[] all = ["calls", "tokenizers", "decoder", "encoder"];
Argument<string[]> suites = new("SUITE") { Description = "Which to run; all of them where none is named." };
suites.AcceptOnlyFromAmong(all);
Option<DirectoryInfo> results = new("--results")
{
    Description = "Folder for the files of figures.",
    DefaultValueFactory = _ => new DirectoryInfo(Path.Combine(Repository.Root, "build/bench")),
};
Option<int> rounds = new("--rounds") { Description = "Alternations of each comparison.", DefaultValueFactory = _ => 15 };
Option<bool> verbose = new("--verbose") { Description = "Show what BenchmarkDotNet says." };
RootCommand command = new("Measures Warpline from C#. Exit code 1 where a bar is missed.") { suites, results, rounds, verbose };
command.SetAction(parsed =>
{
    string[] named = parsed.GetValue(suites) is { Length: > 0 } some ? some : all;
    bool met = true;
    foreach (string suite in named)
    {
        met &= suite switch
        {
            "calls" => MicroBenchmarks.MeasureCalls(parsed.GetValue(verbose)),
            "tokenizers" => MicroBenchmarks.MeasureTokenizers(parsed.GetValue(verbose)),
            "encoder" => EncoderSpeed.Measure(parsed.GetValue(rounds), parsed.GetValue(results)!.FullName),
            _ => MeasureDecoder(parsed.GetValue(rounds), parsed.GetValue(results)!.FullName),
        };
    }

    return met ? 0 : 1;
});
Option<FileInfo> page = new("--page")
{
    Description = "The page to write.",
    DefaultValueFactory = _ => new FileInfo(Path.Combine(Repository.Root, "docs/performance.md")),
};
Command report = new("report", "Writes docs/performance.md from the files under bench/results.") { page };
report.SetAction(parsed => PerformancePage.Write(Path.Combine(Repository.Root, "bench/results"), parsed.GetValue(page)!.FullName));
command.Add(report);
return command.Parse(args).Invoke();

static bool MeasureDecoder(int rounds, string folder)
{
    (string? libraries, string reason) = NpmPeer.Get(Repository.Root);
    if (libraries is null)
    {
        Console.WriteLine($"decoder: llama.cpp left out: {reason}");
    }

    return DecoderSpeed.Measure(rounds, libraries, folder);
}
