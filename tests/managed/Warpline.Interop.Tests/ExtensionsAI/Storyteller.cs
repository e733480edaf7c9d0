using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Interop.Tests.ExtensionsAI;

/// <summary>The storyteller model: no chat model, so its template only puts texts one behind the other.</summary>
internal static class Storyteller
{
    public const int EndId = 1;

    public const string Prompt = "Once upon a time";

    public static string Folder { get; } = RepositoryFiles.PathOf("samples/models/storyteller");

    public static ChatTemplate Template { get; } = ChatTemplate.Parse(
        "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}",
        new Dictionary<string, string> { ["bos_token"] = "<|begin|>" });

    /// <summary>How a float64 computation of others goes on from <see cref="Prompt"/>.</summary>
    public static string ExpectedText(PipelineTokenizer tokenizer)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "expected.json")));
        JsonElement greedy = json.RootElement.GetProperty("greedy").EnumerateArray()
            .Single(item => item.GetProperty("prompt").GetString() == Prompt).GetProperty("greedy");
        return tokenizer.Decode(greedy.EnumerateArray().Select(id => id.GetInt32()), skipSpecialTokens: true);
    }
}
