using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Warpline.Benchmarks;

// What a call of the public API costs above the native call that it makes: under 100 ns, and no allocation. Other work on the
// machine can only add to a figure, so each is the least of many short iterations, over rounds in which the two sides take turns.
const double limitNanoseconds = 100;
const int rounds = 6;

// In this process, so that the native library beside it is used and nothing is built again.
Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
    .WithWarmupCount(10)
    .WithIterationTime(TimeInterval.FromMilliseconds(2))
    .WithIterationCount(40)
    .WithGcForce(false);
IConfig config = ManualConfig.CreateEmpty()
    .AddJob(job)
    .AddLogger(args.Contains("--verbose") ? ConsoleLogger.Default : NullLogger.Instance)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "warpline-benchmarks"))
    .WithOptions(ConfigOptions.DisableLogFile);

List<BenchmarkReport> reports = [];
for (int round = 0; round < rounds; round++)
{
    Summary summary = BenchmarkRunner.Run<CallOverhead>(config);
    if (summary.Reports.IsEmpty || summary.Reports.Any(report => report.ResultStatistics is null))
    {
        Console.Error.WriteLine("call overhead: not measured; run Warpline.Benchmarks with --verbose to see why");
        return 1;
    }

    reports.AddRange(summary.Reports);
}

bool met = true;
foreach (IGrouping<string, BenchmarkReport> pair in reports.GroupBy(report => report.BenchmarkCase.Descriptor.Categories.Single()))
{
    double native = Least(pair, baseline: true);
    double total = Least(pair, baseline: false);
    long bytes = pair.Where(report => !report.BenchmarkCase.Descriptor.Baseline)
        .Min(report => report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0);
    bool good = total - native < limitNanoseconds && bytes == 0;
    met &= good;
    Console.WriteLine(
        $"call overhead, {pair.Key,-14} native {native,7:F1} ns, public {total,7:F1} ns, "
        + $"above it {total - native,6:F1} ns (bar: under {limitNanoseconds:F0}), {bytes} B allocated"
        + (good ? "" : "  MISSED"));
}

return met ? 0 : 1;

static double Least(IEnumerable<BenchmarkReport> reports, bool baseline) =>
    reports.Where(report => report.BenchmarkCase.Descriptor.Baseline == baseline).Min(report => report.ResultStatistics!.Min);
