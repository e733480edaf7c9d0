using System.Buffers;
using System.Text.Json;

namespace Warpline.Cli.Embed;

/// <summary>Makes the JSON line of a vector, with the shortest digits that give its numbers back.</summary>
internal sealed class JsonLine
{
    public const string Index = "index", Embedding = "embedding";

    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>The line with its end; valid until the next call.</summary>
    public ReadOnlySpan<byte> Format(long index, ReadOnlySpan<float> row)
    {
        _bytes.ResetWrittenCount();
        using Utf8JsonWriter writer = new(_bytes);
        writer.WriteStartObject();
        writer.WriteNumber(Index, index);
        writer.WriteStartArray(Embedding);
        foreach (float value in row)
        {
            writer.WriteNumberValue(value);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        _bytes.Write("\n"u8);
        return _bytes.WrittenSpan;
    }
}

/// <summary>A JSON object a line.</summary>
internal sealed class JsonLinesFile : EmbeddingFile
{
    private const int _mostLineBytes = 1 << 28;

    private readonly JsonLine _line = new();
    private long _firstEnd, _lastStart, _end;

    public JsonLinesFile(string path, FileStream stream, int dimensions)
        : base(path, stream, dimensions)
    {
        FindLines();
        CheckRest();
    }

    public override void Continue()
    {
        File.SetLength(_end);
        File.Position = _end;
    }

    public override void Write(ReadOnlySpan<float> row) => File.Write(_line.Format(Rows++, row));

    public override void Complete() => File.Flush();

    protected override float[] Read(long row)
    {
        (long start, long end) = row == 0 ? (0L, _firstEnd) : (_lastStart, _end);
        if (end - start > _mostLineBytes)
        {
            throw Wrong(row);
        }

        byte[] bytes = new byte[end - start];
        File.Position = start;
        File.ReadExactly(bytes);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            float[] values = [.. root.GetProperty(JsonLine.Embedding).EnumerateArray().Select(item => item.GetSingle())];
            return root.GetProperty(JsonLine.Index).GetInt64() == row && values.Length == Dimensions ? values : throw Wrong(row);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw Wrong(row);
        }
    }

    /// <summary>Counts complete lines and finds the first and the last.</summary>
    private void FindLines()
    {
        byte[] block = new byte[1 << 20];
        long position = 0;
        for (int read; (read = File.Read(block)) != 0; position += read)
        {
            int from = 0;
            for (int next; (next = block.AsSpan(from, read - from).IndexOf((byte)'\n')) >= 0; from += next + 1)
            {
                _lastStart = _end;
                _end = position + from + next + 1;
                _firstEnd = Rows++ == 0 ? _end : _firstEnd;
            }
        }
    }

    /// <summary>Holds what is behind the last complete line, and will be cut off, to the beginning of a line that was being written.</summary>
    private void CheckRest()
    {
        ReadOnlySpan<byte> beginning = _line.Format(Rows, [])[..^"]}\n".Length];
        byte[] rest = new byte[Math.Min(File.Length - _end, beginning.Length)];
        File.Position = _end;
        File.ReadExactly(rest);
        if (!beginning.StartsWith(rest))
        {
            throw Wrong(Rows);
        }
    }

    private InvalidDataException Wrong(long row) => Other(
        $"line {row + 1} is no object with \"{JsonLine.Index}\" {row} and \"{JsonLine.Embedding}\" of {Dimensions} numbers");
}
