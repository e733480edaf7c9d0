using System.Text;
using System.Text.Json.Nodes;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>
/// A tokenizer.json of the 256 bytes (ids 0 to 255), some merges and some added tokens (ids from 1000), and the tokens of
/// a text as one string, so that a test reads at a glance. What is expected of them was seen in Hugging Face's tokenizers.
/// </summary>
internal static class TinyTokenizer
{
    public const string ByteLevel = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""";

    public static JsonObject Json(string[] merges, params string[] addedTokens)
    {
        var vocabulary = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            vocabulary.Add(ByteAlphabet.CharOf((byte)value).ToString(), value);
        }

        foreach (string merge in merges)
        {
            vocabulary.Add(merge.Replace(" ", "", StringComparison.Ordinal), vocabulary.Count);
        }

        var added = new JsonArray();
        foreach (string token in addedTokens)
        {
            JsonObject entry = JsonNode.Parse(token)!.AsObject();
            entry.Add("id", vocabulary.TryGetPropertyValue((string)entry["content"]!, out JsonNode? own) ? (int)own! : 1000 + added.Count);
            added.Add(entry);
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = JsonNode.Parse("""{"max_length":2}"""),
            ["padding"] = JsonNode.Parse("""{"strategy":{"Fixed":9}}"""),
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse(ByteLevel),
            ["post_processor"] = null,
            ["decoder"] = JsonNode.Parse(ByteLevel),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    public static JsonObject With(this JsonObject json, string key, string value)
    {
        json[key] = JsonNode.Parse(value);
        return json;
    }

    public static JsonObject WithModel(this JsonObject json, string key, string value)
    {
        json["model"]![key] = JsonNode.Parse(value);
        return json;
    }

    public static byte[] Bytes(this JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    public static PipelineTokenizer Load(this JsonObject json) => (PipelineTokenizer)HuggingFaceTokenizer.Parse(json.Bytes(), "t.json");

    public static string Tokens(this PipelineTokenizer tokenizer, IEnumerable<int> ids) =>
        string.Join('|', ids.Select(id => tokenizer.TryGetToken(id, out string? token) ? token : "?"));

    public static string Tokens(this PipelineTokenizer tokenizer, string text, bool addSpecialTokens = false, bool parseSpecialTokens = true) =>
        tokenizer.Tokens(tokenizer.Encode(text, addSpecialTokens, parseSpecialTokens));
}
