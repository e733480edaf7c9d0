using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// Passes text on until a stop sequence appears in it. Text that could be the beginning of one is held back, so that no
/// part of a stop sequence is ever released, however it was cut into pieces.
/// </summary>
internal sealed class StopSequenceFilter(IReadOnlyList<string> sequences)
{
    private readonly StringBuilder _held = new();

    /// <summary>Adds text and returns what can be released.</summary>
    /// <param name="text">The next piece of text.</param>
    /// <param name="stopped">Whether a stop sequence was found: the text before it is released, all else dropped.</param>
    public string Append(string text, out bool stopped)
    {
        stopped = false;
        if (sequences.Count == 0)
        {
            return text;
        }

        string all = _held.Append(text).ToString();
        _held.Clear();

        // The one that is complete first, as if the text came character by character; of several the longest.
        (int End, int Begin) first = sequences
            .Select(sequence => (Begin: all.IndexOf(sequence, StringComparison.Ordinal), sequence.Length))
            .Where(found => found.Begin >= 0)
            .Select(found => (found.Begin + found.Length, found.Begin))
            .DefaultIfEmpty((-1, -1))
            .Min();
        stopped = first.Begin >= 0;
        if (stopped)
        {
            return all[..first.Begin];
        }

        int keep = sequences.Max(sequence => HeldLength(all, sequence));
        _held.Append(all, all.Length - keep, keep);
        return all[..^keep];
    }

    /// <summary>Releases what is held back, at the end of the text.</summary>
    public string Flush()
    {
        string rest = _held.ToString();
        _held.Clear();
        return rest;
    }

    /// <summary>Length of the longest end of the text that is a beginning of the sequence.</summary>
    private static int HeldLength(string text, string sequence)
    {
        for (int length = Math.Min(text.Length, sequence.Length - 1); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(sequence.AsSpan(0, length)))
            {
                return length;
            }
        }

        return 0;
    }
}
