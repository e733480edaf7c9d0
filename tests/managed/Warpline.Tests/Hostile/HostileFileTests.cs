using System.Globalization;
using NUnit.Framework;
using Warpline.Tests.Weights;

namespace Warpline.Tests.Hostile;

/// <summary>Files of tests/corpus, and random damage to those among them that are legal: each is accepted or refused as documented, in
/// memory that its size bounds.</summary>
internal sealed class HostileFileTests
{
    // Of managed memory, for a file of some kilobytes; templates compute within a budget of their own.
    private const long _mostBytes = 64 << 20;
    private const int _mostMessage = 2000;

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-hostile-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void The_corpus_is_refused_as_it_says([ValueSource(typeof(HostileKind), nameof(HostileKind.All))] HostileKind kind)
    {
        List<string> listed = ["expected.tsv"];
        Assert.Multiple(() =>
        {
            foreach ((string file, string refusal) in kind.Corpus)
            {
                listed.Add(Path.GetFileName(file));
                Exception? thrown = Outcome(kind, File.ReadAllBytes(file));
                Assert.That(thrown is null ? "accepted" : $"{thrown.GetType().Name}: {thrown.Message}", refusal.Length == 0
                    ? Is.EqualTo("accepted")
                    : Does.Contain(refusal).And.Match("^(InvalidData|ChatTemplate)Exception: "), file);
            }
        });
        Assert.That(Directory.GetFiles(kind.CorpusFolder).Select(Path.GetFileName), Is.EquivalentTo(listed), "each file has its line");
    }

    /// <summary>WARPLINE_FUZZ_SEED and WARPLINE_FUZZ_RUNS make it another and a longer run.</summary>
    [Test]
    public void Random_damage_is_refused_or_harmless([ValueSource(typeof(HostileKind), nameof(HostileKind.All))] HostileKind kind)
    {
        int seed = Number("WARPLINE_FUZZ_SEED", 1), runs = Number("WARPLINE_FUZZ_RUNS", kind.ToString() == "prompt" ? 20 : 500), run = 0;
        byte[][] seeds = [.. kind.Corpus.Where(item => item.Refusal.Length == 0).Select(item => File.ReadAllBytes(item.File))];
        byte[] bytes = [];
        string Where() => $"seed {seed}, run {run}: {Convert.ToBase64String(bytes.AsSpan(0, Math.Min(bytes.Length, 3000)))}";
        Task all = Task.Factory.StartNew(
            () =>
            {
                Random random = new(seed);
                for (; run < runs; run++)
                {
                    bytes = Mutation.Of(seeds[run % seeds.Length], random);
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    Exception? thrown = Outcome(kind, bytes);
                    long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                    Assert.That(thrown is null || HostileKind.IsRefusal(thrown), Is.True, $"{Where()}\n{thrown}");
                    Assert.That(thrown?.Message.Length ?? 0, Is.LessThan(_mostMessage), Where());
                    Assert.That(allocated, Is.LessThan(_mostBytes), Where());
                }
            },
            TaskCreationOptions.LongRunning);
        Assert.That(Task.WaitAny([all], _patience), Is.Zero, $"no end: {Where()}");
        all.GetAwaiter().GetResult();
    }

    private Exception? Outcome(HostileKind kind, byte[] bytes)
    {
        try
        {
            kind.Read(_folder, bytes);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is string text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
