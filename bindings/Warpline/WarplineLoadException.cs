namespace Warpline;

/// <summary>One file or name that the loader tried.</summary>
/// <remarks>Immutable: safe from any thread, owns nothing.</remarks>
/// <param name="Path">The path, or the bare name given to the system's search.</param>
/// <param name="Origin">Why it was a candidate, "WARPLINE_LIBRARY" for instance.</param>
/// <param name="Failure">Why it was not taken; null for the one that was.</param>
public sealed record LoadAttempt(string Path, string Origin, string? Failure);

/// <summary>The native library could not be loaded. The message lists each candidate with the reason.</summary>
/// <remarks>Immutable after construction: safe from any thread.</remarks>
public sealed class WarplineLoadException : DllNotFoundException
{
    internal WarplineLoadException(IReadOnlyList<LoadAttempt> attempts)
        : base(Describe(attempts)) => Attempts = attempts;

    /// <summary>What was tried, in order.</summary>
    public IReadOnlyList<LoadAttempt> Attempts { get; }

    private static string Describe(IReadOnlyList<LoadAttempt> attempts) =>
        "The native Warpline library was not loaded. Tried:"
        + string.Concat(attempts.Select(attempt => $"\n  {attempt.Path} ({attempt.Origin}): {attempt.Failure}"));
}
