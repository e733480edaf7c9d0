using System.Collections.Immutable;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace Warpline.Benchmarks;

/// <summary>What BenchmarkDotNet measures: the overhead of calls, and tokenizers.</summary>
internal static class MicroBenchmarks
{
    private const double LimitNanoseconds = 100, LeastMegabytes = 5, MostSeconds = 1;
    private const int Rounds = 6;

    // In this process, so that the native library beside it is used and nothing is built again.
    private static readonly Job _job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance);

    /// <summary>
    /// What a call of the public API costs above the native call that it makes: under 100 ns, and no allocation. Other work on
    /// the machine can only add to a figure, so each is the least of many short iterations, over rounds in which the two sides
    /// take turns.
    /// </summary>
    public static bool MeasureCalls(bool verbose)
    {
        Job job = _job.WithWarmupCount(10)
            .WithIterationTime(TimeInterval.FromMilliseconds(2))
            .WithIterationCount(40)
            .WithGcForce(false);
        List<BenchmarkReport> reports = [];
        for (int round = 0; round < Rounds; round++)
        {
            reports.AddRange(Run<CallOverhead>(job, verbose));
        }

        bool met = true;
        foreach (IGrouping<string, BenchmarkReport> pair in reports.GroupBy(report => report.BenchmarkCase.Descriptor.Categories.Single()))
        {
            double native = Least(pair, baseline: true);
            double total = Least(pair, baseline: false);
            long bytes = pair.Where(report => !report.BenchmarkCase.Descriptor.Baseline)
                .Min(report => report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0);
            bool good = total - native < LimitNanoseconds && bytes == 0;
            met &= good;
            Console.WriteLine(
                $"call overhead, {pair.Key,-14} native {native,7:F1} ns, public {total,7:F1} ns, "
                + $"above it {total - native,6:F1} ns (bar: under {LimitNanoseconds:F0}), {bytes} B allocated"
                + (good ? "" : "  MISSED"));
        }

        return met;
    }

    /// <summary>Byte-level BPE on one core, and the time to load a large vocabulary.</summary>
    public static bool MeasureTokenizers(bool verbose)
    {
        Job once = _job.WithInvocationCount(1).WithUnrollFactor(1).WithWarmupCount(5).WithIterationCount(20);
        ImmutableArray<BenchmarkReport> reports = Run<TokenizerSpeed>(once, verbose);
        double encode = Seconds(nameof(TokenizerSpeed.Encode));
        double load = Seconds(nameof(TokenizerSpeed.Load));
        double megabytes = TokenizerSpeed.TextBytes / 1e6 / encode;
        bool fast = megabytes >= LeastMegabytes;
        bool quick = load < MostSeconds;
        Console.WriteLine(
            $"tokenizer, byte-level BPE     {megabytes,7:F1} MB/s of English text (bar: {LeastMegabytes:F0})" + (fast ? "" : "  MISSED"));
        Console.WriteLine(
            $"tokenizer, 128,000 tokens     {load,7:F3} s to load (bar: under {MostSeconds:F0})" + (quick ? "" : "  MISSED"));
        return fast && quick;

        double Seconds(string benchmark) => reports
            .Single(report => report.BenchmarkCase.Descriptor.WorkloadMethod.Name == benchmark).ResultStatistics!.Median / 1e9;
    }

    private static ImmutableArray<BenchmarkReport> Run<T>(Job job, bool verbose)
    {
        Summary summary = BenchmarkRunner.Run<T>(ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddLogger(verbose ? ConsoleLogger.Default : NullLogger.Instance)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "warpline-benchmarks"))
            .WithOptions(ConfigOptions.DisableLogFile));
        return summary.Reports.IsEmpty || summary.Reports.Any(report => report.ResultStatistics is null)
            ? throw new InvalidOperationException($"{typeof(T).Name} was not measured; --verbose shows why.")
            : summary.Reports;
    }

    private static double Least(IEnumerable<BenchmarkReport> reports, bool baseline) =>
        reports.Where(report => report.BenchmarkCase.Descriptor.Baseline == baseline).Min(report => report.ResultStatistics!.Min);
}
