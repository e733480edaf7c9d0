using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

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
            throw new InvalidDataException($"{source}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // A string that is not valid text: bytes outside UTF-8, or half a surrogate pair.
            throw new InvalidDataException($"{source}: {e.Message}", e);
        }
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
