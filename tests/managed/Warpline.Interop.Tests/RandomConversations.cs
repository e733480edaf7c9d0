using System.Text.Json.Nodes;

namespace Warpline.Interop.Tests;

/// <summary>Conversations of random pieces, of those that templates look for above all; the same for the same seed.</summary>
internal sealed class RandomConversations(int seed)
{
    private static readonly string[] Pieces =
    [
        "a", "Hello world", " ", "  ", "\n", "\n\n", "\t", "\u00a0", "\u3000", "\u0085", "\u001c", "\ufeff", "\u2028", "\0", "\u007f", "\r\n",
        "é", "e\u0301", "😀", "日本", "ß", "0", "\"", "\\", "'", "{", "}", "{{", "%}", "<b>&", "<think>", "</think>", "<think>\n",
        "\n</think>\n\n", "<tool_response>", "</tool_response>",
    ];

    private readonly Random _random = new(seed);

    /// <summary>The next one, as the conversations of tests/golden/chat are written.</summary>
    public JsonObject Next(int number)
    {
        JsonArray messages = [];
        if (Sometimes(2))
        {
            messages.Add(Message("system"));
        }

        for (int turns = _random.Next(1, 5); turns > 0; turns--)
        {
            messages.Add(Message("user"));
            if (!Sometimes(4))
            {
                AddAnswer(messages);
            }
        }

        JsonObject conversation = new() { ["name"] = $"random {number}", ["messages"] = messages };
        if (Sometimes(2))
        {
            JsonObject function = new() { ["name"] = "g", ["description"] = Text(), ["parameters"] = Value(0) };
            conversation["tools"] = new JsonArray(new JsonObject { ["type"] = "function", ["function"] = function });
        }

        if (Sometimes(3))
        {
            conversation["variables"] = new JsonObject { ["enable_thinking"] = Sometimes(2) };
        }

        return conversation;
    }

    private void AddAnswer(JsonArray messages)
    {
        JsonObject answer = Message("assistant");
        messages.Add(answer);
        if (Sometimes(3))
        {
            answer["reasoning_content"] = Text();
        }

        if (Sometimes(3))
        {
            JsonArray calls = [];
            for (int count = _random.Next(1, 3); count > 0; count--)
            {
                JsonNode? arguments = Sometimes(4) ? Text() : new JsonObject { ["x"] = Value(0), ["y"] = Value(1) };
                JsonObject function = new() { ["name"] = "f", ["arguments"] = arguments };
                calls.Add(new JsonObject { ["type"] = "function", ["id"] = "abcdefgh1", ["function"] = function });
                JsonObject result = Message("tool");
                result["tool_call_id"] = "abcdefgh1";
                messages.Add(result);
            }

            answer["tool_calls"] = calls;
        }
    }

    private JsonObject Message(string role) => new() { ["role"] = role, ["content"] = Text() };

    private bool Sometimes(int oneIn) => _random.Next(oneIn) == 0;

    private string Text() => string.Concat(Enumerable.Range(0, _random.Next(8)).Select(_ => Pieces[_random.Next(Pieces.Length)]));

    private JsonNode? Value(int depth) => _random.Next(depth > 3 ? 6 : 8) switch
    {
        0 => Text(),
        1 => _random.Next(-500, 500),
        2 => _random.Next(-50_000, 50_000) / Math.Pow(10, _random.Next(12)),
        3 => Sometimes(2),
        4 => null,
        5 => _random.NextInt64(1L << 53),
        6 => new JsonArray([.. Enumerable.Range(0, _random.Next(4)).Select(_ => Value(depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, _random.Next(4)).Select(i => KeyValuePair.Create($"k{i}{Text()}", Value(depth + 1)))),
    };
}
