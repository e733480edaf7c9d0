using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline inspect</c>: what a checkpoint holds and takes, without loading it.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        SharedOptions shared = new(terminal);
        Option<int?> context = NumberOption.Create<int>(
            "--context", "Tokens to plan a session for; if not given a decoder's positions, or an encoder's usual batch.");
        Command command = new("inspect", """
            Shows a checkpoint's tensors (name, type, shape, bytes), its architecture as config.json says, its parameters, and the
            memory that running it would take with --device, --dtype and --pack. Only config.json and the headers of the weights
            are read, and the device need not exist here.

            Memory: weights are what is read of the files and not freed again, with converted and packed copies, or a
            GPU's copies (device bytes); the cache's bytes per token and for the context; working bytes for activations, a row of
            logits and rotary tables. Scratch memory of operations comes in addition.

            A model that would not load is shown all the same, with the reason under "not served".

            Examples:
              warpline inspect samples/models/storyteller
              warpline inspect MODEL --device cuda --dtype bfloat16 --context 8192 --json
            """)
        {
            shared.Model, context, shared.Pack, shared.Type, shared.Device, shared.Json,
        };
        command.SetAction(parsed =>
        {
            ModelOptions options = shared.ReadModelOptions(parsed, WarplineLibrary.SelectDevice(parsed.GetValue(shared.Device)!));
            string directory = parsed.GetValue(shared.Model)!.FullName;
            CheckpointInspection found = SamplingOptions.Start(() => CheckpointInspection.Read(directory, options));
            Report.Write(terminal, parsed.GetValue(shared.Json), Describe(directory, found, options, parsed.GetValue(context)));
        });
        return command;
    }

    private static JsonObject Describe(string directory, CheckpointInspection found, ModelOptions options, int? context)
    {
        JsonObject report = new()
        {
            ["model"] = directory,
            ["files"] = found.Tensors.Select(tensor => tensor.File).Distinct().Count(),
            ["tensor_count"] = found.Tensors.Count,
            ["tensor_bytes"] = found.Tensors.Sum(tensor => tensor.ByteCount),
            ["not_served"] = found.NotServed,
            ["architecture"] = found.Decoder is not null ? ModelDescription.Of(found.Decoder)
                : found.Encoder is not null ? ModelDescription.Of(found.Encoder)
                : Stated(found.Configuration),
        };
        if (found.Weights is WeightAccount weights)
        {
            SessionMemory session = SamplingOptions.Start(() => found.GetSessionMemory(context));
            report["parameters"] = weights.ParameterCount;
            report["device"] = options.Device.ToString();
            report["dtype"] = options.ActivationType.ToString().ToLowerInvariant();
            report["memory"] = new JsonObject
            {
                ["weights"] = ModelDescription.Of(weights),
                ["cache_bytes_per_token"] = session.CacheBytesPerToken,
                [found.Encoder is null ? "context" : "batch_tokens"] = session.Tokens,
                ["cache_bytes"] = session.CacheBytes,
                ["working_bytes"] = session.WorkingBytes,
                ["total_bytes"] = weights.MemoryBytes + session.CacheBytes + session.WorkingBytes,
            };
            report["unused_tensors"] = Report.List(weights.UnusedTensors);
        }

        report["tensors"] = new JsonArray([.. found.Tensors.Select(tensor => new JsonObject
        {
            ["name"] = tensor.Name,
            ["dtype"] = tensor.Type,
            ["shape"] = new JsonArray([.. tensor.Shape.Select(extent => (JsonNode)extent)]),
            ["bytes"] = tensor.ByteCount,
            ["file"] = tensor.File,
        })]);
        return report;
    }

    /// <summary>What config.json says itself: its numbers, texts and flags, and the architectures.</summary>
    private static JsonObject Stated(IReadOnlyDictionary<string, JsonElement> configuration)
    {
        JsonObject result = [];
        foreach ((string key, JsonElement value) in configuration)
        {
            if (key == "architectures" || value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null))
            {
                result[key] = JsonNode.Parse(value.GetRawText());
            }
        }

        return result;
    }
}
