using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.MemoryMappedFiles;

namespace Warpline.Transformers;

/// <summary>A tensor of a <see cref="SafetensorsFile"/>, where the mapping holds it.</summary>
/// <param name="Address">Address of the first byte, aligned to nothing; valid until the file is disposed.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
/// <param name="ByteLength">Bytes of the tensor.</param>
public readonly record struct SafetensorsTensor(nint Address, SafetensorsType Type, ImmutableArray<long> Shape, long ByteLength);

/// <summary>
/// A safetensors file, mapped into memory: opening reads and checks the header only, and tensors are used where they
/// lie. Nobody may shorten the file while it is open. Reading is safe from several threads at once; disposing is not.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly byte* _data;
    private bool _disposed;

    private SafetensorsFile(string path, MemoryMappedFile mapping, long fileLength)
    {
        Path = path;
        _mapping = mapping;
        _view = mapping.CreateViewAccessor(0, fileLength, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            start += _view.PointerOffset;
            int headerLength = ReadHeaderLength(new ReadOnlySpan<byte>(start, sizeof(ulong)), fileLength, path);
            byte* json = start + sizeof(ulong);
            _data = json + headerLength;
            _header = SafetensorsHeader.Parse(
                new ReadOnlySpan<byte>(json, headerLength), fileLength - sizeof(ulong) - headerLength, path);
        }
        catch
        {
            Unmap();
            throw;
        }
    }

    /// <summary>Path as it was given.</summary>
    public string Path { get; }

    /// <summary>The strings under <c>__metadata__</c>; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Names of all tensors, in no particular order.</summary>
    public IEnumerable<string> Names => _header.Tensors.Keys;

    /// <summary>Maps a file and checks its header.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The open file.</returns>
    /// <exception cref="InvalidDataException">
    /// The file breaks a rule of the format or is truncated; the message names file, tensor and rule.
    /// </exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        long length = stream.Length;
        if (length < sizeof(ulong))
        {
            throw new InvalidDataException($"{path}: the file has {length} bytes; the length of its header alone takes 8.");
        }

        MemoryMappedFile mapping = MemoryMappedFile.CreateFromFile(
            stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            return new SafetensorsFile(path, mapping, length);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by its name.</summary>
    /// <param name="name">Name as the file spells it.</param>
    /// <param name="tensor">The tensor, if there is one of that name.</param>
    /// <returns>Whether there is a tensor of that name.</returns>
    /// <exception cref="ObjectDisposedException">The file has been disposed.</exception>
    public bool TryGet(string name, out SafetensorsTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_header.Tensors.TryGetValue(name, out SafetensorsEntry entry))
        {
            tensor = default;
            return false;
        }

        tensor = new SafetensorsTensor((nint)(_data + entry.Begin), entry.Type, entry.Shape, entry.End - entry.Begin);
        return true;
    }

    /// <summary>Takes the mapping away; addresses handed out are no longer valid.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Unmap();
            _mapping.Dispose();
        }
    }

    private static int ReadHeaderLength(ReadOnlySpan<byte> prefix, long fileLength, string path)
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > SafetensorsHeader.MaxLength)
        {
            throw new InvalidDataException(
                $"{path}: the header claims {length} bytes; at most {SafetensorsHeader.MaxLength} are allowed.");
        }

        if (length > (ulong)(fileLength - sizeof(ulong)))
        {
            throw new InvalidDataException(
                $"{path}: the header claims {length} bytes, but only {fileLength - sizeof(ulong)} follow in the file (truncated?).");
        }

        return (int)length;
    }

    private void Unmap()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }
}
