namespace Warpline.Transformers;

/// <summary>How RoPE's frequencies are stretched for contexts longer than the one trained on.</summary>
public enum RopeKind
{
    /// <summary>Not at all ("default", and "dynamic", which begins beyond the model's positions).</summary>
    None,

    /// <summary>All frequencies divided by <see cref="RopeConfig.Factor"/> ("linear").</summary>
    Linear,

    /// <summary>Low frequencies divided, high ones kept, those between blended by wavelength ("llama3").</summary>
    Llama3,

    /// <summary>Blended over dimensions by rotations in the original context, scores rescaled ("yarn").</summary>
    Yarn,
}

/// <summary>Rotary position embedding, one form for the old keys (rope_theta, rope_scaling) and the new (rope_parameters).</summary>
public sealed record RopeConfig
{
    /// <summary>How the frequencies are stretched.</summary>
    public RopeKind Kind { get; init; }

    /// <summary>Base of the frequencies (rope_theta).</summary>
    public double Theta { get; init; } = 10_000;

    /// <summary>By how much the context is stretched; for all kinds but <see cref="RopeKind.None"/>.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Wavelengths above the original context divided by this are divided (low_freq_factor, llama3).</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Wavelengths below the original context divided by this are kept (high_freq_factor, llama3).</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>The context trained on (original_max_position_embeddings, llama3 and yarn).</summary>
    public int OriginalMaxPositions { get; init; }

    /// <summary>Dimensions that turn more often than this in the original context are kept (beta_fast, yarn).</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>Dimensions that turn less often than this in the original context are divided (beta_slow, yarn).</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>Whether the borders of the blend are whole dimensions (truncate, yarn).</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>Factor on cosines and sines; for yarn derived from mscale, mscale_all_dim and factor where not given.</summary>
    public double AttentionFactor { get; init; } = 1;
}
