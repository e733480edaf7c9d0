using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.Tokenizers;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline perplexity</c>: how well a decoder foresees a text.</summary>
internal sealed class PerplexityCommand
{
    private readonly SharedOptions _shared;
    private readonly Option<FileInfo?> _input = new("--input", "-i") { Description = "A text file, UTF-8; without it standard input." };
    private readonly Option<FileInfo?> _tokens = new("--tokens-file")
    {
        Description = "In place of a text: a JSON list of lists of token ids, each a document as it is.",
    };

    private readonly Option<string?> _separator = new("--separator")
    {
        Description = @"Between documents, which are scored each for itself; \n, \t and \\ are line break, tab and backslash.",
    };

    private readonly Option<bool> _end = new("--eos") { Description = "Each document ends with the end-of-sequence token, scored too." };
    private readonly Option<int?> _context = NumberOption.Create<int>(
        "--context", $"Most tokens of a window; the model's positions, {TransformerModel.DefaultCapacity} at most, if not given.");

    private readonly Option<int?> _stride = NumberOption.Create<int>("--stride", "Tokens from window to window; half the context if not given.");
    private readonly Terminal _terminal;

    private PerplexityCommand(Terminal terminal) => (_terminal, _shared) = (terminal, new SharedOptions(terminal));

    public static Command Create(Terminal terminal)
    {
        PerplexityCommand self = new(terminal);
        Command command = new("perplexity", """
            Scores a text with a decoder: the mean over its tokens of -log(probability given what is before), in nats (nll), and
            its exponential, the perplexity. The tokenizer begins each document as it begins any text.

            A document longer than --context runs in windows, one every --stride tokens, as transformers' page "Perplexity of
            fixed-length models" does it: each window scores the tokens that none before it scored, so each has at least context -
            stride tokens before it. With a stride of the whole context the windows are apart, and the first token of each is not
            scored. A smaller stride costs more and judges more fairly.

            Examples:
              warpline perplexity MODEL --input text.txt --context 1024 --stride 512
              warpline perplexity samples/models/storyteller --input samples/models/storyteller/heldout.txt --eos \
                --separator '\n<|end|>\n'
            """)
        {
            self._shared.Model, self._input, self._tokens, self._separator, self._end, self._context, self._stride, self._shared.Pack,
            self._shared.Type, self._shared.RotaryType, self._shared.Device, self._shared.Json,
        };
        command.SetAction(self.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        // Before the model is loaded: a bad list should not cost that time.
        int[][]? lists = ReadLists(parsed);
        using TransformerModel model = await _shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
        using TextScorer scorer = SamplingOptions.Start(() => new TextScorer(model, parsed.GetValue(_context), parsed.GetValue(_stride)));
        lists ??= await ReadTextAsync(parsed, model, cancellation).ConfigureAwait(false);
        TokenLists.Require(lists, null, model.Config.VocabularySize);
        Stopwatch watch = Stopwatch.StartNew();
        TextScore score = Score(scorer, lists, cancellation);
        if (score.ScoredTokens == 0)
        {
            throw new InvalidDataException(
                $"{lists.Length} documents with {lists.Sum(list => (long)list.Length)} tokens have none to score; a document of at least 2 tokens is required.");
        }

        Report(parsed.GetValue(_shared.Json), scorer, lists, score, watch.Elapsed);
        return ExitCode.Done;
    }

    private int[][]? ReadLists(ParseResult parsed)
    {
        FileInfo? tokens = parsed.GetValue(_tokens);
        if (tokens is null)
        {
            return null;
        }

        return parsed.GetValue(_input) is null && parsed.GetValue(_separator) is null && !parsed.GetValue(_end)
            ? TokenLists.Load(tokens.FullName)
            : throw new UsageException("--tokens-file holds documents as they are; --input, --separator and --eos go with a text.");
    }

    private async Task<int[][]> ReadTextAsync(ParseResult parsed, TransformerModel model, CancellationToken cancellation)
    {
        Tokenizer tokenizer = SharedOptions.RequireTokenizer(model, "give --tokens-file");
        int[] end = !parsed.GetValue(_end) ? []
            : model.Config.EndOfSequenceIds is [int id, ..] ? [id]
            : throw new UsageException("--eos is given, but the model's config.json names no end-of-sequence token.");
        string text = parsed.GetValue(_input) is FileInfo file
            ? await File.ReadAllTextAsync(file.FullName, cancellation).ConfigureAwait(false)
            // A console's reader does not look at the cancellation while it waits.
            : await Task.Run(_terminal.Input.ReadToEnd, cancellation).WaitAsync(cancellation).ConfigureAwait(false);
        string? separator = parsed.GetValue(_separator);
        string[] documents = separator is null ? [text] : text.Split(Unescape(separator), StringSplitOptions.RemoveEmptyEntries);
        return [.. documents.Select(document => (int[])[.. tokenizer.EncodeToIds(document), .. end])];
    }

    /// <summary>The separator with its escapes, which shells do not all have.</summary>
    private static string Unescape(string text)
    {
        if (text.Length == 0)
        {
            throw new UsageException("--separator is empty; a text is required.");
        }

        string[] parts = text.Split(@"\\");
        return string.Join('\\', parts.Select(part => part.Replace(@"\n", "\n", StringComparison.Ordinal).Replace(@"\t", "\t", StringComparison.Ordinal)));
    }

    private TextScore Score(TextScorer scorer, int[][] lists, CancellationToken cancellation)
    {
        using ProgressLine line = new(_terminal);
        ScoreProgress progress = new(line, Math.Max(1, lists.Sum(list => (long)list.Length)));
        foreach (int[] list in lists)
        {
            progress.Before += scorer.Score(list, progress, cancellation);
        }

        return progress.Before;
    }

    private void Report(bool json, TextScorer scorer, int[][] lists, TextScore score, TimeSpan elapsed)
    {
        long tokens = lists.Sum(list => (long)list.Length);
        if (!json)
        {
            _terminal.Show(
            [
                ("perplexity", score.Perplexity.ToString("G9", CultureInfo.InvariantCulture)),
                ("nll", score.MeanNegativeLogLikelihood.ToString("G9", CultureInfo.InvariantCulture)),
                ("scored tokens", $"{score.ScoredTokens} of {tokens} in {lists.Length} documents"),
                ("windows", $"context {scorer.Context}, stride {scorer.Stride}"),
            ]);
            return;
        }

        _terminal.WriteJson(writer =>
        {
            writer.WriteStartObject();
            writer.WriteFiniteNumber("perplexity", score.Perplexity);
            writer.WriteFiniteNumber("nll", score.MeanNegativeLogLikelihood);
            writer.WriteNumber("scored_tokens", score.ScoredTokens);
            writer.WriteNumber("tokens", tokens);
            writer.WriteNumber("documents", lists.Length);
            writer.WriteNumber("context", scorer.Context);
            writer.WriteNumber("stride", scorer.Stride);
            writer.WriteNumber("seconds", elapsed.TotalSeconds);
            writer.WriteEndObject();
        });
    }

    /// <summary>The part of the tokens that is scored, with the perplexity so far.</summary>
    private sealed class ScoreProgress(ProgressLine line, long tokens) : IProgress<TextScore>
    {
        /// <summary>The score of the documents that are done.</summary>
        public TextScore Before { get; set; }

        public void Report(TextScore value)
        {
            TextScore all = Before + value;
            line.Show("perplexity", (double)all.ScoredTokens / tokens, all.Perplexity.ToString("G5", CultureInfo.InvariantCulture));
        }
    }
}
