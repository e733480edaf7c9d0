using System.Text.Json.Serialization;

namespace Warpline.Transformers;

/// <summary>The keys of <c>model.safetensors.index.json</c> that are used.</summary>
internal sealed class ShardIndexFile
{
    [JsonPropertyName("weight_map")]
    public Dictionary<string, string?>? WeightMap { get; init; }
}

/// <summary>Which shard holds which tensor, from <c>model.safetensors.index.json</c>.</summary>
internal sealed class ShardIndex
{
    private const long _maxBytes = 100_000_000;

    private ShardIndex(ILookup<string, string> tensorsByShard) => TensorsByShard = tensorsByShard;

    /// <summary>Names of tensors by the file name of their shard.</summary>
    public ILookup<string, string> TensorsByShard { get; }

    public static ShardIndex Load(string path) => Parse(JsonFile.ReadBytes(path, _maxBytes), path);

    public static ShardIndex Parse(ReadOnlySpan<byte> utf8, string source) =>
        JsonFile.Parse(utf8, CheckpointJson.Default.ShardIndexFile, source, file => Read(file, source));

    private static ShardIndex Read(ShardIndexFile file, string source)
    {
        if (file.WeightMap is null || file.WeightMap.Count == 0)
        {
            throw new InvalidDataException(
                $"{source}: weight_map is missing or empty; an object of tensor name to file name is required.");
        }

        foreach ((string tensor, string? shard) in file.WeightMap)
        {
            if (!IsPlainFileName(shard))
            {
                throw new InvalidDataException(
                    $"{source}: weight_map[\"{tensor}\"] = \"{shard}\" must be the name of a .safetensors file beside the index.");
            }
        }

        return new ShardIndex(file.WeightMap.ToLookup(pair => pair.Value!, pair => pair.Key, StringComparer.Ordinal));
    }

    // Separators of every system are refused on every system: a checkpoint must not name files outside its directory.
    private static bool IsPlainFileName(string? name) =>
        name is not null
        && name.EndsWith(".safetensors", StringComparison.Ordinal)
        && name.AsSpan().IndexOfAny("/\\:\0") < 0;
}
