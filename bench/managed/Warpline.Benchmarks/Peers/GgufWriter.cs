using System.Text;

namespace Warpline.Benchmarks.Peers;

/// <summary>A tensor of a GGUF file: extents outermost first, bfloat16 or float32.</summary>
internal sealed record GgufTensor(string Name, long[] Shape, bool IsBFloat16)
{
    public long Bytes => Shape.Aggregate(IsBFloat16 ? 2L : 4L, (product, extent) => product * extent);
}

/// <summary>Writes a GGUF file, version 3: metadata and shapes first, then the data in the order of the tensors.</summary>
internal sealed class GgufWriter : IDisposable
{
    private const int Alignment = 32;
    private const uint Float32 = 0, BFloat16 = 30;

    private readonly BinaryWriter _writer;
    private readonly long _dataStart;

    public GgufWriter(string path, IReadOnlyList<(string Key, object Value)> metadata, IReadOnlyList<GgufTensor> tensors)
    {
        _writer = new BinaryWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16));
        _writer.Write("GGUF"u8);
        _writer.Write(3u);
        _writer.Write((ulong)tensors.Count);
        _writer.Write((ulong)metadata.Count);
        foreach ((string key, object value) in metadata)
        {
            WriteText(key);
            _writer.Write(TypeOf(value));
            WriteValue(value);
        }

        ulong offset = 0;
        foreach (GgufTensor tensor in tensors)
        {
            WriteText(tensor.Name);
            _writer.Write((uint)tensor.Shape.Length);
            foreach (long extent in tensor.Shape.Reverse())
            {
                _writer.Write((ulong)extent);
            }

            _writer.Write(tensor.IsBFloat16 ? BFloat16 : Float32);
            _writer.Write(offset);
            offset += (ulong)((tensor.Bytes + Alignment - 1) / Alignment * Alignment);
        }

        Pad(0);
        _dataStart = _writer.BaseStream.Position;
    }

    /// <summary>Writes the whole of the next tensor.</summary>
    public void Write(ReadOnlySpan<byte> data)
    {
        _writer.Write(data);
        Pad(_dataStart);
    }

    public void Dispose() => _writer.Dispose();

    private void Pad(long start)
    {
        while ((_writer.BaseStream.Position - start) % Alignment != 0)
        {
            _writer.Write((byte)0);
        }
    }

    private static uint TypeOf(object value) => value switch
    {
        uint => 4,
        int => 5,
        float => 6,
        string => 8,
        Array => 9,
        _ => throw new ArgumentException($"GGUF metadata of type {value.GetType()} is not written.", nameof(value)),
    };

    private void WriteValue(object value)
    {
        switch (value)
        {
            case uint number:
                _writer.Write(number);
                break;
            case int number:
                _writer.Write(number);
                break;
            case float number:
                _writer.Write(number);
                break;
            case string text:
                WriteText(text);
                break;
            case Array items:
                _writer.Write(TypeOf(items.GetValue(0)!));
                _writer.Write((ulong)items.Length);
                foreach (object item in items)
                {
                    WriteValue(item);
                }

                break;
        }
    }

    private void WriteText(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _writer.Write((ulong)bytes.Length);
        _writer.Write(bytes);
    }
}
