using System.Runtime.InteropServices;
using System.Text;

namespace Warpline.Benchmarks.Peers;

/// <summary>Writes an ONNX model: nodes and weights in the order they are added, as protocol buffers.</summary>
internal sealed class OnnxGraph
{
    private const string Contributed = "com.microsoft";
    private const int Float = 1, Int32 = 6, Int64 = 7;

    private readonly MemoryStream _graph = new();
    private int _nodes;

    public OnnxGraph() => Text(_graph, 2, "encoder");

    /// <summary>A float32 weight.</summary>
    public string Weight(string name, float[] values, params ReadOnlySpan<long> shape)
    {
        using MemoryStream tensor = new();
        foreach (long extent in shape)
        {
            Number(tensor, 1, extent);
        }

        Number(tensor, 2, Float);
        Text(tensor, 8, name);
        Bytes(tensor, 9, MemoryMarshal.AsBytes<float>(values));
        Bytes(_graph, 5, tensor.ToArray());
        return name;
    }

    /// <summary>A node with one output, of ONNX's own operators or of ONNX Runtime's.</summary>
    /// <returns>The output's name.</returns>
    public string Node(string op, bool contributed, IReadOnlyList<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        string output = $"{op}_{_nodes++}";
        using MemoryStream node = new();
        foreach (string input in inputs)
        {
            Text(node, 1, input);
        }

        Text(node, 2, output);
        Text(node, 4, op);
        foreach ((string name, object value) in attributes)
        {
            using MemoryStream attribute = new();
            Text(attribute, 1, name);
            if (value is float real)
            {
                Tag(attribute, 2, 5);
                attribute.Write(BitConverter.GetBytes(real));
                Number(attribute, 20, 1);
            }
            else
            {
                Number(attribute, 3, (int)value);
                Number(attribute, 20, 2);
            }

            Bytes(node, 5, attribute.ToArray());
        }

        if (contributed)
        {
            Text(node, 7, Contributed);
        }

        Bytes(_graph, 1, node.ToArray());
        return output;
    }

    /// <summary>An input of 64-bit integers with named extents.</summary>
    public string LongInput(string name, params ReadOnlySpan<string> extents) => Value(11, name, Int64, extents);

    /// <summary>An input of 32-bit integers with named extents.</summary>
    public string IntInput(string name, params ReadOnlySpan<string> extents) => Value(11, name, Int32, extents);

    /// <summary>Makes a node's output an output of the model.</summary>
    public void Output(string name, params ReadOnlySpan<string> extents) => Value(12, name, Float, extents);

    /// <summary>The whole model.</summary>
    public byte[] ToModel()
    {
        using MemoryStream model = new();
        Number(model, 1, 8);
        Bytes(model, 7, _graph.ToArray());
        foreach ((string domain, int version) in new[] { ("", 17), (Contributed, 1) })
        {
            using MemoryStream import = new();
            Text(import, 1, domain);
            Number(import, 2, version);
            Bytes(model, 8, import.ToArray());
        }

        return model.ToArray();
    }

    private string Value(int field, string name, int type, ReadOnlySpan<string> extents)
    {
        using MemoryStream shape = new(), tensor = new(), wrapper = new(), value = new();
        foreach (string extent in extents)
        {
            using MemoryStream dimension = new();
            Text(dimension, 2, extent);
            Bytes(shape, 1, dimension.ToArray());
        }

        Number(tensor, 1, type);
        Bytes(tensor, 2, shape.ToArray());
        Bytes(wrapper, 1, tensor.ToArray());
        Text(value, 1, name);
        Bytes(value, 2, wrapper.ToArray());
        Bytes(_graph, field, value.ToArray());
        return name;
    }

    private static void Tag(Stream to, int field, int kind) => Varint(to, (ulong)((field << 3) | kind));

    private static void Number(Stream to, int field, long value)
    {
        Tag(to, field, 0);
        Varint(to, (ulong)value);
    }

    private static void Text(Stream to, int field, string value) => Bytes(to, field, Encoding.UTF8.GetBytes(value));

    private static void Bytes(Stream to, int field, ReadOnlySpan<byte> value)
    {
        Tag(to, field, 2);
        Varint(to, (ulong)value.Length);
        to.Write(value);
    }

    private static void Varint(Stream to, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            to.WriteByte((byte)(value | 0x80));
        }

        to.WriteByte((byte)value);
    }
}
