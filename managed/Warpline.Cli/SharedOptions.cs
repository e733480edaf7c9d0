using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.ML.Tokenizers;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary>Arguments that several verbs have.</summary>
internal sealed class SharedOptions(Terminal terminal)
{
    public Argument<DirectoryInfo> Model { get; } = new("MODEL")
    {
        Description = "Folder of a checkpoint in Hugging Face layout: config.json, *.safetensors, tokenizer.json.",
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Write the result as JSON." };

    public Option<string> Device { get; } = new("--device")
    {
        Description = "cpu, cuda[:N], or emu: a GPU emulated on the CPU, for tests; exit code 3 where there is no such device.",
        HelpName = "cpu|cuda[:N]|emu",
        DefaultValueFactory = _ => "cpu",
        Validators = { CheckDevice },
        CompletionSources = { "cpu", "cuda", "emu" },
    };

    public Option<string?> Type { get; } = new Option<string?>("--dtype")
    {
        Description = "Type of activations and cache: float32 (default on the CPU), bfloat16 (default on CUDA) or float16.",
        HelpName = "float32|bfloat16|float16",
    }.AcceptOnlyFromAmong("float32", "bfloat16", "float16");

    public Option<string> RotaryType { get; } = new Option<string>("--rope-dtype")
    {
        Description = "Round the rotary frequencies to this type, as engines do that cast the whole model.",
        HelpName = "float32|bfloat16|float16",
        DefaultValueFactory = _ => "float32",
    }.AcceptOnlyFromAmong("float32", "bfloat16", "float16");

    public Option<bool> Pack { get; } = new("--pack") { Description = "Pack weights at load: more memory, faster prefill." };

    /// <summary>The device that was asked for, if this machine and library have it.</summary>
    /// <exception cref="WarplineException">There is no such device.</exception>
    public ComputeDevice ReadDevice(ParseResult parsed)
    {
        ComputeDevice device = WarplineLibrary.SelectDevice(parsed.GetValue(Device)!);
        WarplineLibrary.GetDevice(device);
        return device;
    }

    /// <summary>How the model is to compute.</summary>
    public ModelOptions ReadModelOptions(ParseResult parsed) => ReadModelOptions(parsed, ReadDevice(parsed));

    /// <summary>How the model is to compute on a device, which need not exist.</summary>
    /// <exception cref="UsageException">Packed weights are asked for on a GPU.</exception>
    public ModelOptions ReadModelOptions(ParseResult parsed, ComputeDevice device)
    {
        bool onProcessor = device.Kind == DeviceKind.Cpu, pack = parsed.GetValue(Pack);
        if (pack && !onProcessor)
        {
            throw new UsageException($"--pack is for the processor, but --device is {parsed.GetValue(Device)}.");
        }

        return new ModelOptions
        {
            Device = device,
            ActivationType = Parse(parsed.GetValue(Type)) ?? (onProcessor ? ElementType.Float32 : ElementType.BFloat16),
            RotaryFrequencyType = Parse(parsed.GetValue(RotaryType)) ?? ElementType.Float32,
            PackWeights = pack,
        };
    }

    /// <summary>The model's tokenizer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="remedy">What to do without one.</param>
    /// <exception cref="InvalidDataException">The checkpoint's tokenizer.json is wrong or not supported.</exception>
    /// <exception cref="UsageException">The checkpoint has none.</exception>
    public static Tokenizer RequireTokenizer(TransformerModel model, string remedy) => model.Tokenizer
        ?? throw (model.TokenizerError is string error
            ? new InvalidDataException(error)
            : new UsageException($"The model has no tokenizer.json; {remedy}."));

    private static ElementType? Parse(string? type) => type switch
    {
        "float32" => ElementType.Float32,
        "bfloat16" => ElementType.BFloat16,
        "float16" => ElementType.Float16,
        _ => null,
    };

    public async Task<TransformerModel> LoadAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using LoadingLine progress = new(terminal);
        return await TransformerModel.LoadAsync(
            parsed.GetValue(Model)!.FullName, ReadModelOptions(parsed), progress, cancellation).ConfigureAwait(false);
    }

    public async Task<EncoderModel> LoadEncoderAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using LoadingLine progress = new(terminal);
        return await EncoderModel.LoadAsync(
            parsed.GetValue(Model)!.FullName, ReadModelOptions(parsed), progress, cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether the model is an encoder. What is no model at all is left to its loading to complain of.</summary>
    public bool IsEncoder(ParseResult parsed)
    {
        string config = Path.Combine(parsed.GetValue(Model)!.FullName, "config.json");
        return File.Exists(config) && EncoderConfig.Describes(config);
    }

    private static void CheckDevice(OptionResult result)
    {
        string? text = result.GetValueOrDefault<string>();
        try
        {
            WarplineLibrary.SelectDevice(text ?? "");
        }
        catch (Exception exception) when (exception is FormatException or InvalidOperationException)
        {
            result.AddError(exception.Message);
        }
    }
}
