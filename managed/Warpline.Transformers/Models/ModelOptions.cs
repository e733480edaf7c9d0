namespace Warpline.Transformers;

/// <summary>How a model computes.</summary>
public sealed record ModelOptions
{
    /// <summary>Where the model runs.</summary>
    public ComputeDevice Device { get; init; }

    /// <summary>Type of activations and of the key/value cache. Sums are kept in float32 whatever it is. Beside float32 activations
    /// weights run as they are stored; beside 16-bit ones matrices are converted to the same type at load, if they have
    /// another.</summary>
    public ElementType ActivationType { get; init; } = ElementType.Float32;

    /// <summary>
    /// Type that the frequencies of the rotary embedding are rounded to. Float32 does not round. A 16-bit type reproduces
    /// engines that cast the whole model, these numbers included, as <c>model.to(torch.bfloat16)</c> does in transformers;
    /// that moves the angles of late positions a lot, so it is for comparing only.
    /// </summary>
    public ElementType RotaryFrequencyType { get; init; } = ElementType.Float32;

    /// <summary>
    /// Packs the weights of linear layers at load into memory of their own: products of many rows are faster, at the price
    /// of the copy's memory. Without it weights run from where they were read to. For the processor
    /// only: a GPU reads weights as they are, from its own memory.
    /// </summary>
    public bool PackWeights { get; init; }

    /// <summary>Makes a token's logits depend only on the tokens before it and on its position, bit for bit, not on how the
    /// tokens were cut into calls. May cost speed.</summary>
    public bool BatchInvariant { get; init; }

    /// <exception cref="ArgumentException">A value is impossible.</exception>
    /// <exception cref="WarplineException">The device does not exist.</exception>
    internal void Check()
    {
        CheckValues();
        WarplineLibrary.GetDevice(Device);
    }

    /// <summary>Checks all but that the device exists.</summary>
    /// <exception cref="ArgumentException">A value is impossible.</exception>
    internal void CheckValues()
    {
        CheckType(nameof(ActivationType), ActivationType);
        CheckType(nameof(RotaryFrequencyType), RotaryFrequencyType);
        if (PackWeights && Device.Kind != DeviceKind.Cpu)
        {
            throw new ArgumentException($"{nameof(PackWeights)} is true; false is required on {Device}.");
        }
    }

    private static void CheckType(string name, ElementType type)
    {
        if (type is not (ElementType.Float32 or ElementType.Float16 or ElementType.BFloat16))
        {
            throw new ArgumentException($"{name} is {type}; Float32, Float16 or BFloat16 is required.");
        }
    }
}
