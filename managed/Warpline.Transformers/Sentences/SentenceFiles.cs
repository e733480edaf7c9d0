using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>What the files of a sentence encoder say, as sentence-transformers writes them: which modules there are and how texts
/// are prepared. A folder without modules.json is a transformer with mean pooling, as there.</summary>
internal sealed record SentenceFiles
{
    // Of one JSON file here; the largest known has a few kilobytes.
    private const long _maxBytes = 1 << 20;
    private const int _mostTokens = 1 << 24;

    private static readonly string[] _transformerConfigs =
    [
        .. new[] { "bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet" }
            .Select(family => $"sentence_{family}_config.json"),
    ];

    /// <summary>Folder of the checkpoint proper.</summary>
    public required string Transformer { get; init; }

    public required SentencePooling Pooling { get; init; }

    /// <summary>What follows the pooling, in order.</summary>
    public required IReadOnlyList<SentenceStep> Steps { get; init; }

    /// <summary>max_seq_length, else the tokenizer's model_max_length; null where neither is given.</summary>
    public required int? MaxSequenceLength { get; init; }

    /// <summary>Whether texts are put into lower case before the tokenizer.</summary>
    public required bool LowerCase { get; init; }

    public required IReadOnlyDictionary<string, string> Prompts { get; init; }

    public required string? DefaultPromptName { get; init; }

    /// <exception cref="InvalidDataException">A file or module is not what it must be; the message names it.</exception>
    public static SentenceFiles Load(string directory)
    {
        string transformer = directory;
        SentencePooling? pooling = null;
        List<SentenceStep> steps = [];
        foreach ((string type, string folder, string named) in Modules(directory))
        {
            bool first = pooling is null && steps.Count == 0;
            switch (type)
            {
                case "Transformer" when first:
                    transformer = folder;
                    break;
                case "Pooling" when first:
                    pooling = SentencePooling.Read(Keys(Path.Combine(folder, "config.json")), Path.Combine(folder, "config.json"));
                    break;
                case "Dense" when pooling is not null:
                    steps.Add(SentenceDense.Load(folder, Keys(Path.Combine(folder, "config.json"))));
                    break;
                case "Normalize" when pooling is not null:
                    // Its folder may be missing: git keeps no empty ones.
                    steps.Add(new SentenceNormalize());
                    break;
                default:
                    throw new InvalidDataException($"{named} is not supported at this place; Transformer, then Pooling, "
                        + "then any of Dense and Normalize are required.");
            }
        }

        (IReadOnlyDictionary<string, string> prompts, string? defaultPrompt) = ReadPrompts(directory);
        (int? length, bool lowerCase) = ReadTransformerConfig(transformer);
        return new SentenceFiles
        {
            Transformer = transformer,
            Pooling = pooling ?? SentencePooling.Mean,
            Steps = steps,
            MaxSequenceLength = length ?? ReadTokenizerLength(transformer),
            LowerCase = lowerCase,
            Prompts = prompts,
            DefaultPromptName = defaultPrompt,
        };
    }

    /// <summary>Type, folder and, for messages, name of each module in order.</summary>
    private static List<(string Type, string Folder, string Named)> Modules(string directory)
    {
        string path = Path.Combine(directory, "modules.json");
        if (!File.Exists(path))
        {
            return [];
        }

        return JsonFile.Parse(
            JsonFile.ReadBytes(path, _maxBytes), CheckpointJson.Default.ListDictionaryStringJsonElement, path, entries => entries.ConvertAll(entry =>
            {
                ConfigValue typeKey = new(path, "type", entry.GetValueOrDefault("type"));
                ConfigValue pathKey = new(path, "path", entry.GetValueOrDefault("path"));
                string type = typeKey.Text() ?? throw typeKey.Missing("a string"), folder = pathKey.Text() ?? "";
                bool inside = !folder.Contains('\0') && !Path.IsPathRooted(folder) && !folder.Split('/', '\\').Contains("..");
                return inside
                    ? (type[(type.LastIndexOf('.') + 1)..], Path.Combine(directory, folder), $"{path}: the module {type}")
                    : throw pathKey.Wrong("a folder below that of the file");
            }));
    }

    private static (IReadOnlyDictionary<string, string> Prompts, string? Default) ReadPrompts(string directory)
    {
        string path = Path.Combine(directory, "config_sentence_transformers.json");
        Dictionary<string, string> prompts = new(StringComparer.Ordinal);
        Dictionary<string, JsonElement> keys = KeysOrNone(path);
        ConfigValue promptsKey = new(path, "prompts", keys.GetValueOrDefault("prompts"));
        if (!promptsKey.IsNull)
        {
            JsonElement list = keys["prompts"];
            if (list.ValueKind != JsonValueKind.Object)
            {
                throw promptsKey.Wrong("an object of names with texts");
            }

            foreach (JsonProperty prompt in list.EnumerateObject())
            {
                prompts.Add(prompt.Name, new ConfigValue(path, $"prompts.{prompt.Name}", prompt.Value).Text() ?? "");
            }
        }

        ConfigValue defaultKey = new(path, "default_prompt_name", keys.GetValueOrDefault("default_prompt_name"));
        return defaultKey.Text() is string name && !prompts.ContainsKey(name)
            ? throw defaultKey.Wrong("the name of one of the prompts")
            : (prompts, defaultKey.Text());
    }

    private static (int? MaxLength, bool LowerCase) ReadTransformerConfig(string transformer)
    {
        string path = _transformerConfigs.Select(name => Path.Combine(transformer, name)).FirstOrDefault(File.Exists)
            ?? Path.Combine(transformer, _transformerConfigs[0]);
        Dictionary<string, JsonElement> keys = KeysOrNone(path);
        return (
            new ConfigValue(path, "max_seq_length", keys.GetValueOrDefault("max_seq_length")).Integer(1, _mostTokens),
            new ConfigValue(path, "do_lower_case", keys.GetValueOrDefault("do_lower_case")).Flag() ?? false);
    }

    private static int? ReadTokenizerLength(string transformer)
    {
        string path = Path.Combine(transformer, "tokenizer_config.json");
        double? length = new ConfigValue(path, "model_max_length", KeysOrNone(path).GetValueOrDefault("model_max_length")).Number(1);

        // 1e30 stands for none.
        return length <= _mostTokens ? (int)length : null;
    }

    private static Dictionary<string, JsonElement> KeysOrNone(string path) => File.Exists(path) ? Keys(path) : [];

    private static Dictionary<string, JsonElement> Keys(string path) =>
        JsonFile.ParseKeys(JsonFile.ReadBytes(path, _maxBytes), path);
}
