namespace Warpline.Transformers;

/// <summary>
/// Takes a model's weights from their source by name, checks them against the shapes that the configuration asks for, and puts
/// them where the model runs: on the processor they stay views of the source, a GPU gets copies in its own memory. A plan does
/// all of that but the putting: no weight is read, nothing is allocated, the views lead nowhere, and the account is the same.
/// </summary>
internal sealed class WeightBinder(
    IWeightSource source, ModelOptions options, bool plan, IProgress<LoadProgress>? progress, CancellationToken cancellation) : IDisposable
{
    private readonly Workspace _workspace = new(plan ? ComputeDevice.Cpu : options.Device, options.BatchInvariant);
    private readonly List<IDisposable> _owned = [];
    private readonly List<HostTensor> _staged = [];
    private readonly HashSet<nint> _counted = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private long _parameters, _storedBytes, _madeBytes, _packedBytes, _deviceBytes;

    /// <summary>Weights that the model has, for the reports of progress.</summary>
    public int Total { get; set; }

    /// <summary>Whether this is a plan.</summary>
    public bool IsPlan => plan;

    /// <summary>What has become of the weights so far.</summary>
    public WeightAccount Account => new()
    {
        ParameterCount = _parameters,
        StoredBytes = _storedBytes,
        ConvertedBytes = _madeBytes + ((source as CheckpointWeights)?.CopiedBytes ?? 0),
        PackedBytes = _packedBytes,
        DeviceBytes = _deviceBytes,
        UnusedTensors = [.. source.Names.Where(name => !_used.Contains(name)).Order(StringComparer.Ordinal)],
    };

    /// <summary>Bytes of all bound tensors, each once, and of packed and rearranged copies.</summary>
    public long Bytes => _storedBytes + _madeBytes + _packedBytes;

    /// <summary>Elements of all bound tensors, each counted once.</summary>
    public long ParameterCount => _parameters;

    /// <summary>A weight as it is stored, on the model's device.</summary>
    /// <exception cref="InvalidDataException">It is missing, or its shape or type does not serve.</exception>
    public TensorRef Find(string name, params ReadOnlySpan<long> shape)
    {
        WeightTensor tensor = Require(name, shape);
        if (IsOtherHalf(tensor.Type))
        {
            throw WrongType(name, tensor.Type, $"Float32 or {options.ActivationType}");
        }

        return Place(tensor);
    }

    /// <summary>A weight in host memory, counted.</summary>
    /// <exception cref="InvalidDataException">It is missing, or its shape is another, or it holds no numbers of a weight.</exception>
    public WeightTensor Require(string name, params ReadOnlySpan<long> shape)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!source.TryGet(name, out WeightTensor tensor))
        {
            throw new InvalidDataException(
                $"The weight \"{name}\" of shape {Text(shape)} is required, but the checkpoint does not have it.");
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new InvalidDataException(
                $"The weight \"{name}\" has the shape {Text(tensor.Shape.AsSpan())}; {Text(shape)} is required by the configuration.");
        }

        if (tensor.Type == ElementType.Int32)
        {
            throw WrongType(name, tensor.Type, options.ActivationType == ElementType.Float32
                ? "Float32, Float16 or BFloat16"
                : $"Float32 or {options.ActivationType}");
        }

        _used.Add(name);
        if (_counted.Add(tensor.Address))
        {
            _parameters += tensor.ElementCount;
            _storedBytes += tensor.ElementCount * tensor.Type.ByteSize();
        }

        progress?.Report(new LoadProgress("weights", _used.Count, Total));
        return tensor;
    }

    /// <summary>Whether a type is the 16-bit type that no op combines with the activations'.</summary>
    public bool IsOtherHalf(ElementType type) => (type, options.ActivationType) is (ElementType.Float16, ElementType.BFloat16)
        or (ElementType.BFloat16, ElementType.Float16);

    /// <summary>A weight on the model's device.</summary>
    public TensorRef Place(WeightTensor tensor)
    {
        TensorRef view = TensorRef.FromAddress(tensor.Address, tensor.Type, tensor.Shape.AsSpan());
        _deviceBytes += BytesOnDevice(view);
        return _workspace.Stream is null ? view : Copy(view);
    }

    /// <summary>A tensor that is made at load, on the model's device; owned.</summary>
    public TensorRef Make(ElementType type, ReadOnlySpan<long> shape, Func<HostTensor> make)
    {
        TensorRef outline = TensorRef.FromAddress(0, type, shape);
        _madeBytes += BytesOf(outline);
        _deviceBytes += BytesOnDevice(outline);
        if (plan)
        {
            return outline;
        }

        HostTensor tensor = make();
        if (_workspace.Stream is null)
        {
            _owned.Add(tensor);
            return tensor;
        }

        _staged.Add(tensor);
        return Copy(tensor);
    }

    /// <summary>A linear layer with a weight and its bias, if it has one, packed where the options say so; owned.</summary>
    public LinearLayer Linear(TensorRef weight, TensorRef bias)
    {
        LinearLayer layer = new(weight, bias, options.PackWeights && !plan);
        _owned.Add(layer);
        _packedBytes += options.PackWeights ? PackedWeight.GetByteCount(weight) : 0;
        return layer;
    }

    /// <summary>A linear layer with a weight that is made at load; owned. Where it is packed nothing else of it stays.</summary>
    public LinearLayer Linear(ElementType type, ReadOnlySpan<long> shape, Func<HostTensor> make, TensorRef bias)
    {
        if (plan || !options.PackWeights)
        {
            return Linear(options.PackWeights ? TensorRef.FromAddress(0, type, shape) : Make(type, shape, make), bias);
        }

        using HostTensor weight = make();
        return Linear(weight.View, bias);
    }

    /// <summary>Waits until all copies are made.</summary>
    public void Complete()
    {
        _workspace.Synchronize();
        _staged.ForEach(tensor => tensor.Dispose());
        _staged.Clear();
    }

    /// <summary>Frees what was made; the source stays as it is.</summary>
    public void Dispose()
    {
        Complete();
        _owned.ForEach(item => item.Dispose());
        _workspace.Dispose();
    }

    private static long BytesOf(in TensorRef view) => view.ElementCount * view.ElementType.ByteSize();

    private long BytesOnDevice(in TensorRef view) => options.Device.Kind == DeviceKind.Cpu ? 0 : BytesOf(view);

    private TensorRef Copy(TensorRef view)
    {
        DeviceTensor copy = DeviceTensor.Copy(options.Device, view, _workspace.Stream);
        _owned.Add(copy);
        return copy.View;
    }

    private InvalidDataException WrongType(string name, ElementType type, string accepted) => new(
        $"The weight \"{name}\" is stored as {type}; activations of {options.ActivationType} require {accepted}.");

    private static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
