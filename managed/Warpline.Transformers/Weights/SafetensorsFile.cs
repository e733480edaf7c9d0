using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Warpline.Transformers;

/// <summary>A tensor of a <see cref="SafetensorsFile"/>, read into memory.</summary>
/// <param name="Address">Address of the first byte, aligned to 64 bytes; valid until the file is disposed.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
/// <param name="ByteLength">Bytes of the tensor.</param>
public readonly record struct SafetensorsTensor(nint Address, SafetensorsType Type, ImmutableArray<long> Shape, long ByteLength);

/// <summary>
/// A safetensors file: opening reads and checks the header only; a tensor is read when it is first asked for, into memory that is
/// freed with the file. What happens to the file later changes no tensor that was read: a mapping would end the process where another
/// one shortens the file. Reading is safe from several threads at once; disposing is not.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private const int _alignment = 64;
    private const int _mostBytesAtOnce = 1 << 30;

    private readonly SafeFileHandle _file;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;
    private readonly Dictionary<string, nint> _read = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private bool _disposed;

    private SafetensorsFile(string path, SafeFileHandle file)
    {
        (Path, _file) = (path, file);
        long length = RandomAccess.GetLength(file);
        if (length < sizeof(ulong))
        {
            throw new InvalidDataException($"{path}: the file has {length} bytes; the length of its header alone takes 8.");
        }

        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        ReadExactly(prefix, 0, "the length of the header");
        byte[] json = new byte[CheckHeaderLength(prefix, length, path)];
        ReadExactly(json, sizeof(ulong), "the header");
        _dataStart = sizeof(ulong) + json.Length;
        _header = SafetensorsHeader.Parse(json, length - _dataStart, path);
    }

    /// <summary>Path as it was given.</summary>
    public string Path { get; }

    /// <summary>The strings under <c>__metadata__</c>; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Names of all tensors, in no particular order.</summary>
    public IEnumerable<string> Names => _header.Tensors.Keys;

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The open file.</returns>
    /// <exception cref="InvalidDataException">
    /// The file breaks a rule of the format or is truncated; the message names file, tensor and rule.
    /// </exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            return new SafetensorsFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by its name, and reads it if nobody asked for it yet.</summary>
    /// <param name="name">Name as the file spells it.</param>
    /// <param name="tensor">The tensor, if there is one of that name.</param>
    /// <returns>Whether there is a tensor of that name.</returns>
    /// <exception cref="InvalidDataException">The file was shortened since it was opened; the message names the tensor.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InsufficientMemoryException">There is not so much memory; the message names the tensor.</exception>
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

        tensor = new SafetensorsTensor(Read(name, entry), entry.Type, entry.Shape, entry.End - entry.Begin);
        return true;
    }

    /// <summary>What the header says of a tensor, which is not read.</summary>
    internal bool TryDescribe(string name, out SafetensorsEntry entry)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _header.Tensors.TryGetValue(name, out entry);
    }

    /// <summary>Frees the memory of a tensor that was read; who asks for it again makes it be read again.</summary>
    internal void Release(string name)
    {
        lock (_lock)
        {
            if (_read.Remove(name, out nint memory))
            {
                NativeMemory.AlignedFree((void*)memory);
            }
        }
    }

    /// <summary>Closes the file and frees its tensors; addresses handed out are no longer valid.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _file.Dispose();
        foreach (nint memory in _read.Values)
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    private static int CheckHeaderLength(ReadOnlySpan<byte> prefix, long fileLength, string path)
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

    private nint Read(string name, SafetensorsEntry entry)
    {
        lock (_lock)
        {
            if (_read.TryGetValue(name, out nint memory))
            {
                return memory;
            }

            long bytes = entry.End - entry.Begin;
            memory = Allocate(name, bytes);
            try
            {
                for (long done = 0; done < bytes; done += _mostBytesAtOnce)
                {
                    int count = (int)Math.Min(_mostBytesAtOnce, bytes - done);
                    ReadExactly(new Span<byte>((byte*)memory + done, count), _dataStart + entry.Begin + done, $"tensor \"{name}\"");
                }
            }
            catch
            {
                NativeMemory.AlignedFree((void*)memory);
                throw;
            }

            _read.Add(name, memory);
            return memory;
        }
    }

    // A file with holes may be larger than any memory, and the system would promise it nevertheless.
    private nint Allocate(string name, long bytes)
    {
        try
        {
            return bytes <= GC.GetGCMemoryInfo().TotalAvailableMemoryBytes
                ? (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), _alignment)
                : throw new InsufficientMemoryException();
        }
        catch (OutOfMemoryException e)
        {
            throw new InsufficientMemoryException($"{Path}: tensor \"{name}\" takes {bytes} bytes of memory, which are not to be had.", e);
        }
    }

    private void ReadExactly(Span<byte> destination, long position, string what)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(_file, destination, position);
            if (read == 0)
            {
                throw new InvalidDataException($"{Path}: the file ends at byte {position}, within {what}: it was shortened while it was open.");
            }

            destination = destination[read..];
            position += read;
        }
    }
}
