using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Warpline.Cli.Bench;

/// <summary><c>warpline bench</c>: how fast operations and models are on this machine, and whether that changed.</summary>
internal sealed class BenchCommand
{
    private const int DefaultRepeat = 7;
    private const double DefaultSeconds = 0.5;

    private readonly SharedOptions _shared;
    private readonly Option<bool> _list = new("--list") { Description = "Name the selected cases and measure nothing." };
    private readonly Option<string?> _filter = new("--filter")
    {
        Description = "Only cases whose name matches, with * and ?; without these, whose name contains it. Case does not matter.",
        HelpName = "PATTERN",
    };

    private readonly Option<string[]> _axes = new("--axis")
    {
        Description = "Values of an axis in place of its default ones; may be given for several axes.",
        HelpName = "AXIS=VALUE,...",
    };

    private readonly Option<DirectoryInfo?> _model = new("--model") { Description = "Measure this checkpoint too.", HelpName = "FOLDER" };
    private readonly Option<int?> _repeat = NumberOption.Create("--repeat", 1, 100_000, $"Take at least so many samples of a case ({DefaultRepeat}).");
    private readonly Option<double?> _time = NumberOption.Create(
        "--time", 0.0, 3600.0, string.Create(CultureInfo.InvariantCulture, $"Take samples of a case for at least so many seconds ({DefaultSeconds})."));

    private readonly Option<FileInfo?> _output = new("--output", "-o") { Description = "Write the results to this file, as JSON.", HelpName = "FILE" };
    private readonly Option<FileInfo[]> _compare = new("--compare")
    {
        Description = "Measure nothing: compare two files of earlier runs.",
        HelpName = "A.json B.json",
        Arity = new ArgumentArity(2, 2),
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double?> _threshold = NumberOption.Create(
        "--threshold", 0.0, 1e6, "With --compare: exit code 1 where a case of B is slower by more than so many percent, and beyond the noise.");

    private readonly Terminal _terminal;

    private BenchCommand(Terminal terminal) => (_terminal, _shared) = (terminal, new SharedOptions(terminal));

    public static Command Create(Terminal terminal)
    {
        BenchCommand self = new(terminal);
        Command command = new("bench", """
            Measures operations, and with --model a model, and shows medians with the bytes and floating-point operations a second
            that follow. A case is a family at one value of each of its axes and is named after them, "gemm/weight=bf16/.../m=1/..."
            for instance. Inputs are pseudo-random; weights and caches come from memory, not from the processor's cache.

            --output keeps the results; --compare shows the ratio of two files' medians for the cases that are in both, and
            whether it is beyond the noise: more than three robust standard deviations of the noisier file. docs/bench.md describes
            what is counted and the file.

            Exit codes: 0 done, 1 failed (also: a case is slower than --threshold allows), 2 wrong usage, 3 no such device,
            130 cancelled.

            Examples:
              warpline bench --list
              warpline bench --filter "gemm/*bf16*" --axis m=1,16,512 --output before.json
              warpline bench --model samples/models/storyteller --filter "model/*"
              warpline bench --compare before.json after.json --threshold 5
            """)
        {
            self._list, self._filter, self._axes, self._model, self._repeat, self._time, self._output, self._compare, self._threshold,
            self._shared.Device, self._shared.Json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(self.Run(parsed, cancellation)));
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetResult(_compare) is not null)
        {
            Refuse(parsed, "--compare", _list, _filter, _axes, _model, _repeat, _time, _output, _shared.Device);
            return Compare(parsed);
        }

        if (parsed.GetResult(_threshold) is not null)
        {
            throw new UsageException("--threshold is for --compare, which is not given.");
        }

        ComputeDevice device = _shared.ReadDevice(parsed);
        using ModelCases? model = parsed.GetValue(_model) is DirectoryInfo folder ? new ModelCases(folder, cancellation) : null;
        List<BenchCase> cases = CaseSelection.Select(
            [.. KernelCases.Families(device), .. model?.Families(device) ?? []], parsed.GetValue(_filter), parsed.GetValue(_axes) ?? []);
        if (parsed.GetValue(_list))
        {
            Refuse(parsed, "--list", _repeat, _time, _output);
            List(cases, parsed.GetValue(_shared.Json));
            return ExitCode.Done;
        }

        return Measure(parsed, device, cases, cancellation);
    }

