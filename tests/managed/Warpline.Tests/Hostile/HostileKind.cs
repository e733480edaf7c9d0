using Warpline.Cli;
using Warpline.Tests.Cli;
using Warpline.Cli.Embed;
using Warpline.Transformers;

namespace Warpline.Tests.Hostile;

/// <summary>A kind of file that is hostile until checked: tests/corpus/NAME holds examples, and expected.tsv there says for each what
/// its refusal says, or nothing where it is accepted.</summary>
/// <param name="name">Name of the folder, and of the case.</param>
/// <param name="file">What the file is called where it is read.</param>
/// <param name="read">Reads a file of the kind, all of it.</param>
internal sealed class HostileKind(string name, string file, Action<string> read)
{
    private const int _columns = 4;

    /// <summary>All kinds.</summary>
    public static HostileKind[] All { get; } =
    [
        new("safetensors", "c.safetensors", ReadSafetensors),
        new("index", "c", path => ShardIndex.Load(path)),
        new("config", "c", path => ModelConfig.Parse(File.ReadAllBytes(path), path)),
        new("encoder-config", "c", path => EncoderConfig.Parse(File.ReadAllBytes(path), path)),
        new("generation-config", "generation_config.json", path => GenerationDefaults.Load(Folder(path))),
        new("tokenizer", "tokenizer.json", path => HuggingFaceTokenizer.Load(path).EncodeToIds("a b \ud800 <unk>")),
        new("tokenizer-config", "tokenizer_config.json", path => ChatTemplate.Load(Folder(path))),
        new("template", "chat_template.jinja", path => ChatTemplate.Load(Folder(path))!.Render([new ChatTurn("user", "hello")])),
        new("modules", "modules.json", ReadModules),
        new("pooling", "1_Pooling/config.json", ReadPooling),
        new("prompts-config", "config_sentence_transformers.json", path => SentenceFiles.Load(Folder(path))),
        new("npy", "c.npy", ReadEmbeddings),
        new("jsonl", "c.jsonl", ReadEmbeddings),
        new("tokens", "c", path => TokenLists.Load(path)),
        new("prompt", "c", ReadPrompt),
    ];

    /// <summary>Files with what their refusal says; "" where they are accepted.</summary>
    public IEnumerable<(string File, string Refusal)> Corpus => File.ReadLines(Path.Combine(CorpusFolder, "expected.tsv"))
        .Select(line => line.Split('\t'))
        .Select(parts => (Path.Combine(CorpusFolder, parts[0]), parts[1]));

    public string CorpusFolder { get; } = TestData.PathOf($"tests/corpus/{name}");

    /// <summary>Puts the bytes where they are read from, and reads them.</summary>
    public void Read(string folder, ReadOnlySpan<byte> bytes)
    {
        string path = Path.Combine(folder, file);
        Directory.CreateDirectory(Folder(path));
        File.WriteAllBytes(path, bytes);
        read(path);
    }

    /// <summary>Whether an exception is one that the readers document for what a file holds.</summary>
    public static bool IsRefusal(Exception exception) => exception is InvalidDataException or ChatTemplateException or IOException;

    public override string ToString() => name;

    private static string Folder(string path) => Path.GetDirectoryName(path)!;

    private static void ReadSafetensors(string path)
    {
        using SafetensorsFile opened = SafetensorsFile.Open(path);
        foreach (string tensor in opened.Names)
        {
            opened.TryGet(tensor, out _);
        }
    }

    private static void ReadModules(string path)
    {
        string pooling = Path.Combine(Folder(path), "1_Pooling");
        Directory.CreateDirectory(pooling);
        File.WriteAllText(Path.Combine(pooling, "config.json"), "{}");
        SentenceFiles.Load(Folder(path));
    }

    private static void ReadPooling(string path)
    {
        string folder = Folder(Folder(path));
        File.WriteAllText(
            Path.Combine(folder, "modules.json"), """[{"type":"x.Transformer","path":""},{"type":"x.Pooling","path":"1_Pooling"}]""");
        SentenceFiles.Load(folder);
    }

    // As a run does that continues an output: vectors of zeros are what the model gives.
    private static void ReadEmbeddings(string path)
    {
        using EmbeddingFile opened = EmbeddingFile.Open(path, _columns, overwrite: false);
        if (opened.Rows > 0)
        {
            opened.Verify(0, new float[_columns]);
            opened.Verify(opened.Rows - 1, new float[_columns]);
        }

        opened.Continue();
        opened.Write(new float[_columns]);
        opened.Complete();
    }

    private static void ReadPrompt(string path)
    {
        (int code, _, string error) = CommandRun.Run(["tokenize", TestData.Storyteller, "--file", path, "--json"]).GetAwaiter().GetResult();
        if (code != ExitCode.Done)
        {
            throw new InvalidOperationException($"exit code {code}: {error}");
        }
    }
}
