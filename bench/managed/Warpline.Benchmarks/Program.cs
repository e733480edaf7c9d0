using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;
using Warpline.Benchmarks;

// Call overhead and tokenizers.
//
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

List<BenchmarkReport> reports = [];
for (int round = 0; round < rounds; round++)
{
    Summary summary = BenchmarkRunner.Run<CallOverhead>(Configured(job));
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

met &= MeasureTokenizers();
return met ? 0 : 1;

IConfig Configured(Job job) => ManualConfig.CreateEmpty()
    .AddJob(job)
    .AddLogger(args.Contains("--verbose") ? ConsoleLogger.Default : NullLogger.Instance)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "warpline-benchmarks"))
    .WithOptions(ConfigOptions.DisableLogFile);

// Byte-level BPE on one core, and the time to load a large vocabulary.
bool MeasureTokenizers()
{
    const double leastMegabytes = 5, mostSeconds = 1;
    Job once = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
        .WithInvocationCount(1).WithUnrollFactor(1).WithWarmupCount(5).WithIterationCount(20);
    Summary summary = BenchmarkRunner.Run<TokenizerSpeed>(Configured(once));
    if (summary.Reports.IsEmpty || summary.Reports.Any(report => report.ResultStatistics is null))
    {
        Console.Error.WriteLine("tokenizer: not measured; run Warpline.Benchmarks with --verbose to see why");
        return false;
    }

    double encode = Seconds(nameof(TokenizerSpeed.Encode));
    double load = Seconds(nameof(TokenizerSpeed.Load));
    double megabytes = TokenizerSpeed.TextBytes / 1e6 / encode;
    bool fast = megabytes >= leastMegabytes;
    bool quick = load < mostSeconds;
    Console.WriteLine(
        $"tokenizer, byte-level BPE     {megabytes,7:F1} MB/s of English text (bar: {leastMegabytes:F0})" + (fast ? "" : "  MISSED"));
    Console.WriteLine(
        $"tokenizer, 128,000 tokens     {load,7:F3} s to load (bar: under {mostSeconds:F0})" + (quick ? "" : "  MISSED"));
    return fast && quick;

    double Seconds(string benchmark) => summary.Reports
        .Single(report => report.BenchmarkCase.Descriptor.WorkloadMethod.Name == benchmark).ResultStatistics!.Median / 1e9;
}

static double Least(IEnumerable<BenchmarkReport> reports, bool baseline) =>
    reports.Where(report => report.BenchmarkCase.Descriptor.Baseline == baseline).Min(report => report.ResultStatistics!.Min);
