using System.Collections.ObjectModel;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>
/// One turn of a conversation, as a chat template sees it in <c>messages</c>: an object with the keys role, content and so on.
/// </summary>
/// <param name="Role">Who speaks: system, user, assistant or tool, as a rule.</param>
/// <param name="Content">What is said; null leaves the key out.</param>
public sealed record ChatTurn(string Role, string? Content)
{
    /// <summary>What the model thought before it spoke (reasoning_content); null leaves the key out.</summary>
    public string? ReasoningContent { get; init; }

    /// <summary>The calls that an assistant's turn asks for (tool_calls); an empty list leaves the key out.</summary>
    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];

    /// <summary>Which call a tool's turn answers (tool_call_id); null leaves the key out.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>The speaker's or the function's name (name); null leaves the key out.</summary>
    public string? Name { get; init; }

    /// <summary>Further keys with their values, and values in place of those above: content in parts, for example.</summary>
    public IReadOnlyDictionary<string, JsonElement> Fields { get; init; } = ReadOnlyDictionary<string, JsonElement>.Empty;

    /// <summary>Reads a conversation as JSON: an array of objects with a role each, as chat APIs have it.</summary>
    /// <param name="utf8Json">The text.</param>
    /// <param name="source">What messages call it.</param>
    /// <returns>The turns; every key but role, and content that is a string, is in <see cref="Fields"/>.</returns>
    /// <exception cref="InvalidDataException">The text is no such array; the message names the element.</exception>
    public static IReadOnlyList<ChatTurn> ParseList(ReadOnlySpan<byte> utf8Json, string source = "messages") =>
        JsonFile.Parse(utf8Json, CheckpointJson.Default.JsonElementArray, source, elements => elements.Select(Read).ToArray());

    private static ChatTurn Read(JsonElement element, int index)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("role", out JsonElement role)
            || role.ValueKind != JsonValueKind.String)
        {
            throw new JsonException($"element {index} has no role; an object with the string \"role\" is required.");
        }

        Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
        string? content = null;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (property.Name == "content" && property.Value.ValueKind == JsonValueKind.String)
            {
                content = property.Value.GetString();
            }
            else if (property.Name != "role")
            {
                fields[property.Name] = property.Value;
            }
        }

        return new ChatTurn(role.GetString()!, content) { Fields = fields };
    }

    internal JinjaValue ToValue(JinjaBudget budget)
    {
        var map = new JinjaMap();
        Add("role", Role);
        Add("content", Content);
        Add("reasoning_content", ReasoningContent);
        if (ToolCalls.Count > 0)
        {
            map.Items[JinjaText.OfData("tool_calls")] = new JinjaList([.. ToolCalls.Select(call => ToValue(call, budget))]);
        }

        Add("tool_call_id", ToolCallId);
        Add("name", Name);
        foreach ((string key, JsonElement value) in Fields)
        {
            map.Items[JinjaText.OfData(key)] = JinjaData.Read(value, budget);
        }

        return map;

        void Add(string key, string? value)
        {
            if (value is not null)
            {
                map.Items[JinjaText.OfData(key)] = JinjaText.OfData(value);
            }
        }
    }

    private static JinjaMap ToValue(ChatToolCall call, JinjaBudget budget)
    {
        var function = new JinjaMap();
        function.Items[JinjaText.OfData("name")] = JinjaText.OfData(call.Name);
        function.Items[JinjaText.OfData("arguments")] = JinjaData.Read(call.Arguments, budget);
        var map = new JinjaMap();
        map.Items[JinjaText.OfData("type")] = JinjaText.OfData("function");
        if (call.Id is not null)
        {
            map.Items[JinjaText.OfData("id")] = JinjaText.OfData(call.Id);
        }

        map.Items[JinjaText.OfData("function")] = function;
        return map;
    }
}
