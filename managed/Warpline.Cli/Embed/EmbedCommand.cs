using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Warpline.Transformers;

namespace Warpline.Cli.Embed;

/// <summary><c>warpline embed</c>: lines of text to vectors, in bounded memory.</summary>
internal sealed class EmbedCommand
{
    private readonly SharedOptions _shared;
    private readonly Option<FileInfo?> _input = new("--input", "-i") { Description = "A text file, UTF-8; without it standard input. Bytes that are no UTF-8 become U+FFFD." };
    private readonly Option<FileInfo?> _output = new("--output", "-o")
    {
        Description = "FILE.npy for a float32 array, any other name for JSON lines; without it JSON lines to standard output.",
    };

    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Begin anew where the output exists." };
    private readonly Option<string?> _promptName = new("--prompt-name") { Description = "One of the checkpoint's prompts, put before each line." };
    private readonly Option<string?> _prompt = new("--prompt") { Description = "A prompt itself; \"\" for none." };
    private readonly Option<int?> _batchTokens = NumberOption.Create(
        "--batch-tokens", 1, 1 << 24, $"Tokens of a batch ({EncoderModel.DefaultBatchTokens}, on a GPU {EncoderModel.DefaultGpuBatchTokens}).");

    private readonly Terminal _terminal;

    private EmbedCommand(Terminal terminal) => (_terminal, _shared) = (terminal, new SharedOptions(terminal));

