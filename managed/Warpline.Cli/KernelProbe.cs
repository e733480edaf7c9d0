using System.Text.Json.Nodes;

namespace Warpline.Cli;

/// <summary>
/// Which kernels serve a device. The library names a kernel after it served, so each operation runs once, on few numbers, for each
/// type; what it refuses has no kernel.
/// </summary>
internal sealed class KernelProbe : IDisposable
{
    private const int _few = 1, _many = 128, _width = 64;

    private readonly ComputeDevice _device;
    private readonly DeviceStream? _stream;
    private readonly List<IDisposable> _owned = [];

    private KernelProbe(ComputeDevice device)
    {
        _device = device;
        _stream = device.Kind == DeviceKind.Cpu ? null : DeviceStream.Create(device);
    }

    private LaunchContext Context => _stream?.Context ?? new LaunchContext(_device);

    /// <summary>For each operation the kernels by type.</summary>
    public static JsonArray Run(ComputeDevice device)
    {
        using KernelProbe probe = new(device);
        List<(string Name, Action<ElementType> Run)> operations =
        [
            ("product of a row", type => probe.Product(type, _few)),
            ("product of many rows", type => probe.Product(type, _many)),
            ("attention of a query", type => probe.Attend(type, _few)),
            ("attention of many queries", type => probe.Attend(type, _many)),
            ("RMS norm", type => Norm.Rms(probe.Rows(type), probe.Zeros(type, _width), probe.Rows(type), context: probe.Context)),
            ("layer norm", type => Norm.Layer(
                probe.Rows(type), probe.Zeros(type, _width), probe.Zeros(type, _width), probe.Rows(type), context: probe.Context)),
            ("rotary embedding", type => Rope.Apply(
                probe.Heads(type), probe.Heads(type), probe.Zeros(ElementType.Int32, _many), probe.Zeros(ElementType.Float32, 1, _width / 2),
                probe.Zeros(ElementType.Float32, 1, _width / 2), context: probe.Context)),
            ("activation", type => Activations.Apply(Activation.Silu, probe.Rows(type), probe.Rows(type), context: probe.Context)),
            ("embedding", type => Embedding.Lookup(
                probe.Rows(type), probe.Zeros(ElementType.Int32, _many), probe.Rows(type), probe.Context)),
            ("softmax", type => Softmax.Apply(probe.Rows(type), probe.Rows(type), context: probe.Context)),
            ("argmax", type => Sampling.ArgMax(probe.Rows(type), probe.Zeros(ElementType.Int32, _many), probe.Context)),
            ("cache append", type => KeyValueCache.Append(
                probe.Heads(type), probe.Heads(type), probe.Zeros(type, 1, _many, 1, _width), probe.Zeros(type, 1, _many, 1, _width),
                probe.Zeros(ElementType.Int32, 1), context: probe.Context)),
        ];
        if (device.Kind == DeviceKind.Cpu)
        {
            operations.Insert(2, ("product of many rows, packed weight", probe.PackedProduct));
        }

        return [.. operations.Select(operation => (JsonNode)new JsonObject
        {
            ["operation"] = operation.Name,
            ["float32"] = probe.NameOf(operation.Run, ElementType.Float32),
            ["bfloat16"] = probe.NameOf(operation.Run, ElementType.BFloat16),
            ["float16"] = probe.NameOf(operation.Run, ElementType.Float16),
        })];
    }

    public void Dispose()
    {
        Free();
        _stream?.Dispose();
    }

    private string? NameOf(Action<ElementType> run, ElementType type)
    {
        try
        {
            run(type);
            return WarplineLibrary.LastKernel;
        }
        catch (WarplineException exception) when (exception.Status == WarplineStatus.Unsupported)
        {
            return null;
        }
        finally
        {
            _stream?.Synchronize();
            Free();
        }
    }

    private void Product(ElementType type, int rows)
    {
        TensorRef weight = Rows(type), x = Zeros(type, rows, _width), y = Zeros(type, rows, _many);
        Gemm.Run(weight, x, y, context: With(Gemm.GetWorkspaceSize(weight, x, y, context: Context)));
    }

    private void PackedProduct(ElementType type)
    {
        using PackedWeight weight = PackedWeight.Pack(Rows(type));
        Gemm.Run(weight, Rows(type), Zeros(type, _many, _many), context: Context);
    }

    private void Attend(ElementType type, int queries)
    {
        // On the processor many queries are such as give all threads work.
        int heads = queries == _many && _stream is null ? WarplineLibrary.ThreadCount : 1;
        AttentionInputs inputs = new()
        {
            Query = Zeros(type, 1, queries, heads, _width),
            Key = Zeros(type, 1, _many, heads, _width),
            Value = Zeros(type, 1, _many, heads, _width),
        };
        TensorRef output = Zeros(type, 1, queries, heads, _width);
        Attention.Forward(inputs, output, default, context: With(Attention.GetWorkspaceSize(inputs, output, default, context: Context)));
    }

    private TensorRef Rows(ElementType type) => Zeros(type, _many, _width);

    private TensorRef Heads(ElementType type) => Zeros(type, _many, 1, _width);

    private TensorRef Zeros(ElementType type, params ReadOnlySpan<long> shape)
    {
        if (_stream is null)
        {
            HostTensor tensor = HostTensor.Allocate(type, shape);
            _owned.Add(tensor);
            tensor.Clear();
            return tensor;
        }

        long bytes = type.ByteSize();
        foreach (long extent in shape)
        {
            bytes *= extent;
        }

        return Allocate(bytes).View(type, 0, shape);
    }

    private DeviceBuffer Allocate(long bytes)
    {
        DeviceBuffer buffer = DeviceBuffer.Allocate(_device, bytes);
        _owned.Add(buffer);
        buffer.Fill(0, _stream);
        return buffer;
    }

    private LaunchContext With(nuint bytes) => bytes == 0
        ? Context
        : Context with { Workspace = Allocate((long)bytes).Address, WorkspaceBytes = bytes };

    private void Free()
    {
        _owned.ForEach(item => item.Dispose());
        _owned.Clear();
    }
}
