using System.CommandLine;
using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline info</c>: the library, its devices and, where one is given, a model.</summary>
internal static class InfoCommand
{
    public static Command Create(Terminal terminal)
    {
        SharedOptions shared = new(terminal);
        shared.Model.Arity = ArgumentArity.ZeroOrOne;
        Command command = new("info", """
            Shows the library, its devices and, where one is given, a model.

            Examples:
              warpline info
              warpline info samples/models/storyteller --json
            """)
        {
            shared.Model, shared.Device, shared.Json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            ComputeDevice device = shared.ReadDevice(parsed);
            if (parsed.GetValue(shared.Model) is null)
            {
                Report(terminal, parsed.GetValue(shared.Json), device, []);
                return ExitCode.Done;
            }

            if (shared.IsEncoder(parsed))
            {
                using EncoderModel encoder = await shared.LoadEncoderAsync(parsed, cancellation).ConfigureAwait(false);
                Report(terminal, parsed.GetValue(shared.Json), device, Describe(encoder));
                return ExitCode.Done;
            }

            using TransformerModel model = await shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
            Report(terminal, parsed.GetValue(shared.Json), device, Describe(model));
            return ExitCode.Done;
        });
        return command;
    }

    private static void Report(Terminal terminal, bool json, ComputeDevice device, IEnumerable<(string Name, object Value)> model)
    {
        List<(string Name, object Value)> rows =
        [
            ("version", WarplineLibrary.Version.ToString()),
            ("library", WarplineLibrary.LoadedPath),
            ("threads", (long)WarplineLibrary.ThreadCount),
        ];
        DeviceInfo info = WarplineLibrary.Devices.First(item => item.Device == device);
        rows.Add(("device", device.ToString()));
        rows.Add(("device_name", info.Name));
        rows.Add(("instruction_set", info.InstructionSet));
        rows.Add(("processors", (long)info.ComputeUnits));
        rows.Add(("memory_bytes", info.MemoryBytes));
        rows.Add(("devices", string.Join(", ", WarplineLibrary.Devices.Select(item => item.Device))));
        rows.AddRange(model);
        if (json)
        {
            terminal.WriteJson(writer => WriteObject(writer, rows));
        }
        else
        {
            terminal.Show(rows.Select(row => (row.Name.Replace('_', ' '), row.Value.ToString()!)));
        }
    }

    private static List<(string Name, object Value)> Describe(TransformerModel model)
    {
        ModelConfig config = model.Config;
        return
        [
            ("model_type", config.ModelType),
            ("layers", (long)config.LayerCount),
            ("hidden_size", (long)config.HiddenSize),
            ("intermediate_size", (long)config.IntermediateSize),
            ("query_heads", (long)config.HeadCount),
            ("key_value_heads", (long)config.KeyValueHeadCount),
            ("head_dimension", (long)config.HeadDimension),
            ("vocabulary", (long)config.VocabularySize),
            ("max_positions", (long)config.MaxPositions),
            ("rope", config.Rope.Kind.ToString()),
            ("parameters", model.ParameterCount),
            ("weight_bytes", model.WeightBytes),
            ("tokenizer", model.Tokenizer?.GetType().Name ?? model.TokenizerError ?? "none"),
        ];
    }

    private static List<(string Name, object Value)> Describe(EncoderModel model)
    {
        EncoderConfig config = model.Config;
        return
        [
            ("model_type", config.ModelType),
            ("layers", (long)config.LayerCount),
            ("hidden_size", (long)config.HiddenSize),
            ("intermediate_size", (long)config.IntermediateSize),
            ("heads", (long)config.HeadCount),
            ("head_dimension", (long)config.HiddenSize / config.HeadCount),
            ("vocabulary", (long)config.VocabularySize),
            ("max_tokens", (long)config.MaxTokens),
            ("pooler", model.HasPooler ? "yes" : "no"),
            ("parameters", model.ParameterCount),
            ("weight_bytes", model.WeightBytes),
            ("tokenizer", model.Tokenizer?.GetType().Name ?? model.TokenizerError ?? "none"),
        ];
    }

    private static void WriteObject(Utf8JsonWriter writer, List<(string Name, object Value)> rows)
    {
        writer.WriteStartObject();
        foreach ((string name, object value) in rows)
        {
            if (value is long number)
            {
                writer.WriteNumber(name, number);
            }
            else
            {
                writer.WriteString(name, value.ToString());
            }
        }

        writer.WriteEndObject();
    }
}
