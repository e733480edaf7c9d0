using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline generate</c>: continues a text or token ids.</summary>
internal sealed class GenerateCommand
{
    private readonly SharedOptions _shared;
    private readonly Option<string?> _prompt = new("--prompt", "-p") { Description = "The text to continue." };
    private readonly Option<int[]> _ids = NumberOption.CreateList(
        "--ids", "Token ids to continue, in place of a text; nothing is added to them.", "ID");

    private readonly Option<int?> _topLogProbabilities = NumberOption.Create<int>(
        "--top-logprobs", "Report so many tokens a step (with --json).");

    private readonly SamplingOptions _sampling = new();

    private readonly Terminal _terminal;

    private GenerateCommand(Terminal terminal) => (_terminal, _shared) = (terminal, new SharedOptions(terminal));

    public static Command Create(Terminal terminal)
    {
        GenerateCommand self = new(terminal);
        Command command = new("generate", """
            Continues a text (or token ids), as a stream. Sampling settings that are not given come from the checkpoint's
            generation_config.json; without any the most probable token is taken.

            Examples:
              warpline generate samples/models/storyteller --prompt "Once upon a time"
              warpline generate MODEL -p "Zoe was a curious" --temperature 0.8 --top-p 0.95 --seed 7 --max-tokens 100
              warpline generate MODEL --ids 1 15043 --max-tokens 16 --json
            """)
        {
            self._shared.Model, self._prompt, self._ids, self._topLogProbabilities, self._shared.Pack, self._shared.Type, self._shared.Device,
            self._shared.Json,
        };
        self._sampling.AddTo(command);
        command.SetAction(self.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string? prompt = parsed.GetValue(_prompt);
        int[] ids = parsed.GetValue(_ids) ?? [];
        if (prompt is null == (ids.Length == 0))
        {
            throw new UsageException("Either --prompt or --ids is required, and not both.");
        }

        bool json = parsed.GetValue(_shared.Json);
        using TransformerModel model = await _shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
        if (prompt is not null)
        {
            ids = [.. SharedOptions.RequireTokenizer(model, "give --ids").EncodeToIds(prompt)];
        }

        await using TextGenerator generator = new(model);
        List<GeneratedToken> tokens = [];
        Stopwatch watch = Stopwatch.StartNew();
        TimeSpan first = default;
        GenerationOptions options = _sampling.Read(parsed) with { TopLogProbabilities = parsed.GetValue(_topLogProbabilities) ?? 0 };
        await foreach (GeneratedToken token in SamplingOptions
            .Start(() => generator.GenerateAsync(ids, options, cancellation)).ConfigureAwait(false))
        {
            first = tokens.Count == 0 ? watch.Elapsed : first;
            tokens.Add(token);
            if (!json)
            {
                Show(token, model.Tokenizer is not null);
            }
        }

        TimeSpan rest = watch.Elapsed - first;
        if (json)
        {
            WriteJson(ids, tokens, first, rest);
            return ExitCode.Done;
        }

        _terminal.Output.WriteLine();
        if (_terminal.Interactive)
        {
            _terminal.Note($"[{ids.Length} + {tokens.Count} tokens, {tokens[^1].FinishReason}, "
                + $"{ids.Length / first.TotalSeconds:F0} tokens/s prefill, {(tokens.Count - 1) / rest.TotalSeconds:F0} tokens/s decode]");
        }

        return ExitCode.Done;
    }

    private void Show(GeneratedToken token, bool hasText)
    {
        // A model without a tokenizer shows its ids.
        _terminal.Output.Write(hasText ? token.Text : $"{token.Id} ");
        _terminal.Output.Flush();
    }

    private void WriteJson(int[] prompt, List<GeneratedToken> tokens, TimeSpan first, TimeSpan rest) => _terminal.WriteJson(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumberList("prompt_ids", prompt);
        writer.WriteNumberList("ids", tokens.Select(token => token.Id));
        writer.WriteString("text", string.Concat(tokens.Select(token => token.Text)));
        writer.WriteString("finish_reason", tokens[^1].FinishReason.ToString());
        writer.WriteNumber("prefill_seconds", first.TotalSeconds);
        writer.WriteNumber("decode_seconds", rest.TotalSeconds);
        writer.WriteStartArray("tokens");
        foreach (GeneratedToken token in tokens)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", token.Id);
            writer.WriteString("text", token.Text);
            writer.WriteFiniteNumber("log_probability", token.LogProbability);
            if (token.TopLogProbabilities.Count != 0)
            {
                WriteTop(writer, token.TopLogProbabilities);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void WriteTop(Utf8JsonWriter writer, IReadOnlyList<TokenLogProbability> top)
    {
        writer.WriteStartArray("top_log_probabilities");
        foreach (TokenLogProbability item in top)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", item.Id);
            writer.WriteFiniteNumber("log_probability", item.LogProbability);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
