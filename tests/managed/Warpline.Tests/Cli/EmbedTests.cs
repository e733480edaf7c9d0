using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Tests.Encoders;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary><c>warpline embed</c>: its two kinds of output, resuming, killing, memory and complaints.</summary>
[TestFixture]
public sealed class EmbedTests
{
    private const int Width = 64, HeaderBytes = 128, RowBytes = Width * sizeof(float);

    private static readonly string Device = TestDevice.IsEmulated ? "cpu" : TestDevice.Current.ToString();

    private static readonly string[] Lines = [.. Enumerable.Range(0, 1100).Select(i => i % 50 == 7 ? "" : $"the cat {i} sat.")];

    private TinyEncoder _checkpoint = null!;

    [SetUp]
    public void MakeCheckpoint() => _checkpoint = new TinyEncoder().Write().WriteTokenizer();

    [TearDown]
    public void DeleteCheckpoint() => _checkpoint.Dispose();

    private const string StandardInput = "the cat\na dog\n";

    private string Input => Path.Combine(_checkpoint.Directory, "lines.txt");

    [Test]
    public async Task Rows_are_the_encoders_vectors_in_both_kinds_of_file()
    {
        float[][] expected = await Vectors(Lines);
        WriteLines(Lines);
        foreach ((string name, Func<string, float[][]> read) in new (string, Func<string, float[][]>)[] { ("v.npy", ReadNpy), ("v.jsonl", ReadJsonLines) })
        {
            string path = Path.Combine(_checkpoint.Directory, name);
            (int code, string output, string error) = await Run("--input", Input, "--output", path);
            Assert.That(code, Is.Zero, error);
            Assert.That(output, Does.Match($@"{name}: 1100 rows of 64 numbers; \d+ lines/s\n$"));
            Assert.That(error, Is.Empty, "progress is for a person only");
            Assert.That(read(path), Is.EqualTo(expected));
        }
    }

    [TestCase("a\nb", 2)]
    [TestCase("a\r\nb\r\n", 2)]
    [TestCase("\n\n", 2)]
    [TestCase("\uFEFFa\n", 1)]
    [TestCase("", 0)]
    public async Task Lines_are_counted_as_text_has_them(string text, int lines)
    {
        await File.WriteAllTextAsync(Input, text, new UTF8Encoding(false));
        string path = Path.Combine(_checkpoint.Directory, "v.npy");
        (int code, string output, string error) = await Run("--input", Input, "--output", path, "--json");
        Assert.That(code, Is.Zero, error);
        using JsonDocument json = JsonDocument.Parse(output);
        Assert.That(json.RootElement.GetProperty("rows").GetInt32(), Is.EqualTo(lines));
        Assert.That(ReadNpy(path), Is.EqualTo(await Vectors(text.Trim('\uFEFF').ReplaceLineEndings("\n").Split('\n')[..lines])));
    }

    [Test]
    public async Task Standard_output_gets_json_lines_and_nothing_else()
    {
        (int code, string output, _) = await Run();
        Assert.That(code, Is.Zero);
        string[] rows = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(rows, Has.Length.EqualTo(2));
        Assert.That(rows[1], Does.StartWith("{\"index\":1,\"embedding\":["));
        await File.WriteAllTextAsync(Input, StandardInput);
        Assert.That((await Run("--input", Input)).Output, Is.EqualTo(output));
        (code, output, _) = await Run("--input", Input, "--output", Path.Combine(_checkpoint.Directory, "v.npy"), "--quiet");
        Assert.That((code, output), Is.EqualTo((0, "")));
    }

    [Test]
    public async Task A_person_sees_progress_on_the_error_stream([Values] bool quiet)
    {
        // Long enough that a fifth of a second has passed before the last rows.
        WriteLines([.. Enumerable.Range(0, 40_000).Select(i => $"the cat {i}")]);
        StringWriter output = new(), error = new();
        string[] arguments = Arguments("--input", Input, "--output", Path.Combine(_checkpoint.Directory, "v.npy"));
        await WarplineCommand.RunAsync(quiet ? [.. arguments, "--quiet"] : arguments, TextReader.Null, output, error, interactive: false, errorInteractive: true);
        Assert.That(error.ToString(), quiet ? Is.Empty : Does.Match(@"\r\d+ lines, \d+ lines/s"));
    }