    private static void Refuse(ParseResult parsed, string verb, params Option[] others)
    {
        if (Array.Find(others, option => parsed.GetResult(option) is { Implicit: false }) is Option option)
        {
            throw new UsageException($"{verb} and {option.Name} are both given; one of them is required.");
        }
    }

    private int Compare(ParseResult parsed)
    {
        FileInfo[] files = parsed.GetValue(_compare)!;
        Comparison comparison = new(ResultFile.Read(files[0].FullName), ResultFile.Read(files[1].FullName));
        if (parsed.GetValue(_shared.Json))
        {
            _terminal.WriteJson(comparison.WriteJson);
        }
        else
        {
            comparison.Show(_terminal);
        }

        if (parsed.GetValue(_threshold) is double percent && comparison.CountSlower(percent) is int slower and > 0)
        {
            _terminal.Complain(string.Create(
                CultureInfo.InvariantCulture, $"{slower} {(slower == 1 ? "case is" : "cases are")} slower by more than {percent} %."));
            return ExitCode.Failed;
        }

        return ExitCode.Done;
    }

    private void List(List<BenchCase> cases, bool json)
    {
        if (!json)
        {
            cases.ForEach(item => _terminal.Output.WriteLine(item.Name));
            return;
        }

        _terminal.WriteJson(writer =>
        {
            writer.WriteStartArray();
            foreach (BenchCase item in cases)
            {
                writer.WriteStartObject();
                BenchReport.WriteCase(writer, item);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }

    private int Measure(ParseResult parsed, ComputeDevice device, List<BenchCase> cases, CancellationToken cancellation)
    {
        string? output = parsed.GetValue(_output) is FileInfo given ? OutputFile.Require(given, "--output") : null;
        bool json = parsed.GetValue(_shared.Json);
        SampleSettings settings = new(parsed.GetValue(_repeat) ?? DefaultRepeat, TimeSpan.FromSeconds(parsed.GetValue(_time) ?? DefaultSeconds));
        List<BenchResult> results = [];
        using (ProgressLine progress = new(_terminal))
        using (Operands operands = new(device))
        {
            foreach (BenchCase item in cases)
            {
                progress.Show("bench", (double)results.Count / cases.Count, item.Family.Name);
                results.Add(Measure(item, operands, settings, cancellation));
                if (!json && !_terminal.Interactive)
                {
                    _terminal.Output.WriteLine(BenchTable.Line(results[^1]));
                    _terminal.Output.Flush();
                }
            }
        }

        BenchReport whole = new(device, settings, results);
        if (output is not null)
        {
            using FileStream file = File.Create(output);
            using Utf8JsonWriter writer = new(file, new JsonWriterOptions { Indented = true, NewLine = "\n" });
            whole.Write(writer);
        }

        if (json)
        {
            _terminal.WriteJson(whole.Write);
        }
        else if (_terminal.Interactive)
        {
            BenchTable.Show(_terminal.Output, results);
        }

        return ExitCode.Done;
    }

    private static BenchResult Measure(BenchCase item, Operands operands, SampleSettings settings, CancellationToken cancellation)
    {
        try
        {
            Workload work = item.Family.Open(item, operands);
            return new BenchResult(item, work, Sampler.Measure(work, operands, settings, cancellation), null);
        }
        catch (SkippedException exception)
        {
            return new BenchResult(item, null, null, exception.Message);
        }
        catch (WarplineException exception)
        {
            throw new InvalidOperationException($"{item.Name}: {exception.Message}", exception);
        }
        finally
        {
            operands.Close();
        }
    }
}