    public static Command Create(Terminal terminal)
    {
        EmbedCommand self = new(terminal);
        Command command = new("embed", """
            Turns each line of a text into a vector, with an encoder's folder as sentence-transformers writes it. Empty lines
            count. Memory does not grow with the input. A JSON line is {"index":0,"embedding":[...]}.

            An output file that exists is continued after its last complete row, so a run that was killed is repeated as it was;
            first and last row must be what the model gives for the input's lines, else the command fails. Vectors do not
            depend on how lines are batched, bit for bit.

            Exit codes: 0 done, 1 failed (also: the output holds something else), 2 wrong usage, 3 no such device, 130 cancelled.

            Examples:
              warpline embed all-MiniLM-L6-v2 --input lines.txt --output vectors.npy
              echo "How do I reset my password?" | warpline embed all-MiniLM-L6-v2
            """)
        {
            self._shared.Model, self._input, self._output, self._overwrite, self._promptName, self._prompt, self._batchTokens,
            self._shared.Type, self._shared.Device, self._shared.Json,
        };
        command.SetAction(self.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        FileInfo? source = parsed.GetValue(_input);
        string? output = parsed.GetValue(_output) is FileInfo given ? OutputFile.Require(given, "--output") : null;
        if (source is not null && OutputFile.Resolve(source) == output)
        {
            throw new UsageException($"--input and --output are both {output}; two files are required.");
        }

        ModelOptions options = _shared.ReadModelOptions(parsed);
        options = options with { PackWeights = options.Device.Kind == DeviceKind.Cpu, BatchInvariant = true };
        using SentenceEncoder encoder = await LoadAsync(parsed, options, cancellation).ConfigureAwait(false);
        EncodeOptions encode = ReadPrompt(parsed, encoder);

        // What a checkpoint lacks is said before the output is touched.
        encoder.Tokenize("", encode);
        using StreamReader? input = source?.OpenText();
        LineReader lines = new(input ?? _terminal.Input);
        if (output is null)
        {
            await WriteToTerminalAsync(encoder, lines, encode, cancellation).ConfigureAwait(false);
            return ExitCode.Done;
        }

        using EmbeddingFile file = EmbeddingFile.Open(output, encoder.Dimensions, parsed.GetValue(_overwrite));
        long resumed = file.Rows;
        await SkipAsync(encoder, lines, encode, file, cancellation).ConfigureAwait(false);
        file.Continue();
        Stopwatch watch = Stopwatch.StartNew();
        using ProgressLine progress = new(_terminal);
        await foreach (float[] row in encoder.EncodeStreamAsync(lines.ReadAsync(cancellation), encode, cancellation).ConfigureAwait(false))
        {
            RequireFinite(row, file.Rows);
            file.Write(row);
            progress.Show(() => Lines(file.Rows, file.Rows - resumed, watch.Elapsed));
        }

        file.Complete();
        progress.Dispose();
        Report(parsed.GetValue(_shared.Json), output, file.Rows, resumed, encoder, watch.Elapsed);
        return ExitCode.Done;
    }

    private async Task<SentenceEncoder> LoadAsync(ParseResult parsed, ModelOptions options, CancellationToken cancellation)
    {
        using LoadingLine progress = new(_terminal);
        return await SentenceEncoder.LoadAsync(
            parsed.GetValue(_shared.Model)!.FullName, options, parsed.GetValue(_batchTokens), progress, cancellation).ConfigureAwait(false);
    }

    private EncodeOptions ReadPrompt(ParseResult parsed, SentenceEncoder encoder)
    {
        string? name = parsed.GetValue(_promptName), prompt = parsed.GetValue(_prompt);
        if (name is not null && prompt is not null)
        {
            throw new UsageException("--prompt-name and --prompt are both given; one of them is required.");
        }

        return name is null || encoder.Prompts.ContainsKey(name)
            ? new EncodeOptions { PromptName = name, Prompt = prompt }
            : throw new UsageException(encoder.Prompts.Count == 0
                ? $"--prompt-name is \"{name}\"; the checkpoint has no prompts."
                : $"--prompt-name is \"{name}\"; one of {string.Join(", ", encoder.Prompts.Keys)} is required.");
    }

    private async Task WriteToTerminalAsync(
        SentenceEncoder encoder, LineReader lines, EncodeOptions encode, CancellationToken cancellation)
    {
        long index = 0;
        JsonLine line = new();
        Stopwatch watch = Stopwatch.StartNew();

        // Where the rows themselves are on the screen they are the progress.
        using ProgressLine? progress = _terminal.Interactive ? null : new(_terminal);
        await foreach (float[] row in encoder.EncodeStreamAsync(lines.ReadAsync(cancellation), encode, cancellation).ConfigureAwait(false))
        {
            RequireFinite(row, index);
            _terminal.Output.Write(System.Text.Encoding.UTF8.GetString(line.Format(index++, row)));
            progress?.Show(() => Lines(index, index, watch.Elapsed));
        }

        _terminal.Output.Flush();
    }

    /// <summary>Reads past the lines whose rows the file has, and holds its first and last row to them.</summary>
    private static async Task SkipAsync(
        SentenceEncoder encoder, LineReader lines, EncodeOptions encode, EmbeddingFile file, CancellationToken cancellation)
    {
        string first = "", last = "";
        for (long row = 0; row < file.Rows; row++)
        {
            last = await lines.NextAsync(cancellation).ConfigureAwait(false) ?? throw new InvalidDataException(
                $"{file.Path}: the file has {file.Rows} rows, but the input only {row} lines; {EmbeddingFile.Remedy}");
            first = row == 0 ? last : first;
        }

        if (file.Rows == 0)
        {
            return;
        }

        int size = encoder.Dimensions;
        float[] expected = new float[2 * size];
        encoder.Encode([first, last], expected, encode);
        file.Verify(0, expected.AsSpan(0, size));
        file.Verify(file.Rows - 1, expected.AsSpan(size));
    }

    private static string Lines(long all, long now, TimeSpan elapsed) => string.Create(
        CultureInfo.InvariantCulture, $"{all} lines, {now / elapsed.TotalSeconds:F0} lines/s");

    // Weights that are no numbers, or activations past the range of their type.
    private static void RequireFinite(float[] row, long line)
    {
        int place = Array.FindIndex(row, value => !float.IsFinite(value));
        if (place >= 0)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture,
                $"Line {line + 1} of the input gives a vector with {row[place]} at place {place}; finite numbers are required. Are the weights whole?"));
        }
    }

    private void Report(bool json, string path, long rows, long resumed, SentenceEncoder encoder, TimeSpan elapsed)
    {
        if (!json)
        {
            string before = resumed == 0 ? "" : $", {resumed} of them there before";
            _terminal.Note(string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: {rows} rows of {encoder.Dimensions} numbers{before}; {(rows - resumed) / elapsed.TotalSeconds:F0} lines/s"));
            return;
        }

        _terminal.WriteJson(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("output", path);
            writer.WriteNumber("rows", rows);
            writer.WriteNumber("resumed_rows", resumed);
            writer.WriteNumber("dimensions", encoder.Dimensions);
            writer.WriteString("dtype", encoder.Model.Options.ActivationType.ToString().ToLowerInvariant());
            writer.WriteNumber("seconds", elapsed.TotalSeconds);
            writer.WriteEndObject();
        });
    }
}
