using System.Diagnostics;

namespace Warpline.Cli.Bench;

/// <summary>How long a case is measured.</summary>
/// <param name="Repeat">At least so many samples.</param>
/// <param name="Time">At least so long.</param>
internal sealed record SampleSettings(int Repeat, TimeSpan Time);

/// <summary>Times of a case.</summary>
/// <param name="CallsPerSample">So many calls follow each other in a sample.</param>
/// <param name="Nanoseconds">Mean time of a call in each sample, in the order of measuring.</param>
/// <param name="Kernel">The kernel that served the last op of a call.</param>
internal sealed record Samples(long CallsPerSample, double[] Nanoseconds, string Kernel);

/// <summary>Measures a case: a sample is a batch of calls, long enough that the clock and the wait for the device do not
/// count.</summary>
internal static class Sampler
{
    private static readonly TimeSpan Batch = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(50);

    public static Samples Measure(Workload work, Operands operands, SampleSettings settings, CancellationToken cancellation)
    {
        // The first call allocates scratch memory and starts threads; then caches, clocks and the compiler warm up while batches
        // double.
        TimeOf(work, operands, 1);
        string kernel = work.Kernel ?? WarplineLibrary.LastKernel ?? "none";
        long calls = 1, start = Stopwatch.GetTimestamp();
        for (bool warm = false; !warm;)
        {
            cancellation.ThrowIfCancellationRequested();
            bool isLong = TimeOf(work, operands, calls) >= Batch;
            calls = isLong ? calls : 2 * calls;
            warm = isLong && Stopwatch.GetElapsedTime(start) >= WarmUp;
        }

        List<double> samples = [];
        TimeSpan total = default;
        while (samples.Count < settings.Repeat || total < settings.Time)
        {
            cancellation.ThrowIfCancellationRequested();
            TimeSpan time = TimeOf(work, operands, calls);
            total += time;
            samples.Add(time.TotalNanoseconds / calls);
        }

        return new Samples(calls, [.. samples], kernel);
    }

    private static TimeSpan TimeOf(Workload work, Operands operands, long calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (long i = 0; i < calls; i++)
        {
            work.Run();
        }

        operands.Wait();
        return Stopwatch.GetElapsedTime(start);
    }
}
