using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>A folder with golden bert's weights, under names and in a type of choice, and settings of choice.</summary>
internal sealed class TinyEncoder : IDisposable
{
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _weights = new(StringComparer.Ordinal);
    private readonly JsonObject _config;

    public TinyEncoder()
    {
        _config = JsonNode.Parse(File.ReadAllText(Path.Combine(TestData.GoldenModel("bert"), "config.json")))!.AsObject();
        using CheckpointWeights source = CheckpointWeights.Open(TestData.GoldenModel("bert"));
        foreach (string name in source.Names)
        {
            source.TryGet(name, out WeightTensor tensor);
            using HostTensor values = WeightValues.ToSingle(tensor);
            _weights.Add(name, ([.. tensor.Shape], values.AsSpan<float>().ToArray()));
        }
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("warpline-encoder").FullName;

    /// <summary>For the reference, by their plain names.</summary>
    public Dictionary<string, double[]> Doubles => _weights.ToDictionary(
        weight => weight.Key, weight => weight.Value.Values.Select(x => (double)x).ToArray());

    public void Set(string key, JsonNode? value) => _config[key] = value;

    public void Remove(string key) => _config.Remove(key);

    public void Drop(Func<string, bool> which)
    {
        foreach (string name in _weights.Keys.Where(which).ToArray())
        {
            _weights.Remove(name);
        }
    }

    public void Add(string name, long[] shape, float[] values) => _weights[name] = (shape, values);

    /// <summary>A second weight with another's values.</summary>
    public void Copy(string name, string from) => _weights[name] = _weights[from];

    public string[] Names => [.. _weights.Keys];

    /// <summary>Keeps the first rows of a matrix.</summary>
    public void Cut(string name, int rows)
    {
        (long[] shape, float[] values) = _weights[name];
        _weights[name] = ([rows, shape[1]], values[..(int)(rows * shape[1])]);
    }

    /// <summary>Writes config.json and model.safetensors.</summary>
    /// <param name="type">Of the stored weights, whose values are exact in each.</param>
    /// <param name="rename">What a weight is called in the file.</param>
    public TinyEncoder Write(SafetensorsType type = SafetensorsType.BFloat16, Func<string, string>? rename = null)
    {
        WriteFile("config.json", _config.ToJsonString());
        using SafetensorsWriter writer = SafetensorsWriter.Create(
            Path.Combine(Directory, "model.safetensors"),
            [.. _weights.Select(weight => new SafetensorsDeclaration(rename?.Invoke(weight.Key) ?? weight.Key, type, [.. weight.Value.Shape]))]);
        foreach ((_, float[] values) in _weights.Values)
        {
            foreach (float value in values)
            {
                writer.Write(type switch
                {
                    SafetensorsType.Float32 => BitConverter.GetBytes(value),
                    SafetensorsType.Float16 => BitConverter.GetBytes((Half)value),
                    _ => BitConverter.GetBytes(value).AsSpan(2),
                });
            }
        }

        writer.Complete();
        return this;
    }

    /// <summary>Writes a WordPiece tokenizer: special tokens 0 to 4, then the letters with and without ##, digits and signs.</summary>
    public TinyEncoder WriteTokenizer()
    {
        List<string> tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
        tokens.AddRange("abcdefghijklmnopqrstuvwxyz0123456789.,:?!".SelectMany(c => new[] { $"{c}", $"##{c}" }));
        tokens.AddRange(["query", "passage", "the", "cat", "dog", "sat"]);
        JsonObject vocabulary = [];
        for (int i = 0; i < tokens.Count; i++)
        {
            vocabulary.Add(tokens[i], i);
        }

        string added = string.Join(", ", tokens.Take(5).Select((token, id) => $$"""
            {"id": {{id}}, "special": true, "content": "{{token}}", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}
            """));
        WriteFile("tokenizer.json", $$$"""
            {
              "version": "1.0", "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0}, "padding": null,
              "added_tokens": [{{{added}}}],
              "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": false},
              "pre_tokenizer": {"type": "BertPreTokenizer"},
              "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
                "pair": [],
                "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}
              },
              "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
              "model": {
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                "vocab": {{{vocabulary.ToJsonString()}}}
              }
            }
            """);
        return this;
    }

    /// <summary>Writes modules.json with a pooling of these settings and, behind it, modules of these types and folders.</summary>
    public TinyEncoder WriteModules(string pooling, params (string Type, string Folder)[] behind)
    {
        (string Type, string Folder)[] modules = [("Transformer", ""), ("Pooling", "1_Pooling"), .. behind];
        WriteFile("modules.json", JsonSerializer.Serialize(modules.Select((module, i) => new
        {
            idx = i,
            name = $"{i}",
            path = module.Folder,
            type = $"sentence_transformers.models.{module.Type}",
        })));
        WriteFile("1_Pooling/config.json", pooling);
        return this;
    }

    public void WriteFile(string name, string text)
    {
        string path = Path.Combine(Directory, name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, new UTF8Encoding(false));
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
