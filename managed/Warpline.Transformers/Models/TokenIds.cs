namespace Warpline.Transformers;

/// <summary>What every call that takes token ids asks of them.</summary>
internal static class TokenIds
{
    /// <param name="ids">The ids.</param>
    /// <param name="vocabulary">One more than the largest.</param>
    /// <param name="parameter">The caller's parameter.</param>
    /// <param name="name">What messages call the ids; null for the parameter's name.</param>
    /// <exception cref="ArgumentException">An id is none of the vocabulary.</exception>
    public static void Require(ReadOnlySpan<int> ids, int vocabulary, string parameter, string? name = null)
    {
        int wrong = ids.IndexOfAnyExceptInRange(0, vocabulary - 1);
        if (wrong >= 0)
        {
            throw new ArgumentException($"{name ?? parameter}[{wrong}] is {ids[wrong]}; an id in [0, {vocabulary}) is required.", parameter);
        }
    }
}
