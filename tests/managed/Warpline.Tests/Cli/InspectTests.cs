using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary>What <c>warpline inspect</c> says of checkpoints that are served, that are not, and that are broken.</summary>
public sealed class InspectTests
{
    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-inspect").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task A_decoder_is_described_with_its_memory_and_tensors()
    {
        using JsonDocument json = await RunJson(TestData.Storyteller, "--context", "100", "--dtype", "bfloat16");
        JsonElement root = json.RootElement, memory = root.GetProperty("memory");
        Assert.That(root.GetProperty("not_served").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(root.GetProperty("parameters").GetInt64(), Is.EqualTo(4_689_152));
        Assert.That(root.GetProperty("architecture").GetProperty("kind").GetString(), Is.EqualTo("decoder"));
        Assert.That(root.GetProperty("architecture").GetProperty("key_value_heads").GetInt32(), Is.EqualTo(2));
        Assert.That(memory.GetProperty("cache_bytes_per_token").GetInt64(), Is.EqualTo(3072));
        Assert.That(memory.GetProperty("cache_bytes").GetInt64(), Is.EqualTo(307_200));
        Assert.That(memory.GetProperty("weights").GetProperty("stored_bytes").GetInt64(), Is.EqualTo(9_378_304));
        Assert.That(
            memory.GetProperty("total_bytes").GetInt64(),
            Is.EqualTo(9_378_304 + 307_200 + memory.GetProperty("working_bytes").GetInt64()));
        using CheckpointWeights weights = CheckpointWeights.Open(TestData.Storyteller);
        Dictionary<string, JsonElement> tensors = root.GetProperty("tensors").EnumerateArray().ToDictionary(
            tensor => tensor.GetProperty("name").GetString()!);
        Assert.That(tensors.Keys, Is.EquivalentTo(weights.Names));
        foreach (string name in weights.Names)
        {
            weights.TryGet(name, out WeightTensor tensor);
            Assert.That(tensors[name].GetProperty("shape").EnumerateArray().Select(extent => extent.GetInt64()), Is.EqualTo(tensor.Shape), name);
            Assert.That(tensors[name].GetProperty("dtype").GetString(), Is.EqualTo("BF16"));
            Assert.That(tensors[name].GetProperty("bytes").GetInt64(), Is.EqualTo(2 * tensor.ElementCount));
        }
    }

    [Test]
    public async Task An_encoder_is_described_for_a_device_that_is_not_here()
    {
        using JsonDocument json = await RunJson(TestData.GoldenModel("bert"), "--device", "cuda:7");
        JsonElement memory = json.RootElement.GetProperty("memory");
        Assert.That(json.RootElement.GetProperty("dtype").GetString(), Is.EqualTo("bfloat16"));
        Assert.That(memory.GetProperty("batch_tokens").GetInt32(), Is.EqualTo(EncoderModel.DefaultGpuBatchTokens));
        Assert.That(memory.GetProperty("weights").GetProperty("device_bytes").GetInt64(), Is.Positive);
        Assert.That(memory.GetProperty("cache_bytes").GetInt64(), Is.Zero);

        (int code, string output, _) = await Run(TestData.GoldenModel("bert"));
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain("architecture kind: encoder\n").And.Contain("not served: none\n"));
        Assert.That(output, Does.Contain(
            "tensors pooler.dense.weight: dtype BF16, shape [64, 64], bytes 8192 (8.0 KiB), file model.safetensors\n"));
    }

    [TestCase("model_type", "\"gpt2\"", "model_type = \"gpt2\"; one of llama, mistral, qwen2, qwen3 is required.")]
    [TestCase("quantization_config", "{\"quant_method\":\"gptq\"}", "a checkpoint without quantisation")]
    [TestCase("num_hidden_layers", "3", "The weight \"model.layers.2.input_layernorm.weight\" of shape [64] is required, but the checkpoint does not have it.")]
    [TestCase("intermediate_size", "100", "\"model.layers.0.mlp.gate_proj.weight\" has the shape [")]
    public async Task What_is_not_served_is_listed_with_the_reason(string key, string value, string reason)
    {
        WriteModel(config => config[key] = JsonNode.Parse(value));
        using JsonDocument json = await RunJson(_folder);
        Assert.That(json.RootElement.GetProperty("not_served").GetString(), Does.Contain(reason));
        Assert.That(json.RootElement.GetProperty("tensors").GetArrayLength(), Is.EqualTo(json.RootElement.GetProperty("tensor_count").GetInt32()).And.GreaterThan(10));
        Assert.That(json.RootElement.GetProperty("architecture").GetProperty("vocab_size").GetInt32(), Is.EqualTo(160));
        Assert.That(json.RootElement.TryGetProperty("memory", out _), Is.False);
        (int code, _, string error) = await Run(_folder);
        Assert.That((code, error), Is.EqualTo((ExitCode.Done, "")));
    }

