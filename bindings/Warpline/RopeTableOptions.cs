namespace Warpline;

/// <summary>How the frequencies of rotary tables are stretched, as Hugging Face transformers defines it; values of the C
/// ABI.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum RopeScaling
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>All divided by one factor.</summary>
    Linear = 1,

    /// <summary>Low frequencies divided, high ones kept, a ramp between.</summary>
    Llama3 = 2,

    /// <summary>A ramp between kept and divided frequencies, with a correction of the magnitude.</summary>
    Yarn = 3,
}

/// <summary>The frequencies of rotary tables: base^(-2i/R), stretched.</summary>
/// <remarks>An immutable value: safe from any thread.</remarks>
public readonly record struct RopeTableOptions
{
    /// <summary>Creates options with base 10,000 and no scaling.</summary>
    public RopeTableOptions()
    {
    }

    /// <summary>Theta, the base of the frequencies.</summary>
    public double Base { get; init; } = 10_000;

    /// <summary>The kind of stretching.</summary>
    public RopeScaling Scaling { get; init; }

    /// <summary>Linear, Llama3, Yarn: the factor.</summary>
    public double Factor { get; init; }

    /// <summary>Llama3: wavelengths beyond OriginalMaxPositions / this are divided.</summary>
    public double LowFrequencyFactor { get; init; }

    /// <summary>Llama3: wavelengths below OriginalMaxPositions / this are kept.</summary>
    public double HighFrequencyFactor { get; init; }

    /// <summary>Llama3, Yarn: the positions that the model was trained on first.</summary>
    public double OriginalMaxPositions { get; init; }

    /// <summary>Yarn: 0 means 32.</summary>
    public double BetaFast { get; init; }

    /// <summary>Yarn: 0 means 1.</summary>
    public double BetaSlow { get; init; }

    /// <summary>Yarn: multiplies cos and sin; 0 means 0.1 ln(factor) + 1.</summary>
    public double AttentionFactor { get; init; }

    /// <summary>Yarn: keeps the correction range unrounded (transformers' truncate=false).</summary>
    public bool YarnExactRange { get; init; }

    /// <summary>Rounds the frequencies to Float16 or BFloat16, as engines do that cast a whole model to the type, these numbers
    /// included. Null does not round.</summary>
    public ElementType? FrequencyType { get; init; }
}
