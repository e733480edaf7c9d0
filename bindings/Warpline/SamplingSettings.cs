using System.Runtime.InteropServices;

namespace Warpline;

/// <summary>How the token of one row is drawn: the C ABI's <c>wl_sampling_row</c>, bit for bit. The default value samples from
/// the plain softmax. The order is Hugging Face's: penalties, temperature, top-k, top-p, min-p.</summary>
/// <remarks>An immutable value: safe from any thread.</remarks>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct SamplingSettings
{
    /// <summary>Logits are divided by it; 0 means 1.</summary>
    public float Temperature { get; init; }

    /// <summary>Keeps the most probable tokens up to this mass; 0 means all.</summary>
    public float TopP { get; init; }

    /// <summary>Drops tokens below this part of the largest probability; 0 means none.</summary>
    public float MinP { get; init; }

    /// <summary>Of tokens in the history: positive logits are divided by it, others multiplied; 0 means none.</summary>
    public float RepetitionPenalty { get; init; }

    /// <summary>Subtracted once for each time that the token is in the history.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once where the token is in the history.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Keeps the most probable tokens; 0 means all.</summary>
    public int TopK { get; init; }

    private readonly int _greedy;

    /// <summary>Takes the largest logit after the penalties, without a random number.</summary>
    public bool Greedy
    {
        get => _greedy != 0;
        init => _greedy = value ? 1 : 0;
    }

    /// <summary>The key of the random numbers: same seed, same numbers on every device.</summary>
    public ulong Seed { get; init; }

    /// <summary>The counter of the random numbers: a different number for each, the token's position for instance.</summary>
    public ulong Position { get; init; }
}
