using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline info</c>: the library, its devices and kernels and, where one is given, a model.</summary>
internal static class InfoCommand
{
    public static Command Create(Terminal terminal)
    {
        SharedOptions shared = new(terminal);
        shared.Model.Arity = ArgumentArity.ZeroOrOne;
        Command command = new("info", """
            Shows the library and where it was looked for, all devices, the kernels that serve the operations on --device and,
            where one is given, a model, with what loading it made of its weights: bytes that are used as the files hold them
            (stored), freed again, converted, packed or copied to a GPU, and tensors that are not used.

            Instruction sets are those that the library has kernels for and the processor has. Kernels are the names that the
            library gives after a small call of each operation; others may serve other shapes.

            Examples:
              warpline info
              warpline info samples/models/storyteller --json
            """)
        {
            shared.Model, shared.Pack, shared.Type, shared.Device, shared.Json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject report = Describe(shared.ReadDevice(parsed));
            if (parsed.GetValue(shared.Model) is not null)
            {
                Stopwatch watch = Stopwatch.StartNew();
                if (shared.IsEncoder(parsed))
                {
                    using EncoderModel encoder = await shared.LoadEncoderAsync(parsed, cancellation).ConfigureAwait(false);
                    AddLoad(report, encoder.WeightAccount, watch.Elapsed);
                    report["model"] = Describe(encoder);
                }
                else
                {
                    using TransformerModel model = await shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
                    AddLoad(report, model.WeightAccount, watch.Elapsed);
                    report["model"] = Describe(model);
                }
            }

            Report.Write(terminal, parsed.GetValue(shared.Json), report);
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject Describe(ComputeDevice device) => new()
    {
        ["version"] = WarplineLibrary.Version.ToString(),
        ["abi_version"] = WarplineLibrary.AbiVersion,
        ["library"] = WarplineLibrary.LoadedPath,
        ["load_attempts"] = new JsonArray([.. WarplineLibrary.LoadLog.Select(attempt => new JsonObject
        {
            ["path"] = attempt.Path,
            ["origin"] = attempt.Origin,
            ["result"] = attempt.Failure ?? "loaded",
        })]),
        ["command"] = typeof(InfoCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        ["runtime"] = $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}",
        ["threads"] = WarplineLibrary.ThreadCount,
        ["devices"] = new JsonArray([.. WarplineLibrary.Devices.Select(Describe)]),
        ["no_cuda"] = WhyNoCuda(),
        ["device"] = device.ToString(),
        ["kernels"] = KernelProbe.Run(device),
    };

    private static JsonObject Describe(DeviceInfo info) => new()
    {
        ["device"] = info.Device.ToString(),
        ["name"] = info.Name,
        ["instruction_set"] = info.InstructionSet,
        ["instruction_sets"] = info.Device.Kind == DeviceKind.Cpu ? Report.List(InstructionSets()) : null,
        ["compute_units"] = info.ComputeUnits,
        ["memory_bytes"] = info.MemoryBytes,
    };

    /// <summary>The sets that the library takes on this processor; it refuses what the processor lacks.</summary>
    private static IEnumerable<string> InstructionSets()
    {
        foreach (string set in new[] { "avx2", "avx512", "avx512_bf16" })
        {
            bool taken;
            try
            {
                WarplineLibrary.Override(LibraryOption.CpuInstructionSet, set).Dispose();
                taken = true;
            }
            catch (WarplineException exception) when (exception.Status == WarplineStatus.Unsupported)
            {
                taken = false;
            }

            if (taken)
            {
                yield return set;
            }
        }
    }

    /// <summary>Why there is no GPU; null where there is one.</summary>
    private static string? WhyNoCuda()
    {
        try
        {
            WarplineLibrary.GetDevice(ComputeDevice.Cuda());
            return null;
        }
        catch (WarplineException exception)
        {
            return exception.Message;
        }
    }

    private static void AddLoad(JsonObject report, WeightAccount weights, TimeSpan elapsed)
    {
        JsonObject load = ModelDescription.Of(weights);
        load["seconds"] = elapsed.TotalSeconds;
        load["unused_tensors"] = Report.List(weights.UnusedTensors);
        report["load"] = load;
    }

    private static JsonObject Describe(TransformerModel model)
    {
        JsonObject result = ModelDescription.Of(model.Config);
        result["parameters"] = model.ParameterCount;
        result["tokenizer"] = ModelDescription.Tokenizer(model.Tokenizer, model.TokenizerError);
        return result;
    }

    private static JsonObject Describe(EncoderModel model)
    {
        JsonObject result = ModelDescription.Of(model.Config);
        result["pooler"] = model.HasPooler;
        result["parameters"] = model.ParameterCount;
        result["tokenizer"] = ModelDescription.Tokenizer(model.Tokenizer, model.TokenizerError);
        return result;
    }
}
