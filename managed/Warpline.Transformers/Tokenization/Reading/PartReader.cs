using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Warpline.Transformers;

/// <summary>
/// Reads one part of a <c>tokenizer.json</c>. What is not known is refused and quoted, so that a text is never cut in another
/// way than its model was trained on.
/// </summary>
internal abstract class PartReader(string source)
{
    /// <summary>How many steps a part may have; files have one to five, and encoding recurses once for each.</summary>
    private const int _maxSteps = 32;

    /// <summary>How many times as long the replacements of a part may make a text, one after another; files have one.</summary>
    private const long _maxGrowth = 1000;

    private const int _maxQuoted = 300;

    private long _growth = 1;

    protected string Source => source;

    protected static bool IsNull(JsonElement element) => element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    protected TokenizerPartFile Part(JsonElement element, string key) => Part(element, CheckpointJson.Default.TokenizerPartFile, key);

    protected T Part<T>(JsonElement element, JsonTypeInfo<T> type, string key)
        where T : class
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Refused(key, element, "an object");
        }

        try
        {
            return element.Deserialize(type)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: {key}: {e.Message}", e);
        }
    }

    /// <summary>The pattern and the content of a Replace.</summary>
    protected ReplaceNormalizer ReadReplace(TokenizerPartFile part, string content, JsonElement element, string key)
    {
        Pattern pattern = ReadPattern(part, element, key);
        _growth *= Math.Max(1, (content.Length + pattern.MinLength - 1) / pattern.MinLength);
        return _growth <= _maxGrowth
            ? new ReplaceNormalizer(pattern, content)
            : throw Refused(key, element, $"a Replace that makes a text, with those before it, at most {_maxGrowth} times as long");
    }

    protected Pattern ReadPattern(TokenizerPartFile part, JsonElement element, string key) => part.Pattern switch
    {
        { String: { Length: > 0 } text, Regex: null } => new Pattern(text),
        { String: null, Regex: string regex } when SplitPatterns.Find(regex) is { } scanner => new Pattern(scanner),
        _ => throw Refused(key, element, "a pattern that is a text or a known regular expression"),
    };

    /// <summary>The one character that a part names, U+2581 if it names none.</summary>
    protected char ReadMark(string? text, JsonElement element, string key) => text switch
    {
        null => '\u2581',
        [char mark] => mark,
        _ => throw Refused(key, element, "one character"),
    };

    /// <summary>Reads the parts of a Sequence in order, each by <paramref name="read"/>.</summary>
    /// <param name="parts">The parts.</param>
    /// <param name="read">Reads one, which may be a Sequence itself.</param>
    /// <param name="steps">How many steps there are after a part.</param>
    /// <param name="sequence">The Sequence, to quote.</param>
    /// <param name="key">Its key.</param>
    protected void ReadSequence(JsonElement[] parts, Action<JsonElement> read, Func<int> steps, JsonElement sequence, string key)
    {
        foreach (JsonElement part in parts)
        {
            read(part);
            if (steps() > _maxSteps)
            {
                throw Refused(key, sequence, $"a Sequence of at most {_maxSteps} steps");
            }
        }
    }

    protected InvalidDataException Refused(string key, JsonElement element, string requirement)
    {
        string text = element.ValueKind == JsonValueKind.Undefined ? "missing" : element.GetRawText();
        text = text.Length <= _maxQuoted ? text : text[.._maxQuoted] + "...";
        return new InvalidDataException($"{source}: {key} is {text}; {requirement} is required.");
    }
}