    [Test]
    public async Task Unused_tensors_are_named()
    {
        WriteModel(config => config["num_hidden_layers"] = 1);
        using JsonDocument json = await RunJson(_folder);
        string[] unused = [.. json.RootElement.GetProperty("unused_tensors").EnumerateArray().Select(name => name.GetString()!)];
        Assert.That(unused, Has.Length.EqualTo(9).And.All.StartsWith("model.layers.1."));
        StringWriter output = new();
        Assert.That(await WarplineCommand.RunAsync(["info", _folder, "--json"], TextReader.Null, output, output, interactive: false), Is.Zero);
        using JsonDocument info = JsonDocument.Parse(output.ToString());
        JsonElement load = info.RootElement.GetProperty("load");
        Assert.That(load.GetProperty("unused_tensors").EnumerateArray().Select(name => name.GetString()), Is.EqualTo(unused));
        Assert.That(load.GetProperty("seconds").GetDouble(), Is.Positive);
        Assert.That(
            load.GetProperty("stored_bytes").GetInt64(),
            Is.EqualTo(json.RootElement.GetProperty("memory").GetProperty("weights").GetProperty("stored_bytes").GetInt64()));
    }

    [Test]
    public async Task Names_from_files_do_not_command_the_screen([Values] bool interactive)
    {
        const string name = "a\u001b[2J\nnot served: none";
        using (SafetensorsWriter writer = SafetensorsWriter.Create(
            Path.Combine(_folder, "model.safetensors"), [new SafetensorsDeclaration(name, SafetensorsType.Float32, [1])]))
        {
            writer.Write(new float[1]);
            writer.Complete();
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "config.json"), "{\"model_type\":\"x\\u001b[31m\"}");
        StringWriter output = new() { NewLine = "\n" };
        int code = await WarplineCommand.RunAsync(["inspect", _folder], TextReader.Null, output, output, interactive);
        Assert.That(code, Is.Zero);
        Assert.That(output.ToString(), Does.Contain("a\uFFFD[2J\uFFFDnot").And.Not.Contain("\u001b[2J").And.Not.Contain("\u001b[31m"));
        using JsonDocument json = await RunJson(_folder);
        Assert.That(json.RootElement.GetProperty("tensors")[0].GetProperty("name").GetString(), Is.EqualTo(name));
    }

    [Test]
    public async Task Broken_files_are_named_with_the_reason()
    {
        await Refused("none: a checkpoint's folder is required, but there is none of this name.", Path.Combine(_folder, "none"));
        await Refused("config.json", _folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "config.json"), "{\"model_type\":");
        await Refused("config.json: ", _folder);
        WriteModel(_ => { });
        string weights = Path.Combine(_folder, "model.safetensors");
        byte[] bytes = await File.ReadAllBytesAsync(weights);
        await File.WriteAllBytesAsync(weights, bytes[..^2]);
        await Refused("(truncated?)", _folder);
        File.Delete(weights);
        await Refused("the directory has neither model.safetensors nor model.safetensors.index.json.", _folder);
        (int code, _, string error) = await Run(TestData.Storyteller, "--context", "2049");
        Assert.That((code, error), Is.EqualTo((
            ExitCode.Usage, "warpline: The number of tokens must be in [1, 2048], but is 2049.\n")));
        (code, _, error) = await Run(TestData.Storyteller, "--device", "cuda", "--pack");
        Assert.That((code, error), Is.EqualTo((
            ExitCode.Usage, "warpline: --pack is for the processor, but --device is cuda.\n")));
    }

    private void WriteModel(Action<JsonObject> change)
    {
        string golden = TestData.GoldenModel("llama");
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(golden, "config.json")))!.AsObject();
        change(config);
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        File.Copy(Path.Combine(golden, "model.safetensors"), Path.Combine(_folder, "model.safetensors"), overwrite: true);
    }

    private static async Task Refused(string message, string folder)
    {
        (int code, string output, string error) = await Run(folder);
        Assert.That((code, output), Is.EqualTo((ExitCode.Failed, "")));
        Assert.That(error, Does.StartWith("warpline: ").And.Contain(message));
    }

    private static Task<JsonDocument> RunJson(params string[] args) => CommandRun.RunJson(["inspect", .. args]);

    private static Task<(int Code, string Output, string Error)> Run(params string[] args) => CommandRun.Run(["inspect", .. args]);
}
