using System.CommandLine;
using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline logits</c>: the model's raw logits for given tokens, to compare with another engine.</summary>
internal static class LogitsCommand
{
    // Rows of logits that are held at once.
    private const long ChunkBytes = 32 << 20;
    private const int MostChunkTokens = 512;

    public static Command Create(Terminal terminal)
    {
        SharedOptions shared = new(terminal);
        Option<FileInfo> tokens = new("--tokens-file") { Description = "A JSON list of lists of token ids.", Required = true };
        Option<FileInfo> output = new("--output", "-o") { Description = "The safetensors file to write.", Required = true };
        Command command = new("logits", """
            Runs lists of token ids and writes the logits as safetensors: logits.0, logits.1, ..., each [tokens, vocabulary]
            in float32, row t after token t. An encoder writes last_hidden_state.0, ..., each [tokens, hidden size], and, where it
            has a pooler, pooler_output.0, ..., each [hidden size]. No token is added. This is how to check parity with another
            engine.

            Examples:
              echo '[[0, 621, 620, 260, 470]]' > ids.json
              warpline logits samples/models/storyteller --tokens-file ids.json --output logits.safetensors
            """)
        {
            shared.Model, tokens, output, shared.Type, shared.RotaryType, shared.Device, shared.Json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            // Before the model is loaded: a bad list should not cost that time.
            int[][] lists = TokenLists.Load(parsed.GetValue(tokens)!.FullName);
            string path = OutputFile.Require(parsed.GetValue(output)!, "--output");
            bool json = parsed.GetValue(shared.Json);
            if (shared.IsEncoder(parsed))
            {
                using EncoderModel encoder = await shared.LoadEncoderAsync(parsed, cancellation).ConfigureAwait(false);
                HiddenStates.Write(terminal, encoder, lists, path, cancellation);
                HiddenStates.Report(terminal, json, encoder, lists, path);
                return ExitCode.Done;
            }

            using TransformerModel model = await shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
            Write(terminal, model, lists, path, cancellation);
            int vocabulary = model.Config.VocabularySize;
            Report(
                terminal, json, lists, path, $"{vocabulary} logits", model.Options.ActivationType,
                writer => writer.WriteNumber("vocabulary", vocabulary));
            return ExitCode.Done;
        });
        return command;
    }

    private static void Write(Terminal terminal, TransformerModel model, int[][] lists, string path, CancellationToken cancellation)
    {
        int vocabulary = model.Config.VocabularySize;
        TokenLists.Require(lists, model.Config.MaxPositions, vocabulary);
        long total = lists.Sum(list => (long)list.Length), done = 0;
        int capacity = Math.Max(1, lists.Max(list => list.Length));
        using DecoderSession session = model.CreateSession(capacity);
        int chunk = (int)Math.Clamp(ChunkBytes / sizeof(float) / vocabulary, 1, MostChunkTokens);
        using SafetensorsWriter writer = SafetensorsWriter.Create(
            path,
            [.. lists.Select((list, index) =>
                new SafetensorsDeclaration($"logits.{index}", SafetensorsType.Float32, [list.Length, vocabulary]))]);
        using ProgressLine progress = new(terminal);
        foreach (int[] list in lists)
        {
            session.Truncate(0);
            for (int from = 0; from < list.Length; from += chunk)
            {
                cancellation.ThrowIfCancellationRequested();
                ReadOnlySpan<int> tokens = list.AsSpan(from, Math.Min(chunk, list.Length - from));
                writer.Write(session.Forward(tokens, LogitsMode.All));
                progress.Show("logits", (double)(done += tokens.Length) / total);
            }
        }

        writer.Complete();
    }

    /// <summary>Says what was written: in JSON, where <paramref name="describe"/> adds the rows' properties, or as a line.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="json">Whether in JSON.</param>
    /// <param name="lists">The lists of tokens.</param>
    /// <param name="path">The file.</param>
    /// <param name="row">What is written for each token, in words.</param>
    /// <param name="type">The type of the model's activations.</param>
    /// <param name="describe">Writes the properties.</param>
    internal static void Report(
        Terminal terminal, bool json, int[][] lists, string path, string row, ElementType type, Action<Utf8JsonWriter> describe)
    {
        if (!json)
        {
            terminal.Note($"{path}: {lists.Length} lists, {lists.Sum(list => (long)list.Length)} tokens, {row} each");
            return;
        }

        terminal.WriteJson(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("output", path);
            writer.WriteNumber("lists", lists.Length);
            writer.WriteNumberList("tokens", lists.Select(list => list.Length));
            describe(writer);
            writer.WriteString("dtype", type.ToString().ToLowerInvariant());
            writer.WriteEndObject();
        });
    }
}