    [TestCase("v.npy")]
    [TestCase("v.jsonl")]
    public async Task A_cut_output_is_continued_to_the_same_bytes(string name)
    {
        WriteLines(Lines);
        string path = Path.Combine(_checkpoint.Directory, name);
        await Run("--input", Input, "--output", path);
        byte[] whole = await File.ReadAllBytesAsync(path);
        int middle = whole.Length / 2;
        foreach (int length in new[] { 0, 1, 100, HeaderBytes, HeaderBytes + 5, middle, middle + 1, middle + RowBytes, whole.Length - 1, whole.Length })
        {
            byte[] cut = whole[..length];
            await File.WriteAllBytesAsync(path, cut);
            (int code, string output, string error) = await Run("--input", Input, "--output", path, "--json");
            Assert.That(code, Is.Zero, error);
            Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(whole), $"cut at {length}");
            long complete = name == "v.npy" ? Math.Max(0, length - HeaderBytes) / RowBytes : cut.Count(x => x == '\n');
            using JsonDocument json = JsonDocument.Parse(output);
            Assert.That(json.RootElement.GetProperty("resumed_rows").GetInt64(), Is.EqualTo(complete));
        }
    }

    [TestCase("v.npy")]
    [TestCase("v.jsonl")]
    public async Task An_output_that_holds_something_else_is_refused_and_left_as_it_is(string name)
    {
        WriteLines(Lines[..20]);
        string path = Path.Combine(_checkpoint.Directory, name);
        await Run("--input", Input, "--output", path);
        byte[] whole = await File.ReadAllBytesAsync(path);
        async Task Refuses(byte[] bytes, string message, params string[] options)
        {
            await File.WriteAllBytesAsync(path, bytes);
            (int code, _, string error) = await Run(["--input", Input, "--output", path, .. options]);
            Assert.That(code, Is.EqualTo(ExitCode.Failed));
            Assert.That(error, Does.Contain(message).And.EndsWith("give another --output, or --overwrite to begin anew.\n"));
            Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(bytes));
        }

        await Refuses(whole, "row 0 is not what this model and these options give for line 1", "--prompt", "query: ");
        await Refuses("some text of another kind\nwith several lines\nwithout an end"u8.ToArray(), name == "v.npy" ? "no array of float32" : "line 3 is no object");
        await Refuses("{\"a\": [1, 2]}"u8.ToArray(), name == "v.npy" ? "no array of float32" : "line 1 is no object");
        WriteLines(Lines[..19]);
        await Refuses(whole, "the file has 20 rows, but the input only 19 lines");
        WriteLines([.. Lines[..19], "another"]);
        await Refuses(whole, "row 19 is not what this model and these options give for line 20");
        (int code, _, string error) = await Run("--input", Input, "--output", path, "--overwrite");
        Assert.That(code, Is.Zero, error);
        Assert.That((await File.ReadAllBytesAsync(path)).Length, name == "v.npy" ? Is.EqualTo(whole.Length) : Is.Positive);
    }

    [Test]
    public async Task Wrong_usage_is_named()
    {
        async Task Refuses(int exitCode, string message, params string[] options)
        {
            (int code, _, string error) = await Run(options);
            Assert.That((code, error.Split('\n')[0]), Is.EqualTo((exitCode, $"warpline: {message}")));
        }

        WriteLines(["x"]);
        await Refuses(ExitCode.Usage, "--prompt-name and --prompt are both given; one of them is required.", "--prompt-name", "a", "--prompt", "b");
        await Refuses(ExitCode.Usage, "--prompt-name is \"a\"; the checkpoint has no prompts.", "--prompt-name", "a");
        await Refuses(ExitCode.Usage, "--batch-tokens is abc; an integer in [1, 16777216] is required.", "--batch-tokens", "abc");
        await Refuses(ExitCode.Usage, "--batch-tokens is 0; an integer in [1, 16777216] is required.", "--batch-tokens", "0");
        string missing = Path.Combine(_checkpoint.Directory, "none.txt"), output = Path.Combine(_checkpoint.Directory, "v.npy");
        await Refuses(ExitCode.Failed, $"Could not find file '{missing}'.", "--input", missing, "--output", output);
        File.Delete(Path.Combine(_checkpoint.Directory, "tokenizer.json"));
        await Refuses(ExitCode.Failed, "The model has no tokenizer, so texts must be given as token ids.", "--input", Input, "--output", output);
        Assert.That(File.Exists(output), Is.False);
    }

    [Test]
    public async Task The_input_is_never_the_output()
    {
        WriteLines(Lines);
        string before = await File.ReadAllTextAsync(Input), link = Path.Combine(_checkpoint.Directory, "link.txt");
        File.CreateSymbolicLink(link, Input);
        foreach (string output in new[] { Input, link })
        {
            (int code, _, string error) = await Run("--input", Input, "--output", output, "--overwrite");
            Assert.That((code, error), Is.EqualTo((ExitCode.Usage, $"warpline: --input and --output are both {Input}; two files are required.\n")));
            Assert.That(await File.ReadAllTextAsync(Input), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task Many_lines_take_bounded_memory_and_survive_a_kill()
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "dotnet")
        {
            Assert.Ignore("This program was carried here without the dotnet that would run the command in a process of its own.");
        }

        const int lines = 200_000;
        const long mostBytes = 500L << 20;
        WriteLines([.. Enumerable.Range(0, lines).Select(i => $"a {i}")]);
        string whole = Path.Combine(_checkpoint.Directory, "whole.npy"), killed = Path.Combine(_checkpoint.Directory, "killed.npy");
        using (Process process = Start(whole))
        {
            long peak = 0;
            Stopwatch watch = Stopwatch.StartNew();
            while (!process.WaitForExit(50))
            {
                peak = Math.Max(peak, PeakBytes(process));
            }

            Assert.That(process.ExitCode, Is.Zero, await process.StandardError.ReadToEndAsync());
            TestContext.Out.WriteLine($"{lines} lines: {peak >> 20} MiB, {watch.Elapsed.TotalSeconds:F1} s");
            Assert.That(peak, Is.Positive.And.LessThan(mostBytes));
        }

        using (Process process = Start(killed))
        {
            while (!File.Exists(killed) || new FileInfo(killed).Length < lines / 4 * RowBytes)
            {
                Assert.That(process.HasExited, Is.False, "it ended before it could be killed");
                await Task.Delay(20);
            }

            process.Kill();
            await process.WaitForExitAsync();
        }

        Assert.That(new FileInfo(killed).Length, Is.LessThan(new FileInfo(whole).Length));
        using (Process process = Start(killed))
        {
            await process.WaitForExitAsync();
            Assert.That(process.ExitCode, Is.Zero, await process.StandardError.ReadToEndAsync());
        }

        Assert.That(File.ReadAllBytes(killed).AsSpan().SequenceEqual(File.ReadAllBytes(whole)), Is.True);
    }

    private static long PeakBytes(Process process)
    {
        try
        {
            process.Refresh();
            return process.PeakWorkingSet64;
        }
        catch (InvalidOperationException) when (process.HasExited)
        {
            return 0;
        }
    }

    private void WriteLines(string[] lines) => File.WriteAllText(Input, string.Concat(lines.Select(line => line + "\n")));

    private async Task<float[][]> Vectors(string[] lines)
    {
        ComputeDevice device = WarplineLibrary.SelectDevice(Device);
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(_checkpoint.Directory, new ModelOptions
        {
            Device = device,
            ActivationType = device.Kind == DeviceKind.Cpu ? ElementType.Float32 : ElementType.BFloat16,
            PackWeights = device.Kind == DeviceKind.Cpu,
            BatchInvariant = true,
        });
        return await encoder.EncodeAsync(lines);
    }

    private static float[][] ReadNpy(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        Assert.That(bytes[..10], Is.EqualTo(new byte[] { 0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 118, 0 }));
        string header = Encoding.ASCII.GetString(bytes, 10, 118);
        float[][] rows = [.. MemoryMarshal.Cast<byte, float>(bytes.AsSpan(HeaderBytes)).ToArray().Chunk(Width)];
        Assert.That(header.TrimEnd(' ', '\n'), Is.EqualTo($"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows.Length}, 64), }}"));
        Assert.That(header, Does.EndWith("\n"));
        return rows;
    }

    private static float[][] ReadJsonLines(string path) => [.. File.ReadLines(path).Select((line, i) =>
    {
        using JsonDocument json = JsonDocument.Parse(line);
        Assert.That(json.RootElement.GetProperty("index").GetInt32(), Is.EqualTo(i));
        return json.RootElement.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle()).ToArray();
    })];

    private string[] Arguments(params string[] options) => ["embed", _checkpoint.Directory, "--device", Device, .. options];

    private Task<(int Code, string Output, string Error)> Run(params string[] options) => CommandRun.Run(Arguments(options), StandardInput);

    private Process Start(string output)
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "Warpline.Cli.dll");
        ProcessStartInfo start = new("dotnet", [assembly, .. Arguments("--input", Input, "--output", output)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
