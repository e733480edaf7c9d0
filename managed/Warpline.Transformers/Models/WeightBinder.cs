namespace Warpline.Transformers;

/// <summary>
/// Takes a model's weights from their source by name, checks them against the shapes that the configuration asks for, and puts
/// them where the model runs: on the processor they stay views of the source, a GPU gets copies in its own memory. What was read from
/// a file and copied elsewhere is freed.
/// </summary>
internal sealed class WeightBinder(
    IWeightSource source, ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellation) : IDisposable
{
    // Bytes whose copies to a GPU may be under way before their source is freed.
    private const long MostCopiedBytes = 1 << 30;

    private readonly Workspace _workspace = new(options.Device, options.BatchInvariant);
    private readonly List<IDisposable> _owned = [];
    private readonly List<HostTensor> _staged = [];
    private readonly HashSet<nint> _counted = [];
    private readonly List<nint> _copied = [];
    private long _copiedBytes;
    private int _done;

    /// <summary>Weights that the model has, for the reports of progress.</summary>
    public int Total { get; set; }

    /// <summary>Bytes of all bound tensors, each once, and of packed and rearranged copies.</summary>
    public long Bytes { get; private set; }

    /// <summary>Elements of all bound tensors, each counted once.</summary>
    public long ParameterCount { get; private set; }

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

        if (_counted.Add(tensor.Address))
        {
            ParameterCount += tensor.ElementCount;
            Bytes += tensor.ElementCount * tensor.Type.ByteSize();
        }

        progress?.Report(new LoadProgress("weights", ++_done, Total));
        return tensor;
    }

    /// <summary>Whether a type is the 16-bit type that no op combines with the activations'.</summary>
    public bool IsOtherHalf(ElementType type) => (type, options.ActivationType) is (ElementType.Float16, ElementType.BFloat16)
        or (ElementType.BFloat16, ElementType.Float16);

    /// <summary>A weight on the model's device.</summary>
    public TensorRef Place(WeightTensor tensor)
    {
        TensorRef view = TensorRef.FromAddress(tensor.Address, tensor.Type, tensor.Shape.AsSpan());
        if (_workspace.Stream is null)
        {
            return view;
        }

        TensorRef copy = Copy(view);
        _copied.Add(tensor.Address);
        _copiedBytes += tensor.ElementCount * tensor.Type.ByteSize();
        if (_copiedBytes >= MostCopiedBytes)
        {
            Complete();
        }

        return copy;
    }

    /// <summary>Puts a tensor that was made at load on the model's device, and owns it.</summary>
    public TensorRef Place(HostTensor tensor)
    {
        Bytes += tensor.ByteCount;
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
        LinearLayer layer = new(weight, bias, options.PackWeights);
        _owned.Add(layer);
        Bytes += layer.PackedBytes;
        if (options.PackWeights && !shared)
        {
            Release(weight.Address);
        }

        return layer;
    }

    /// <summary>A linear layer with a weight that was made at load; owned.</summary>
    public LinearLayer Linear(HostTensor weight, TensorRef bias)
    {
        if (!options.PackWeights)
        {
            return Linear(Place(weight), bias);
        }

        using (weight)
        {
            return Linear(weight.View, bias);
        }
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

    /// <summary>Frees a weight that was read from a file and is needed no more: its values are elsewhere.</summary>
    public void Release(nint address)
    {
        if (source is CheckpointWeights read)
        {
            read.Release(address);
            _counted.Remove(address);
        }
    }

    /// <summary>Frees what was made; the source stays as it is.</summary>
    public void Dispose()
    {
        Complete();
        _owned.ForEach(item => item.Dispose());
        _workspace.Dispose();
    }

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
