namespace Warpline.Transformers;

/// <summary>
/// Takes a model's weights from their source by name, checks them against the shapes that the configuration asks for, and puts
/// them where the model runs: on the processor they stay views of the source, a GPU gets copies in its own memory. What was read from
/// a file and has its values elsewhere now is freed. A plan does all of that but the putting: no weight is read, nothing is allocated,
/// the views lead nowhere, and the account is the same.
/// </summary>
internal sealed class WeightBinder(
    IWeightSource source, ModelOptions options, bool plan, IProgress<LoadProgress>? progress, CancellationToken cancellation) : IDisposable
{
    // Bytes whose copies to a GPU may be under way before their source is freed.
    private const long MostCopiedBytes = 1 << 30;

    private readonly Workspace _workspace = new(plan ? ComputeDevice.Cpu : options.Device, options.BatchInvariant);
    private readonly List<IDisposable> _owned = [];
    private readonly List<HostTensor> _staged = [];
    private readonly List<nint> _copied = [];
    private readonly HashSet<nint> _counted = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private long _parameters, _storedBytes, _freedBytes, _madeBytes, _packedBytes, _deviceBytes, _copiedBytes;

    /// <summary>Weights that the model has, for the reports of progress.</summary>
    public int Total { get; set; }

    /// <summary>Whether this is a plan.</summary>
    public bool IsPlan => plan;

    /// <summary>What has become of the weights so far.</summary>
    public WeightAccount Account => new()
    {
        ParameterCount = _parameters,
        StoredBytes = _storedBytes,
        FreedBytes = _freedBytes,
        ConvertedBytes = _madeBytes,
        PackedBytes = _packedBytes,
        DeviceBytes = _deviceBytes,
        UnusedTensors = [.. source.Names.Where(name => !_used.Contains(name)).Order(StringComparer.Ordinal)],
    };

    /// <summary>A weight on the model's device: as it is stored, or as float32 where no op combines its type with the
    /// activations'.</summary>
    /// <exception cref="InvalidDataException">It is missing, or its shape is another, or it holds no numbers of a weight.</exception>
    public TensorRef Find(string name, params ReadOnlySpan<long> shape)
    {
        WeightTensor tensor = Require(name, shape);
        bool otherHalf = (tensor.Type, options.ActivationType) is (ElementType.Float16, ElementType.BFloat16)
            or (ElementType.BFloat16, ElementType.Float16);
        return otherHalf ? Make(ElementType.Float32, shape, [tensor], () => WeightValues.ToSingle(tensor)) : Place(tensor);
    }

    /// <summary>A matrix for products on the model's device. Beside activations of 16 bits it has their type, whatever it is stored
    /// in: only such products are fast.</summary>
    public TensorRef Matrix(WeightTensor tensor)
    {
        ElementType type = TypeOfMatrix([tensor]);
        return type == tensor.Type
            ? Place(tensor)
            : Make(type, tensor.Shape.AsSpan(), [tensor], () => WeightValues.Stack([tensor], type));
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
            throw new InvalidDataException(
                $"The weight \"{name}\" is stored as {tensor.Type}; Float32, Float16 or BFloat16 is required.");
        }

        // Two names may stand for one array in memory; a file's memory may be another tensor's when it was freed.
        if (_used.Add(name) && (source is CheckpointWeights || _counted.Add(tensor.Address)))
        {
            _parameters += tensor.ElementCount;
            _storedBytes += tensor.ElementCount * tensor.Type.ByteSize();
        }

        progress?.Report(new LoadProgress("weights", _used.Count, Total));
        return tensor;
    }

    /// <summary>A weight on the model's device.</summary>
    public TensorRef Place(WeightTensor tensor)
    {
        TensorRef view = TensorRef.FromAddress(tensor.Address, tensor.Type, tensor.Shape.AsSpan());
        _deviceBytes += BytesOnDevice(view);
        if (options.Device.Kind == DeviceKind.Cpu)
        {
            return view;
        }

        CountFreed(tensor);
        if (plan)
        {
            return view;
        }

        TensorRef copy = Copy(view);
        _copied.Add(tensor.Address);
        _copiedBytes += BytesOf(view);
        if (_copiedBytes >= MostCopiedBytes)
        {
            Complete();
        }

        return copy;
    }

    /// <summary>A tensor that is made at load out of stored ones, which are freed, on the model's device; owned.</summary>
    public TensorRef Make(ElementType type, ReadOnlySpan<long> shape, ReadOnlySpan<WeightTensor> sources, Func<HostTensor> make)
    {
        TensorRef outline = TensorRef.FromAddress(0, type, shape);
        _madeBytes += BytesOf(outline);
        _deviceBytes += BytesOnDevice(outline);
        if (plan)
        {
            Free(sources);
            return outline;
        }

        HostTensor tensor = make();
        Free(sources);
        if (_workspace.Stream is null)
        {
            _owned.Add(tensor);
            return tensor;
        }

        _staged.Add(tensor);
        return Copy(tensor);
    }

    /// <summary>A linear layer with a weight and its bias, if it has one, packed where the options say so; owned. A weight that is
    /// <paramref name="shared"/> stays where it lies for its other users.</summary>
    public LinearLayer Linear(TensorRef weight, TensorRef bias, bool shared = false)
    {
        LinearLayer layer = Pack(weight, bias);
        if (options.PackWeights && !shared)
        {
            Free([new WeightTensor(weight.Address, weight.ElementType, [.. weight.Shape])]);
        }

        return layer;
    }

    /// <summary>A linear layer with the matrix that stored ones of one shape [N, K] make behind each other, of the type that
    /// <see cref="Matrix"/> gives; owned. Where it is packed nothing else of it stays.</summary>
    public LinearLayer Linear(WeightTensor[] weights, TensorRef bias) => Linear(weights, TypeOfMatrix(weights), bias);

    /// <summary>Two linear layers for <see cref="LinearLayer.ApplyGated"/>, whose matrices have one type; owned.</summary>
    public (LinearLayer Gate, LinearLayer Up) Gated(WeightTensor gate, TensorRef gateBias, WeightTensor up, TensorRef upBias)
    {
        ElementType type = TypeOfMatrix([gate, up]);
        return (Linear([gate], type, gateBias), Linear([up], type, upBias));
    }

    private LinearLayer Linear(WeightTensor[] weights, ElementType type, TensorRef bias)
    {
        if (weights.Length == 1 && weights[0].Type == type)
        {
            return Linear(Place(weights[0]), bias);
        }

        long[] shape = [weights.Length * weights[0].Shape[0], weights[0].Shape[1]];
        if (!options.PackWeights)
        {
            return Pack(Make(type, shape, weights, () => WeightValues.Stack(weights, type)), bias);
        }

        using HostTensor? weight = plan ? null : WeightValues.Stack(weights, type);
        Free(weights);
        return Pack(weight?.View ?? TensorRef.FromAddress(0, type, shape), bias);
    }

    /// <summary>Waits until all copies are made, and frees what they were made of.</summary>
    public void Complete()
    {
        _workspace.Synchronize();
        _staged.ForEach(tensor => tensor.Dispose());
        _staged.Clear();
        _copied.ForEach(Release);
        _copied.Clear();
        _copiedBytes = 0;
    }

    /// <summary>Frees a weight that was read from a file and not counted: nobody needs it.</summary>
    public void Release(nint address) => (source as CheckpointWeights)?.Release(address);

    /// <summary>Frees what was made; the source stays as it is.</summary>
    public void Dispose()
    {
        Complete();
        _owned.ForEach(item => item.Dispose());
        _workspace.Dispose();
    }

    // Beside float32 activations the type that the matrices are stored in, if all have one type.
    private ElementType TypeOfMatrix(WeightTensor[] weights) =>
        options.ActivationType == ElementType.Float32 && weights.All(weight => weight.Type == weights[0].Type)
            ? weights[0].Type
            : options.ActivationType;

    private LinearLayer Pack(TensorRef weight, TensorRef bias)
    {
        LinearLayer layer = new(weight, bias, options.PackWeights && !plan);
        _owned.Add(layer);
        _packedBytes += options.PackWeights ? PackedWeight.GetByteCount(weight) : 0;
        return layer;
    }

    // Their values are elsewhere now.
    private void Free(ReadOnlySpan<WeightTensor> tensors)
    {
        foreach (WeightTensor tensor in tensors)
        {
            CountFreed(tensor);
            if (!plan)
            {
                Release(tensor.Address);
            }
        }
    }

    // Memory that a program holds stays the program's.
    private void CountFreed(WeightTensor tensor) =>
        _freedBytes += source is CheckpointWeights ? tensor.ElementCount * tensor.Type.ByteSize() : 0;

    private static long BytesOf(in TensorRef view) => view.ElementCount * view.ElementType.ByteSize();

    private long BytesOnDevice(in TensorRef view) => options.Device.Kind == DeviceKind.Cpu ? 0 : BytesOf(view);

    private TensorRef Copy(TensorRef view)
    {
        DeviceTensor copy = DeviceTensor.Copy(options.Device, view, _workspace.Stream);
        _owned.Add(copy);
        return copy.View;
    }

    private static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
