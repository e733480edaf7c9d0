using System.CommandLine;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline tokenize</c>: text to token ids and back.</summary>
internal static class TokenizeCommand
{
    public static Command Create(Terminal terminal)
    {
        SharedOptions shared = new(terminal);
        Option<string?> text = new("--text", "-t") { Description = "The text; without it, --file or --decode." };
        Option<FileInfo?> file = new("--file", "-f") { Description = "A file with the text, UTF-8." };
        Option<int[]> ids = NumberOption.CreateList("--decode", "Token ids to turn into text.", "ID");
        Option<bool> plain = new("--no-special-tokens")
        {
            Description = "Leave out the special tokens: those put around a text, or, with --decode, all.",
        };
        Command command = new("tokenize", """
            Turns text into token ids, or token ids into text, with a checkpoint's tokenizer.json.

            Examples:
              warpline tokenize samples/models/storyteller --text "Once upon a time"
              warpline tokenize samples/models/storyteller --decode 621 620 260 470
            """)
        {
            shared.Model, text, file, ids, plain, shared.Device, shared.Json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            shared.ReadDevice(parsed);
            int given = (parsed.GetValue(text) is null ? 0 : 1) + (parsed.GetValue(file) is null ? 0 : 1)
                + (parsed.GetValue(ids) is { Length: > 0 } ? 1 : 0);
            if (given != 1)
            {
                throw new UsageException($"{given} of --text, --file and --decode are given; exactly one is required.");
            }

            var tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(parsed.GetValue(shared.Model)!.FullName);
            bool json = parsed.GetValue(shared.Json);
            bool special = !parsed.GetValue(plain);
            if (parsed.GetValue(ids) is { Length: > 0 } list)
            {
                int unknown = Array.FindIndex(list, id => !tokenizer.TryGetToken(id, out _));
                if (unknown >= 0)
                {
                    throw new UsageException($"--decode has {list[unknown]} at place {unknown}; the id of a token is required.");
                }

                WriteText(terminal, json, list, tokenizer.Decode(list, skipSpecialTokens: !special));
                return ExitCode.Done;
            }

            string input = parsed.GetValue(text)
                ?? await File.ReadAllTextAsync(parsed.GetValue(file)!.FullName, cancellation).ConfigureAwait(false);
            WriteIds(terminal, json, tokenizer, tokenizer.Encode(input, addSpecialTokens: special));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteText(Terminal terminal, bool json, int[] ids, string text)
    {
        if (!json)
        {
            terminal.Output.WriteLine(text);
            return;
        }

        terminal.WriteJson(writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumberList("ids", ids);
            writer.WriteString("text", text);
            writer.WriteEndObject();
        });
    }

    private static void WriteIds(Terminal terminal, bool json, PipelineTokenizer tokenizer, IReadOnlyList<int> ids)
    {
        if (!json)
        {
            terminal.Output.WriteLine(string.Join(' ', ids));
            return;
        }

        terminal.WriteJson(writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("count", ids.Count);
            writer.WriteNumberList("ids", ids);
            writer.WriteStartArray("texts");
            var decoder = new TokenStreamDecoder(tokenizer);
            for (int i = 0; i < ids.Count; i++)
            {
                writer.WriteStringValue(decoder.Append(ids[i]) + (i + 1 < ids.Count ? "" : decoder.Flush()));
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
