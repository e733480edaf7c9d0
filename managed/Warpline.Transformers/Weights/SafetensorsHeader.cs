using System.Collections.Immutable;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>A tensor as the header describes it, offsets relative to the data section.</summary>
internal readonly record struct SafetensorsEntry(SafetensorsType Type, ImmutableArray<long> Shape, long Begin, long End);

/// <summary>
/// The JSON header of a safetensors file, checked rule by rule: known types, shape times type equals the bytes that the
/// offsets enclose, and the tensors tile the data section without a hole, an overlap or a rest.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own cap on the length of a header.</summary>
    public const long MaxLength = 100_000_000;

    // The root, a tensor and its shape: nothing legal nests deeper.
    private const int _maxDepth = 3;

    private readonly string _source;
    private readonly Dictionary<string, SafetensorsEntry> _tensors = new(StringComparer.Ordinal);
    private Dictionary<string, string>? _metadata;

    private SafetensorsHeader(string source) => _source = source;

    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata ?? [];

    /// <summary>Parses and checks a header.</summary>
    /// <param name="json">The header's bytes, without the length before it.</param>
    /// <param name="dataLength">Bytes in the file after the header.</param>
    /// <param name="source">Name of the file for messages.</param>
    /// <exception cref="InvalidDataException">A rule is broken; the message names file, tensor and rule.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string source)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw new InvalidDataException($"{source}: the header must begin with '{{'.");
        }

        var header = new SafetensorsHeader(source);
        try
        {
            header.ReadRoot(json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: the header is not valid JSON: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // The reader's answer to strings that are not valid UTF-8 or hold half a surrogate pair.
            throw new InvalidDataException($"{source}: the header holds a string that is not valid text: {e.Message}", e);
        }

        header.CheckTiling(dataLength);
        return header;
    }

    private void ReadRoot(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = _maxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__")
            {
                ReadMetadata(ref reader);
            }
            else if (!_tensors.TryAdd(name, ReadTensor(ref reader, name)))
            {
                throw Broken(name, "the name occurs twice in the header");
            }
        }

        // Only blanks may follow: writers pad the header with them.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_metadata is not null)
        {
            throw new InvalidDataException($"{_source}: __metadata__ occurs twice in the header.");
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new InvalidDataException($"{_source}: __metadata__ must be an object of strings.");
        }

        _metadata = new Dictionary<string, string>(StringComparer.Ordinal);

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new InvalidDataException($"{_source}: __metadata__ key \"{key}\" must be a string.");
            }

            if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                throw new InvalidDataException($"{_source}: __metadata__ key \"{key}\" occurs twice.");
            }
        }
    }

    private SafetensorsEntry ReadTensor(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Broken(name, "an object with dtype, shape and data_offsets is required");
        }

        SafetensorsType? type = null;
        ImmutableArray<long> shape = default;
        ImmutableArray<long> offsets = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            bool first = key switch
            {
                "dtype" => type is null,
                "shape" => shape.IsDefault,
                "data_offsets" => offsets.IsDefault,
                _ => throw Broken(name, $"the key \"{key}\" is not known; known are dtype, shape and data_offsets"),
            };
            if (!first)
            {
                throw Broken(name, $"the key \"{key}\" occurs twice");
            }

            switch (key)
            {
                case "dtype":
                    type = ReadType(ref reader, name);
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, name, key);
                    break;
                default:
                    offsets = ReadNumbers(ref reader, name, key);
                    break;
            }
        }

        string? missing = type is null ? "dtype" : shape.IsDefault ? "shape" : offsets.IsDefault ? "data_offsets" : null;
        if (missing is not null)
        {
            throw Broken(name, $"{missing} is missing");
        }

        if (offsets.Length != 2)
        {
            throw Broken(name, $"data_offsets has {offsets.Length} entries; 2 are required");
        }

        var entry = new SafetensorsEntry(type!.Value, shape, offsets[0], offsets[1]);
        CheckLength(entry, name);
        return entry;
    }

    private SafetensorsType ReadType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw Broken(name, "dtype must be a string");
        }

        string text = reader.GetString()!;
        return SafetensorsTypes.TryParse(text, out SafetensorsType type)
            ? type
            : throw Broken(name, $"dtype \"{text}\" is not known; known are {SafetensorsTypes.KnownNames}");
    }

    private ImmutableArray<long> ReadNumbers(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Broken(name, $"{key} must be an array of integers");
        }

        var numbers = ImmutableArray.CreateBuilder<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
            {
                throw Broken(name, $"{key} must hold integers from 0 to 2^63 - 1");
            }

            numbers.Add(number);
        }

        return numbers.ToImmutable();
    }

    private void CheckLength(SafetensorsEntry entry, string name)
    {
        if (entry.Begin > entry.End)
        {
            throw Broken(name, $"data_offsets [{entry.Begin}, {entry.End}] end before they begin");
        }

        // An extent of zero makes the product zero, whatever the others are.
        UInt128 limit = (UInt128)long.MaxValue * 8;
        UInt128 bits = (UInt128)SafetensorsTypes.BitsOf(entry.Type);
        foreach (long extent in entry.Shape.Contains(0) ? [0] : entry.Shape.AsSpan())
        {
            if (extent != 0 && bits > limit / (UInt128)extent)
            {
                throw Broken(name, $"shape [{string.Join(", ", entry.Shape)}] has more bytes than 2^63 - 1");
            }

            bits *= (UInt128)extent;
        }

        if (bits % 8 != 0)
        {
            throw Broken(
                name, $"shape [{string.Join(", ", entry.Shape)}] of {SafetensorsTypes.NameOf(entry.Type)} does not fill whole bytes");
        }

        if (bits / 8 != (UInt128)(entry.End - entry.Begin))
        {
            throw Broken(
                name,
                $"shape [{string.Join(", ", entry.Shape)}] of {SafetensorsTypes.NameOf(entry.Type)} needs {bits / 8} bytes, "
                + $"data_offsets [{entry.Begin}, {entry.End}] hold {entry.End - entry.Begin}");
        }
    }

    private void CheckTiling(long dataLength)
    {
        long position = 0;
        foreach ((string name, SafetensorsEntry entry) in
            _tensors.OrderBy(pair => pair.Value.Begin).ThenBy(pair => pair.Value.End))
        {
            if (entry.End > dataLength)
            {
                throw Broken(
                    name,
                    $"data_offsets [{entry.Begin}, {entry.End}] exceed the {dataLength} bytes of data in the file (truncated?)");
            }

            if (entry.Begin != position)
            {
                string fault = entry.Begin > position ? "leave a hole after" : "overlap the tensor that ends at";
                throw Broken(name, $"data_offsets [{entry.Begin}, {entry.End}] {fault} byte {position} of the data");
            }

            position = entry.End;
        }

        if (position != dataLength)
        {
            throw new InvalidDataException(
                $"{_source}: the tensors cover {position} of the {dataLength} bytes of data; they must cover all.");
        }
    }

    private InvalidDataException Broken(string tensor, string reason) => new($"{_source}: tensor \"{tensor}\": {reason}.");
}
