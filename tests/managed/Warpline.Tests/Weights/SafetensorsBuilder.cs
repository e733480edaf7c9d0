using System.Buffers.Binary;
using System.Text;

namespace Warpline.Tests.Weights;

/// <summary>Files for the readers of weights, made byte by byte in a folder that goes away with the fixture.</summary>
internal sealed class SafetensorsBuilder : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("warpline-weights-").FullName;

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>A file of a header and as many data bytes, counting up from 0.</summary>
    public string File(string header, int dataBytes, string name = "model.safetensors") =>
        Bytes([.. WithLength(Encoding.UTF8.GetBytes(header)), .. Enumerable.Range(0, dataBytes).Select(i => (byte)i)], name);

    public string Bytes(byte[] bytes, string name = "model.safetensors")
    {
        string path = PathOf(name);
        System.IO.File.WriteAllBytes(path, bytes);
        return path;
    }

    public static byte[] WithLength(byte[] header)
    {
        byte[] bytes = new byte[sizeof(ulong) + header.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)header.Length);
        header.CopyTo(bytes, sizeof(ulong));
        return bytes;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
