using NUnit.Framework;
using Warpline.Cli;
using Warpline.Tests.Cli;
using Warpline.Tests.Encoders;
using Warpline.Transformers;

namespace Warpline.Tests.Hostile;

/// <summary>Inputs that no model takes: no tokens, ids outside the vocabulary, more than fits, what was disposed.</summary>
internal sealed class HostileInputTests
{
    private TransformerModel _model = null!;

    [OneTimeSetUp]
    public async Task Load() =>
        _model = await TransformerModel.LoadAsync(TestData.GoldenModel("llama"), new ModelOptions { Device = TestDevice.Current });

    [OneTimeTearDown]
    public void Free() => _model.Dispose();

    private static IEnumerable<TestCaseData> Prompts() =>
    [
        new TestCaseData(Array.Empty<int>(), "The prompt has no tokens; at least one is required."),
        new TestCaseData(new[] { 1, 160 }, "tokens[1] is 160; an id in [0, 160) is required."),
        new TestCaseData(new[] { int.MinValue }, "tokens[0] is -2147483648; an id in [0, 160) is required."),
        new TestCaseData(new int[257], "The prompt has 257 tokens; at most 256 are possible."),
    ];

    [TestCaseSource(nameof(Prompts))]
    public async Task A_generation_names_what_is_wrong_with_its_prompt(int[] prompt, string message)
    {
        await using TextGenerator generator = new(_model);
        Assert.That(() => Collect(generator, prompt), Throws.ArgumentException.With.Message.StartsWith(message));
        Assert.That(await Collect(generator, [1]), Is.EqualTo(1), "the generator serves on");
    }

    [Test]
    public async Task A_disposed_generator_refuses()
    {
        TextGenerator generator = new(_model);
        await generator.DisposeAsync();
        await generator.DisposeAsync();
        Assert.That(() => Collect(generator, [1]), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public async Task A_disposed_encoder_refuses_whoever_uses_it()
    {
        using TinyEncoder checkpoint = new TinyEncoder().Write().WriteTokenizer();
        ModelOptions options = new() { Device = TestDevice.Current };
        SentenceEncoder sentences = await SentenceEncoder.LoadAsync(checkpoint.Directory, options);
        sentences.Dispose();
        sentences.Dispose();
        Assert.That(() => sentences.EncodeAsync(["a"]), Throws.InstanceOf<ObjectDisposedException>());
        EncoderModel model = await EncoderModel.LoadAsync(checkpoint.Directory, options);
        EncoderSession session = model.CreateSession();
        model.Dispose();
        Assert.That(() => model.CreateSession(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => session.Forward([1], [1]).Length, Throws.InstanceOf<ObjectDisposedException>());
        session.Dispose();
        Assert.That(() => session.Forward([1], [1]).Length, Throws.InstanceOf<ObjectDisposedException>());
    }

    /// <summary>A thread encodes while another disposes: what has begun ends well, what comes later is refused.</summary>
    [Test]
    public async Task An_encoder_may_be_disposed_while_it_runs()
    {
        using TinyEncoder checkpoint = new TinyEncoder().Write().WriteTokenizer();
        SentenceEncoder encoder = await SentenceEncoder.LoadAsync(checkpoint.Directory, new ModelOptions { Device = TestDevice.Current });
        string[] texts = [.. Enumerable.Range(0, 50).Select(i => $"the cat sat {i}")];
        using SemaphoreSlim begun = new(0);
        Task<int> running = Task.Run(() =>
        {
            float[] vectors = new float[texts.Length * encoder.Dimensions];
            for (int round = 0; ; round++)
            {
                try
                {
                    encoder.Encode(texts, vectors);
                    begun.Release();
                }
                catch (ObjectDisposedException)
                {
                    return round;
                }
            }
        });
        await begun.WaitAsync();
        encoder.Dispose();
        Assert.That(await running, Is.Positive);
    }

    [TestCase("generate --ids 0 99999 --max-tokens 2", "tokens[1] is 99999; an id in [0, 1024) is required.", ExitCode.Failed)]
    [TestCase("generate --ids -1 --max-tokens 2", "tokens[0] is -1; an id in [0, 1024) is required.", ExitCode.Failed)]
    [TestCase("tokenize --decode 0 99999999", "--decode has 99999999 at place 1; the id of a token is required.", ExitCode.Usage)]
    public async Task The_command_names_an_id_outside_the_vocabulary(string command, string message, int exitCode)
    {
        string[] parts = command.Split(' ');
        (int code, _, string error) = await CommandRun.Run([parts[0], TestData.Storyteller, .. parts[1..]]);
        Assert.That(code, Is.EqualTo(exitCode), error);
        Assert.That(error, Does.Contain(message));
    }

    private static async Task<int> Collect(TextGenerator generator, int[] prompt)
    {
        int count = 0;
        await foreach (GeneratedToken _ in generator.GenerateAsync(
            prompt, new GenerationOptions { MaxOutputTokens = 1, Temperature = 0, IgnoreEndOfSequence = true }))
        {
            count++;
        }

        return count;
    }
}
