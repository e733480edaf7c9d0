using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>A tensor that a <see cref="SafetensorsWriter"/> will write.</summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
public sealed record SafetensorsDeclaration(string Name, SafetensorsType Type, ImmutableArray<long> Shape);

/// <summary>
/// Writes a safetensors file without holding it in memory: the shapes come first, then the data in the order of the
/// declarations. The file appears under its name only when <see cref="Complete"/> succeeds; until then it is a temporary
/// file beside it, which disposing removes. For one thread.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private const int _alignment = 8;

    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly FileStream _stream;
    private readonly long _length;
    private bool _completed;

    private SafetensorsWriter(string path, ReadOnlySpan<byte> header, long dataLength)
    {
        _path = path;
        _temporaryPath = $"{path}.{Guid.NewGuid():N}.tmp";
        _stream = new FileStream(_temporaryPath, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        _stream.Write(prefix);
        _stream.Write(header);
        _length = checked(_stream.Position + dataLength);
    }

    /// <summary>Bytes of data still to be written.</summary>
    public long RemainingBytes => _length - _stream.Position;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where the file will appear; an older one is replaced.</param>
    /// <param name="tensors">The tensors in the order in which their data will be written.</param>
    /// <param name="metadata">Strings for <c>__metadata__</c>, if any.</param>
    /// <returns>The writer.</returns>
    /// <exception cref="ArgumentException">A name occurs twice, is __metadata__ or no Unicode, or a shape is impossible.</exception>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public static SafetensorsWriter Create(
        string path, IReadOnlyList<SafetensorsDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        CheckText(tensors, metadata);
        byte[] header = Header(tensors, metadata, out long dataLength);
        try
        {
            // The reader's rules are the format's: what it would refuse is not written.
            SafetensorsHeader.Parse(header, dataLength, path);
        }
        catch (InvalidDataException e)
        {
            throw new ArgumentException(e.Message, nameof(tensors), e);
        }

        return new SafetensorsWriter(path, header, dataLength);
    }

    /// <summary>Writes the next bytes of data; a tensor may come in any number of parts.</summary>
    /// <param name="data">Row-major elements, least significant byte first.</param>
    /// <exception cref="InvalidOperationException">That is more than was declared.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (data.Length > RemainingBytes)
        {
            throw new InvalidOperationException($"{_path}: {data.Length} bytes were given, {RemainingBytes} remain to be written.");
        }

        _stream.Write(data);
    }

    /// <summary>Writes the next float32 elements.</summary>
    /// <param name="values">Row-major elements.</param>
    /// <exception cref="InvalidOperationException">That is more than was declared.</exception>
    public void Write(ReadOnlySpan<float> values)
    {
        if (BitConverter.IsLittleEndian)
        {
            Write(MemoryMarshal.AsBytes(values));
            return;
        }

        Span<byte> bytes = stackalloc byte[sizeof(float)];
        foreach (float value in values)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
            Write(bytes);
        }
    }

    /// <summary>Ends the file and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">Declared data is missing.</exception>
    /// <exception cref="IOException">The file cannot be written or renamed.</exception>
    public void Complete()
    {
        if (RemainingBytes != 0)
        {
            throw new InvalidOperationException($"{_path}: {RemainingBytes} declared bytes have not been written.");
        }

        _stream.Dispose();
        File.Move(_temporaryPath, _path, overwrite: true);
        _completed = true;
    }

    /// <summary>Removes the temporary file if the file was not completed.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        finally
        {
            // Also where what was buffered found no room on the disk.
            if (!_completed)
            {
                File.Delete(_temporaryPath);
            }
        }
    }

    // What JSON would not give back as it was.
    private static void CheckText(IReadOnlyList<SafetensorsDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        for (int i = 0; i < tensors.Count; i++)
        {
            if (tensors[i] is not { Name: string name, Shape.IsDefault: false } || !IsUnicode(name))
            {
                throw new ArgumentException($"tensors[{i}] is {tensors[i]}; a name in Unicode and a shape are required.", nameof(tensors));
            }
        }

        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>())
        {
            if (value is null || !IsUnicode(key) || !IsUnicode(value))
            {
                throw new ArgumentException($"metadata[\"{key}\"] is \"{value}\"; texts in Unicode are required.", nameof(metadata));
            }
        }

        static bool IsUnicode(string text) => Characters.WellFormed(text) == text;
    }

    private static byte[] Header(
        IReadOnlyList<SafetensorsDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata, out long dataLength)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        long position = 0;
        json.WriteStartObject();
        if (metadata is { Count: > 0 })
        {
            json.WriteStartObject("__metadata__");
            foreach ((string key, string value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        foreach (SafetensorsDeclaration tensor in tensors)
        {
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", SafetensorsTypes.NameOf(tensor.Type));
            json.WriteStartArray("shape");
            UInt128 bits = (UInt128)SafetensorsTypes.BitsOf(tensor.Type);
            foreach (long extent in tensor.Shape)
            {
                json.WriteNumberValue(extent);
                bits = extent < 0 || (extent > 0 && bits > long.MaxValue / (UInt128)extent) ? long.MaxValue : bits * (UInt128)extent;
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(position);
            position = (long)UInt128.Min((UInt128)position + (bits / 8), long.MaxValue);
            json.WriteNumberValue(position);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        dataLength = position;

        // Blanks after the header align the data, so that readers can use it where it lies.
        int padded = (buffer.WrittenCount + _alignment - 1) / _alignment * _alignment;
        byte[] header = new byte[padded];
        header.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(header);
        return header;
    }
}
