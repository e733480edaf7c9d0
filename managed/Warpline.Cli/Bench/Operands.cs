using System.Runtime.InteropServices;

namespace Warpline.Cli.Bench;

/// <summary>
/// The device that cases run on, and the memory of the case that is open. Inputs are pseudo-random numbers in [-1, 1), the same in
/// every run. What a model reads from memory in each step, weights and caches, is there in several copies that calls take in turn,
/// so that no cache holds what comes next.
/// </summary>
internal sealed class Operands : IDisposable
{
    /// <summary>Copies span so many bytes together.</summary>
    public const long RotatedBytes = 256 << 20;

    private const int MostCopies = 1024;

    // A prime: rows of any length begin at other places of the block.
    private const int BlockElements = 1_000_003;
    private const int Alignment = 256;

    private readonly DeviceStream? _stream;
    private readonly List<IDisposable> _owned = [];

    public Operands(ComputeDevice device)
    {
        WarplineLibrary.Prepare(device);
        _stream = device.Kind == DeviceKind.Cpu ? null : DeviceStream.Create(device);
        Context = _stream?.Context ?? new LaunchContext(device);
    }

    /// <summary>Where to run, without a workspace.</summary>
    public LaunchContext Context { get; }

    public ComputeDevice Device => Context.Device;

    /// <summary>The stream; null on the processor.</summary>
    public DeviceStream? Stream => _stream;

    /// <summary>Waits until all calls are done.</summary>
    public void Wait() => _stream?.Synchronize();

    /// <summary>How many copies of so many bytes calls take in turn.</summary>
    public static int CopiesOf(long bytes) => (int)Math.Clamp(RotatedBytes / Math.Max(bytes, 1), 1, MostCopies);

    /// <summary>Something to dispose with the case.</summary>
    public T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }

    /// <summary>A tensor that calls write.</summary>
    public TensorRef Output(ElementType type, params ReadOnlySpan<long> shape) =>
        Own(DeviceBuffer.Allocate(Device, Size(type, shape))).View(type, 0, shape);

    /// <summary>A tensor that calls read.</summary>
    public TensorRef Input(ElementType type, params ReadOnlySpan<long> shape) => Inputs(1, type, shape)[0];

    /// <summary>Tensors of one shape with different elements.</summary>
    public TensorRef[] Inputs(int count, ElementType type, params ReadOnlySpan<long> shape)
    {
        long size = Size(type, shape);
        long stride = checked((size + Alignment - 1) / Alignment * Alignment);
        DeviceBuffer buffer = Own(DeviceBuffer.Allocate(Device, checked(stride * count)));
        Fill(buffer, type);
        TensorRef[] tensors = new TensorRef[count];
        for (int i = 0; i < count; i++)
        {
            tensors[i] = buffer.View(type, i * stride, shape);
        }

        return tensors;
    }

    /// <summary>The context with scratch memory for an op.</summary>
    public LaunchContext WithWorkspace(nuint bytes)
    {
        if (bytes == 0)
        {
            return Context;
        }

        DeviceBuffer memory = Own(DeviceBuffer.Allocate(Device, checked((long)bytes)));
        return Context with { Workspace = memory.Address, WorkspaceBytes = bytes };
    }

    /// <summary>Frees the memory of the case that was open.</summary>
    public void Close()
    {
        Wait();
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }

        _owned.Clear();
    }

    public void Dispose()
    {
        Close();
        _stream?.Dispose();
    }

    private static long Size(ElementType type, ReadOnlySpan<long> shape)
    {
        long bytes = type.ByteSize();
        foreach (long extent in shape)
        {
            bytes = checked(bytes * extent);
        }

        return bytes;
    }

    private static void Fill(DeviceBuffer buffer, ElementType type)
    {
        byte[] block = Block(type);
        for (long at = 0; at < buffer.ByteCount; at += block.Length)
        {
            buffer.CopyFrom<byte>(block.AsSpan(0, (int)Math.Min(block.Length, buffer.ByteCount - at)), at);
        }
    }

    private static byte[] Block(ElementType type)
    {
        byte[] block = new byte[BlockElements * type.ByteSize()];
        Span<float> single = MemoryMarshal.Cast<byte, float>(block.AsSpan());
        Span<ushort> half = MemoryMarshal.Cast<byte, ushort>(block.AsSpan());
        uint state = 2463534242;
        for (int i = 0; i < BlockElements; i++)
        {
            // Marsaglia's xorshift; of it 8 bits, which every type holds exactly.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            float value = ((state >> 24) - 128f) / 128f;
            switch (type)
            {
                case ElementType.Float32:
                    single[i] = value;
                    break;
                case ElementType.Float16:
                    half[i] = BitConverter.HalfToUInt16Bits((Half)value);
                    break;
                default:
                    half[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
                    break;
            }
        }

        return block;
    }
}
