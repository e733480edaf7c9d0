using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Warpline.Extensions.AI;

/// <summary>
/// Finds calls of functions in a stream of text, in two formats: JSON between &lt;tool_call&gt; and &lt;/tool_call&gt; with name and
/// arguments (Hermes, Qwen), and an answer that is one JSON object with name and parameters (Llama 3.1). Text that could become
/// a call is held back; what turns out to be no call of a function that was given stays text.
/// </summary>
internal sealed class ToolCallReader(IReadOnlySet<string> functions)
{
    private const string Opening = "<tool_call>";
    private const string Closing = "</tool_call>";

    private string _held = "";
    private bool _begun;
    private bool _whole;

    /// <summary>Whether there has been a call.</summary>
    public bool Called { get; private set; }

    /// <summary>Adds text.</summary>
    /// <returns>What has become certain by it.</returns>
    public IEnumerable<AIContent> Append(string text)
    {
        if (functions.Count == 0)
        {
            return text.Length > 0 ? [new TextContent(text)] : [];
        }

        _held += text;
        if (!_begun && _held.TrimStart() is { Length: > 0 } beginning)
        {
            (_begun, _whole) = (true, beginning[0] == '{');
        }

        return _begun && !_whole ? Cut(ended: false) : [];
    }

    /// <summary>What is left at the end.</summary>
    public IEnumerable<AIContent> Flush()
    {
        if (_whole && ReadCall(_held, "parameters") is FunctionCallContent call)
        {
            return [call];
        }

        return Cut(ended: true);
    }

    private List<AIContent> Cut(bool ended)
    {
        List<AIContent> contents = [];
        for (; ; )
        {
            int opening = _held.IndexOf(Opening, StringComparison.Ordinal);
            if (opening < 0)
            {
                // Blanks are between or behind calls as long as nothing else follows.
                int certain = ended ? _held.Length : Called && string.IsNullOrWhiteSpace(_held) ? 0 : _held.Length - BegunOpening();
                Release(certain, contents);
                return contents;
            }

            int closing = _held.IndexOf(Closing, opening, StringComparison.Ordinal);
            if (closing < 0 && !ended)
            {
                Release(opening, contents);
                return contents;
            }

            // Some models end their answer in place of the closing tag.
            int end = closing < 0 ? _held.Length : closing;
            int next = Math.Min(end + Closing.Length, _held.Length);
            if (ReadCall(_held[(opening + Opening.Length)..end], "arguments") is FunctionCallContent call)
            {
                Release(opening, contents);
                contents.Add(call);
                _held = _held[(next - opening)..];
            }
            else
            {
                Release(next, contents);
            }
        }
    }

    /// <summary>Moves the first characters of what is held to the contents; blanks beside calls are dropped.</summary>
    private void Release(int count, List<AIContent> contents)
    {
        string text = _held[..count];
        _held = _held[count..];
        if (text.Length > 0 && !(Called && string.IsNullOrWhiteSpace(text)))
        {
            contents.Add(new TextContent(text));
        }
    }

    /// <summary>How many characters at the end of what is held could be the beginning of the opening tag.</summary>
    private int BegunOpening()
    {
        int length = Math.Min(Opening.Length - 1, _held.Length);
        while (!_held.AsSpan(_held.Length - length).SequenceEqual(Opening.AsSpan(0, length)))
        {
            length--;
        }

        return length;
    }

    private FunctionCallContent? ReadCall(string json, string argumentsName)
    {
        try
        {
            JsonElement call = JsonElement.Parse(json);
            if (call.ValueKind != JsonValueKind.Object
                || !call.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String
                || !functions.Contains(name.GetString()!)
                || !call.TryGetProperty(argumentsName, out JsonElement arguments) || arguments.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            Dictionary<string, object?> values = [];
            foreach (JsonProperty argument in arguments.EnumerateObject())
            {
                values[argument.Name] = argument.Value;
            }

            Called = true;

            // Nine letters and digits: the only form that Mistral's templates take.
            return new FunctionCallContent(Guid.NewGuid().ToString("N")[..9], name.GetString()!, values);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a text in it that is half a surrogate pair.
            return null;
        }
    }
}
