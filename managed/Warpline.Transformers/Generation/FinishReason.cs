namespace Warpline.Transformers;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model produced an end-of-sequence token.</summary>
    EndOfSequence,

    /// <summary>The text reached one of <see cref="GenerationOptions.StopSequences"/>.</summary>
    StopSequence,

    /// <summary><see cref="GenerationOptions.MaxOutputTokens"/> tokens were produced.</summary>
    Length,

    /// <summary>The session is full: there is no room for another token.</summary>
    Capacity,
}
