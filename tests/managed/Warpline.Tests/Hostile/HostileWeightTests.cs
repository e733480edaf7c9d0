using System.Diagnostics;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Tests.Cli;
using Warpline.Tests.Encoders;
using Warpline.Transformers;

namespace Warpline.Tests.Hostile;

/// <summary>Weights that are no numbers, and files that another process shortens while a model uses them.</summary>
internal sealed class HostileWeightTests
{
    private string _folder = null!;

    [SetUp]
    public void CopyModel()
    {
        _folder = Directory.CreateTempSubdirectory("warpline-hostile-").FullName;
        foreach (string file in Directory.GetFiles(TestData.Storyteller))
        {
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        }
    }

    [TearDown]
    public void DeleteModel() => Directory.Delete(_folder, recursive: true);

    private string WeightsPath => Path.Combine(_folder, "model.safetensors");

    [Test]
    public async Task Generation_from_weights_that_are_no_numbers_is_refused([Values] bool sample)
    {
        FillWithNaN(WeightsPath);
        using TransformerModel model = await TransformerModel.LoadAsync(_folder, new ModelOptions { Device = TestDevice.Current });
        using DecoderSession session = model.CreateSession();
        Assert.That(session.Forward([1, 2]).ToArray(), Is.All.NaN, "logits are what the weights give");
        await using TextGenerator generator = new(model);
        Assert.That(
            async () =>
            {
                await foreach (GeneratedToken token in generator.GenerateAsync(
                    new[] { 1, 2 }, new GenerationOptions { Temperature = sample ? 0.8f : 0f, MaxOutputTokens = 4 }))
                {
                    Assert.Fail($"token {token.Id}");
                }
            },
            Throws.TypeOf<WarplineException>().With.Message.Contains("logits"));
    }

    [TestCase("vectors.npy")]
    [TestCase("vectors.jsonl")]
    public async Task Vectors_from_weights_that_are_no_numbers_are_refused(string output)
    {
        using TinyEncoder checkpoint = new TinyEncoder().Write().WriteTokenizer();
        FillWithNaN(Path.Combine(checkpoint.Directory, "model.safetensors"));
        string input = Path.Combine(checkpoint.Directory, "lines.txt");
        await File.WriteAllTextAsync(input, "a cat\n");
        (int code, _, string error) = await CommandRun.Run(
            ["embed", checkpoint.Directory, "--input", input, "--output", Path.Combine(checkpoint.Directory, output)]);
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Contain("Line 1 of the input gives a vector with NaN at place 0; finite numbers are required."));
    }

    [Test]
    public async Task A_model_computes_on_when_its_file_is_shortened([Values] bool packed)
    {
        bool processor = TestDevice.Current.Kind == DeviceKind.Cpu;
        using TransformerModel model = await TransformerModel.LoadAsync(
            _folder, new ModelOptions { Device = TestDevice.Current, PackWeights = packed && processor });
        using DecoderSession session = model.CreateSession();
        float[] before = session.Forward([1, 2, 3]).ToArray();
        Shorten(100);
        session.Truncate(0);
        Assert.That(session.Forward([1, 2, 3]).ToArray(), Is.EqualTo(before));
    }

    [Test]
    public void A_file_shortened_while_it_is_loaded_is_named_with_the_tensor()
    {
        using CheckpointWeights weights = CheckpointWeights.Open(_folder);
        long length = new FileInfo(WeightsPath).Length;
        Shorten(length / 2);
        Assert.That(
            () =>
            {
                foreach (string name in weights.Names)
                {
                    weights.TryGet(name, out _);
                }
            },
            Throws.TypeOf<InvalidDataException>().With.Message.StartWith($"{WeightsPath}: the file ends at byte {length / 2}, within tensor \"")
                .And.Message.EndWith("\": it was shortened while it was open."));
    }

    /// <summary>In a process of its own, which must not die: it answers, its file is shortened, it answers again.</summary>
    [Test]
    public async Task A_process_survives_that_its_file_is_shortened()
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "dotnet")
        {
            Assert.Ignore("This program was carried here without the dotnet that would run the command in a process of its own.");
        }

        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), "{{ messages[-1].content }}");
        using Process chat = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!,
            [typeof(WarplineCommand).Assembly.Location, "chat", _folder, "--max-tokens", "4", "--temperature", "0", "--json", "--device", "cpu"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        async Task<string?> Ask()
        {
            await chat.StandardInput.WriteLineAsync("Once upon a time");
            await chat.StandardInput.FlushAsync();
            return await chat.StandardOutput.ReadLineAsync();
        }

        Assert.That(await Ask(), Does.StartWith("{"));
        Shorten(100);
        Assert.That(await Ask(), Does.StartWith("{"));
        chat.StandardInput.Close();
        await chat.WaitForExitAsync();
        Assert.That(chat.ExitCode, Is.Zero);
    }

    private static void FillWithNaN(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int header = sizeof(ulong) + (int)BitConverter.ToUInt64(bytes);
        bytes.AsSpan(header).Fill(0xFF);
        File.WriteAllBytes(path, bytes);
    }

    // As another process would: the lock of an open file is advisory.
    private void Shorten(long length)
    {
        using var file = File.OpenHandle(WeightsPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.SetLength(file, length);
    }
}
