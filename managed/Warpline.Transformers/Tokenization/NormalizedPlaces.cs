using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>Answers where special tokens may stand in a normalised text by asking about the text as it was before.</summary>
internal sealed class NormalizedPlaces(Normalizer normalizer, string original, Func<int, int, bool> mayBeSpecial)
{
    /// <summary>Whether a special token may stand from a start to before an end, places of the normalised text.</summary>
    public bool MayBeSpecial(int start, int end) => mayBeSpecial(Original(start, roundsUp: false), Original(end, roundsUp: true));

    /// <summary>The place before which the normalised text is so long; between two, the one further out.</summary>
    private int Original(int place, bool roundsUp)
    {
        int low = 0, high = original.Length;
        while (low < high)
        {
            int middle = roundsUp ? (low + high) / 2 : (low + high + 1) / 2;
            int length = normalizer.Normalize(original.AsSpan(0, middle)).Length;
            (low, high) = roundsUp
                ? length >= place ? (low, middle) : (middle + 1, high)
                : length <= place ? (middle, high) : (low, middle - 1);
        }

        return low;
    }
}
