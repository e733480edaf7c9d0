using System.CommandLine;
using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline info</c>: the library, its devices and, where one is given, a model.</summary>
internal static class InfoCommand
{
    public static Command Create(Terminal terminal)
    {
        SharedOptions shared = new();
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
                Report(terminal, parsed.GetValue(shared.Json), device, null);
                return ExitCode.Done;
            }

            using TransformerModel model = await shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
            Report(terminal, parsed.GetValue(shared.Json), device, model);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Report(Terminal terminal, bool json, ComputeDevice device, TransformerModel? model)
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
        if (model is not null)
        {
            ModelConfig config = model.Config;
            rows.Add(("model_type", config.ModelType));
            rows.Add(("layers", (long)config.LayerCount));
            rows.Add(("hidden_size", (long)config.HiddenSize));
            rows.Add(("intermediate_size", (long)config.IntermediateSize));
            rows.Add(("query_heads", (long)config.HeadCount));
            rows.Add(("key_value_heads", (long)config.KeyValueHeadCount));
            rows.Add(("head_dimension", (long)config.HeadDimension));
            rows.Add(("vocabulary", (long)config.VocabularySize));
            rows.Add(("max_positions", (long)config.MaxPositions));
            rows.Add(("rope", config.Rope.Kind.ToString()));
            rows.Add(("parameters", model.ParameterCount));
            rows.Add(("weight_bytes", model.WeightBytes));
            rows.Add(("tokenizer", model.Tokenizer?.GetType().Name ?? model.TokenizerError ?? "none"));
        }

        if (json)
        {
            terminal.WriteJson(writer => WriteObject(writer, rows));
        }
        else
        {
            terminal.Show(rows.Select(row => (row.Name.Replace('_', ' '), row.Value.ToString()!)));
        }
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
