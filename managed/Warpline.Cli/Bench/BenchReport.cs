using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Warpline.Cli.Bench;

/// <summary>What was measured of a case, or why it was not.</summary>
internal sealed record BenchResult(BenchCase Case, Workload? Work, Samples? Samples, string? Skipped)
{
    public Statistics Times { get; } = Samples is null ? default : Statistics.Of(Samples.Nanoseconds);

    // Bytes and operations a nanosecond are 1e9 a second.
    public double GigabytesPerSecond => Work!.Bytes / Times.Median;

    public double GigaflopsPerSecond => Work!.Flops / Times.Median;

    public double? TokensPerSecond => Work!.Tokens / (Times.Median / 1e9);
}

/// <summary>A whole run as JSON; docs/bench.md describes it.</summary>
internal sealed class BenchReport(ComputeDevice device, SampleSettings settings, IReadOnlyList<BenchResult> results)
{
    /// <summary>Names the form of the file.</summary>
    public const string Schema = "warpline-bench-1";

    private readonly DateTime _time = DateTime.UtcNow;

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("schema", Schema);
        writer.WriteString("version", WarplineLibrary.Version.ToString());
        writer.WriteString("time", _time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        writer.WriteStartObject("machine");
        writer.WriteString("os", RuntimeInformation.OSDescription);
        writer.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        writer.WriteString("architecture", RuntimeInformation.OSArchitecture.ToString());
        writer.WriteNumber("processors", Environment.ProcessorCount);
        writer.WriteEndObject();
        DeviceInfo info = WarplineLibrary.GetDevice(device);
        writer.WriteStartObject("device");
        writer.WriteString("id", device.ToString());
        writer.WriteString("name", info.Name);
        writer.WriteString("instruction_set", info.InstructionSet);
        writer.WriteNumber("processors", info.ComputeUnits);
        writer.WriteNumber("memory_bytes", info.MemoryBytes);
        writer.WriteEndObject();
        writer.WriteNumber("threads", WarplineLibrary.ThreadCount);
        writer.WriteNumber("least_samples", settings.Repeat);
        writer.WriteNumber("least_seconds", settings.Time.TotalSeconds);
        writer.WriteStartArray("cases");
        foreach (BenchResult result in results)
        {
            writer.WriteStartObject();
            WriteCase(writer, result.Case);
            if (result.Samples is Samples samples)
            {
                WriteMeasured(writer, result, samples);
            }
            else
            {
                writer.WriteString("skipped", result.Skipped);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Name and axes, properties of the object that is open.</summary>
    public static void WriteCase(Utf8JsonWriter writer, BenchCase item)
    {
        writer.WriteString("name", item.Name);
        writer.WriteStartObject("axes");
        foreach ((string axis, string value) in item.Axes)
        {
            writer.WriteString(axis, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteMeasured(Utf8JsonWriter writer, BenchResult result, Samples samples)
    {
        writer.WriteString("kernel", samples.Kernel);
        writer.WriteNumber("calls_per_sample", samples.CallsPerSample);
        writer.WriteStartArray("samples_ns");
        foreach (double sample in samples.Nanoseconds)
        {
            writer.WriteNumberValue(sample);
        }

        writer.WriteEndArray();
        writer.WriteNumber("median_ns", result.Times.Median);
        writer.WriteNumber("mad_ns", result.Times.Deviation);
        writer.WriteNumber("bytes", result.Work!.Bytes);
        writer.WriteNumber("flops", result.Work.Flops);
        writer.WriteNumber("gb_per_s", result.GigabytesPerSecond);
        writer.WriteNumber("gflop_per_s", result.GigaflopsPerSecond);
        if (result.Work.Tokens is int tokens)
        {
            writer.WriteNumber("tokens", tokens);
            writer.WriteNumber("tokens_per_s", result.TokensPerSecond!.Value);
        }
    }
}
