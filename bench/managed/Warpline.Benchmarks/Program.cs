using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Warpline.Benchmarks;

// What a call of the public API costs above the native call that it makes: under 100 ns, and no allocation. Each figure is the
// fastest of 100 short iterations: other work on the machine can only add to it.
const double limitNanoseconds = 100;

// In this process, so that the native library beside it is used and nothing is built again.
Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
    .WithWarmupCount(20)
    .WithIterationTime(TimeInterval.FromMilliseconds(10))
    .WithIterationCount(100)
    .WithGcForce(false);
IConfig config = ManualConfig.CreateEmpty()
    .AddJob(job)
    .AddLogger(args.Contains("--verbose") ? ConsoleLogger.Default : NullLogger.Instance)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "warpline-benchmarks"))
    .WithOptions(ConfigOptions.DisableLogFile);
Summary summary = BenchmarkRunner.Run<CallOverhead>(config);
if (summary.HasCriticalValidationErrors || summary.Reports.Any(report => report.ResultStatistics is null))
{
    string why = string.Join("; ", summary.ValidationErrors.Select(error => error.Message));
    Console.Error.WriteLine($"call overhead: not measured; run with --verbose to see why. {why}");
    return 1;
}

bool met = true;
IEnumerable<IGrouping<string, BenchmarkReport>> pairs =
    summary.Reports.GroupBy(report => report.BenchmarkCase.Descriptor.Categories.Single());
foreach (IGrouping<string, BenchmarkReport> pair in pairs)
{
    double native = pair.Single(report => report.BenchmarkCase.Descriptor.Baseline).ResultStatistics!.Min;
    BenchmarkReport publicCall = pair.Single(report => !report.BenchmarkCase.Descriptor.Baseline);
    double total = publicCall.ResultStatistics!.Min;
    long bytes = publicCall.GcStats.GetBytesAllocatedPerOperation(publicCall.BenchmarkCase) ?? 0;
    bool good = total - native < limitNanoseconds && bytes == 0;
    met &= good;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"call overhead, {pair.Key,-14} native {native,7:F1} ns, public {total,7:F1} ns, "
        + $"above it {total - native,6:F1} ns (bar: under {limitNanoseconds:F0}), {bytes} B allocated"
        + (good ? "" : "  MISSED")));
}

return met ? 0 : 1;
