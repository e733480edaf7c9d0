using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary>What <c>warpline info</c> says of the library, its devices and kernels, and of a model.</summary>
public sealed class InfoTests
{
    [Test]
    public async Task The_library_and_the_model_are_described()
    {
        using JsonDocument json = await RunJson(TestData.Storyteller);
        JsonElement root = json.RootElement, model = root.GetProperty("model");
        Assert.That(root.GetProperty("version").GetString(), Is.EqualTo(WarplineLibrary.Version.ToString()));
        Assert.That(root.GetProperty("library").GetString(), Is.EqualTo(WarplineLibrary.LoadedPath));
        Assert.That(root.GetProperty("device").GetString(), Is.EqualTo("cpu"));
        JsonElement[] attempts = [.. root.GetProperty("load_attempts").EnumerateArray()];
        Assert.That(
            attempts.Select(attempt => attempt.GetProperty("path").GetString()), Is.EqualTo(WarplineLibrary.LoadLog.Select(attempt => attempt.Path)));
        Assert.That(attempts[^1].GetProperty("result").GetString(), Is.EqualTo("loaded"));
        Assert.That(model.GetProperty("model_type").GetString(), Is.EqualTo("llama"));
        Assert.That(model.GetProperty("parameters").GetInt64(), Is.EqualTo(4_689_152));
        Assert.That(model.GetProperty("key_value_heads").GetInt32(), Is.EqualTo(2));

        (int code, string output, _) = await Run();
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("device: cpu\n").And.Contain($"version: {WarplineLibrary.Version}\n").And.Not.Contain("model type"));
    }

    [Test]
    public async Task Every_device_is_told_with_its_instruction_sets()
    {
        using JsonDocument json = await RunJson();
        JsonElement[] devices = [.. json.RootElement.GetProperty("devices").EnumerateArray()];
        Assert.That(
            devices.Select(device => device.GetProperty("device").GetString()),
            Is.EqualTo(WarplineLibrary.Devices.Select(info => info.Device.ToString())));
        foreach ((JsonElement device, DeviceInfo info) in devices.Zip(WarplineLibrary.Devices))
        {
            Assert.That(device.GetProperty("name").GetString(), Is.EqualTo(info.Name));
            Assert.That(device.GetProperty("memory_bytes").GetInt64(), Is.EqualTo(info.MemoryBytes));
            Assert.That(device.GetProperty("compute_units").GetInt32(), Is.EqualTo(info.ComputeUnits));
            Assert.That(device.GetProperty("instruction_set").GetString(), Is.EqualTo(info.InstructionSet));
        }

        string[] sets = [.. devices[0].GetProperty("instruction_sets").EnumerateArray().Select(set => set.GetString()!)];
        Assert.That(sets, Does.Contain(devices[0].GetProperty("instruction_set").GetString()));
        Assert.That(sets.Contains("avx2"), Is.EqualTo(Avx2.IsSupported));
        Assert.That(sets.Contains("avx512"), Is.EqualTo(Avx512F.IsSupported && Avx512BW.IsSupported));
        bool hasCuda = WarplineLibrary.Devices.Any(info => info.Device.Kind == DeviceKind.Cuda);
        Assert.That(json.RootElement.GetProperty("no_cuda").ValueKind, Is.EqualTo(hasCuda ? JsonValueKind.Null : JsonValueKind.String));
    }

    [Test]
    public async Task Each_operation_names_its_kernels()
    {
        using JsonDocument json = await RunJson();
        Dictionary<string, JsonElement> kernels = json.RootElement.GetProperty("kernels").EnumerateArray().ToDictionary(
            kernel => kernel.GetProperty("operation").GetString()!);
        Assert.That(kernels, Has.Count.EqualTo(13));
        string set = WarplineLibrary.GetOption(LibraryOption.CpuInstructionSet);
        foreach ((string operation, string stem) in new[]
        {
            ("product of a row", "gemm.rows."), ("product of many rows", "gemm.tiles."), ("attention of a query", "attention.split."),
            ("attention of many queries", "attention.tiles."), ("cache append", "kv_cache.append."), ("argmax", "sampling.argmax."),
            ("layer norm", "elementwise.layer_norm."),
        })
        {
            Assert.That(kernels[operation].GetProperty("float32").GetString(), Does.StartWith(stem).And.EndWith(".float32"), operation);
        }

        Assert.That(kernels["product of a row"].GetProperty("bfloat16").GetString(), Does.StartWith("gemm.rows.").And.Contain(set == "avx512_bf16" ? ".avx512_bf16." : ".float32"));
        Assert.That(kernels.Values.SelectMany(kernel => kernel.EnumerateObject()).All(item => item.Value.ValueKind == JsonValueKind.String), Is.True);
        Assert.That(WarplineLibrary.LiveHandles, Is.Zero, "what the calls took is given back");
    }

    [Test]
    public async Task Kernels_of_a_gpu_are_told_too()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        using JsonDocument json = await RunJson("--device", TestDevice.IsEmulated ? "emu" : device.ToString());
        JsonElement[] kernels = [.. json.RootElement.GetProperty("kernels").EnumerateArray()];
        Assert.That(kernels, Has.Length.EqualTo(12), "no packed weights there");
        Assert.That(kernels.SelectMany(kernel => kernel.EnumerateObject()).All(item => item.Value.ValueKind == JsonValueKind.String), Is.True);
    }

    [Test]
    public async Task What_loading_made_of_the_weights_is_told()
    {
        using JsonDocument packed = await RunJson(TestData.Storyteller, "--pack"), bert = await RunJson(TestData.GoldenModel("bert"), "--dtype", "bfloat16");
        JsonElement load = packed.RootElement.GetProperty("load");
        Assert.That(load.GetProperty("stored_bytes").GetInt64(), Is.EqualTo(9_378_304));
        Assert.That(load.GetProperty("packed_bytes").GetInt64(), Is.GreaterThan(9_000_000));
        Assert.That(load.GetProperty("converted_bytes").GetInt64(), Is.Zero);
        Assert.That(load.GetProperty("seconds").GetDouble(), Is.Positive);
        load = bert.RootElement.GetProperty("load");
        EncoderConfig config = EncoderConfig.Load(TestData.GoldenModel("bert"));
        long stacked = config.LayerCount * 3L * config.HiddenSize * config.HiddenSize * 2;
        Assert.That(load.GetProperty("converted_bytes").GetInt64(), Is.GreaterThan(stacked), "queries, keys and values in one matrix");
        Assert.That(load.GetProperty("packed_bytes").GetInt64(), Is.Zero);
    }

    private static Task<JsonDocument> RunJson(params string[] args) => CommandRun.RunJson(["info", .. args]);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(["info", .. args]);
}
