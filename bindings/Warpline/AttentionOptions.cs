namespace Warpline;

/// <summary>How scores become weights. The default value attends everything with the scale 1 / sqrt(d).</summary>
/// <remarks>An immutable value: safe from any thread.</remarks>
public readonly record struct AttentionOptions
{
    /// <summary>Multiplies query times key; null means 1 / sqrt(d). Zero is not a scale.</summary>
    public float? Scale { get; init; }

    /// <summary>Query row i sees keys up to its aligned position, keyLength - queryLength + i: the last query row is aligned
    /// with the last key.</summary>
    public bool Causal { get; init; }

    /// <summary>A sliding window of so many keys that end with the row's own, as Hugging Face's sliding_window counts: 1 sees
    /// the own key only. Short for <see cref="WindowLeft"/> of one less and <see cref="WindowRight"/> 0.</summary>
    public int? Window { get; init; }

    /// <summary>How many keys before the row's own may be attended; null is no bound. Not together with
    /// <see cref="Window"/>.</summary>
    public int? WindowLeft { get; init; }

    /// <summary>How many keys after the row's own may be attended; null is no bound. Not together with
    /// <see cref="Window"/>.</summary>
    public int? WindowRight { get; init; }

    /// <summary>Bounds scores: s becomes c tanh(s / c); null is none.</summary>
    public float? Softcap { get; init; }
}
