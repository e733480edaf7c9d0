using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;

namespace Warpline.Transformers;

/// <summary>Reads the JSON files of a checkpoint; whatever is wrong with one is an InvalidDataException that names it.</summary>
internal static class JsonFile
{
    /// <summary>Reads a whole file of at most <paramref name="maxBytes"/> bytes.</summary>
    public static byte[] ReadBytes(string path, long maxBytes)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (stream.Length > maxBytes)
        {
            throw new InvalidDataException($"{path}: the file has {stream.Length} bytes; at most {maxBytes} are allowed.");
        }

        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Parses JSON text into a record of <see cref="CheckpointJson"/> and lets <paramref name="read"/> make sense of it.</summary>
    public static TResult Parse<TFile, TResult>(
        ReadOnlySpan<byte> utf8, JsonTypeInfo<TFile> type, string source, Func<TFile, TResult> read)
        where TFile : class
    {
        try
        {
            TFile file = JsonSerializer.Deserialize(WithoutMark(utf8), type)
                ?? throw new InvalidDataException($"{source}: an object is required, not null.");
            return read(file);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                FirstDuplicate(WithoutMark(utf8)) is string key ? $"{source}: the key \"{key}\" occurs twice." : $"{source}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // A string that is not valid text: bytes outside UTF-8, or half a surrogate pair.
            throw new InvalidDataException($"{source}: {e.Message}", e);
        }
    }

    /// <summary>The keys of an object; every string in it is valid text, so that it can be read later.</summary>
    public static Dictionary<string, JsonElement> ParseKeys(ReadOnlySpan<byte> utf8, string source)
    {
        Dictionary<string, JsonElement> keys = Parse(utf8, CheckpointJson.Default.DictionaryStringJsonElement, source, keys => keys);
        Utf8JsonReader reader = new(WithoutMark(utf8));
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && !IsText(ref reader))
            {
                throw new InvalidDataException($"{source}: the string at byte {reader.TokenStartIndex} is not valid text.");
            }
        }

        return keys;
    }

    /// <summary>A value for a message: its text, or the beginning of a long one.</summary>
    public static string Quote(JsonElement element)
    {
        const int most = 60;
        string text = element.GetRawText();
        return text.Length <= most ? text : text[..most] + "...";
    }

    private static bool IsText(ref Utf8JsonReader reader)
    {
        try
        {
            // Escapes may spell half a surrogate pair.
            return reader.ValueIsEscaped ? reader.GetString() is not null : Utf8.IsValid(reader.ValueSpan);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    // The reader's own message does not name it.
    private static string? FirstDuplicate(ReadOnlySpan<byte> utf8)
    {
        Utf8JsonReader reader = new(utf8);
        Stack<HashSet<string>> objects = new();
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.StartObject:
                        objects.Push(new HashSet<string>(StringComparer.Ordinal));
                        break;
                    case JsonTokenType.EndObject:
                        objects.Pop();
                        break;
                    case JsonTokenType.PropertyName when !objects.Peek().Add(reader.GetString()!):
                        return reader.GetString();
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Broken in another way first.
        }

        return null;
    }

    // Editors on Windows put a byte-order mark before the text.
    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> utf8) =>
        utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
}

/// <summary>The JSON files of a checkpoint, by source generation, so that nothing is reflected at run time.</summary>
[JsonSourceGenerationOptions(AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ShardIndexFile))]
[JsonSerializable(typeof(ConfigFile))]
[JsonSerializable(typeof(RopeFile))]
[JsonSerializable(typeof(GenerationConfigFile))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(List<Dictionary<string, JsonElement>>))]
[JsonSerializable(typeof(TokenizerFile))]
[JsonSerializable(typeof(TokenizerPartFile))]
[JsonSerializable(typeof(BpeModelFile))]
[JsonSerializable(typeof(JsonElement[]))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(WordModelFile))]
[JsonSerializable(typeof(UnigramModelFile))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
