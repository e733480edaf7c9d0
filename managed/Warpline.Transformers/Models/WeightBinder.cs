namespace Warpline.Transformers;

/// <summary>
/// Takes a model's weights from their source by name, checks them against the shapes that the configuration asks for, and puts
/// them where the model runs: on the processor they stay views of the source, a GPU gets copies in its own memory.
/// </summary>
internal sealed class WeightBinder(
    IWeightSource source, ModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellation) : IDisposable
{
    private readonly Workspace _workspace = new(options.Device, options.BatchInvariant);
    private readonly List<IDisposable> _owned = [];
    private readonly List<HostTensor> _staged = [];
    private readonly HashSet<nint> _counted = [];
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
        return _workspace.Stream is null ? view : Copy(view);
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

    /// <summary>A linear layer with a weight and its bias, if it has one, packed where the options say so; owned.</summary>
    public LinearLayer Linear(TensorRef weight, TensorRef bias)
    {
        LinearLayer layer = new(weight, bias, options.PackWeights);
        _owned.Add(layer);
        Bytes += layer.PackedBytes;
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
