using System.Diagnostics;

namespace Warpline.Benchmarks.Measuring;

/// <summary>One side of a comparison: a name, and work that can be repeated.</summary>
/// <param name="Name">What runs.</param>
/// <param name="Work">Units that one run does: tokens, sequences, bytes or operations.</param>
/// <param name="Run">Does it.</param>
internal sealed record Side(string Name, double Work, Action Run);

/// <summary>Several sides measured in turns in one process, so that all meet the same clock rate and the same neighbours.</summary>
internal sealed class Alternation
{
    // Threads of the side before, which look for more work for a while, are asleep after this.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly double[][] _seconds;

    private Alternation(string name, string unit, IReadOnlyList<Side> sides, int rounds)
    {
        (Name, Unit, Sides) = (name, unit, sides);
        _seconds = [.. sides.Select(_ => new double[rounds])];
    }

    public string Name { get; }

    /// <summary>Of a rate: units of work a second.</summary>
    public string Unit { get; }

    public IReadOnlyList<Side> Sides { get; }

    /// <summary>Runs every side once to warm it up, then all of them in turns.</summary>
    public static Alternation Measure(string name, string unit, int rounds, params IReadOnlyList<Side> sides)
    {
        Alternation result = new(name, unit, sides, rounds);
        foreach (Side side in sides)
        {
            side.Run();
        }

        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < sides.Count; i++)
            {
                Thread.Sleep(Pause);
                long start = Stopwatch.GetTimestamp();
                sides[i].Run();
                result._seconds[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        }

        return result;
    }

    /// <summary>A side's runs, in seconds, in the order of the rounds.</summary>
    public IReadOnlyList<double> Seconds(int side) => _seconds[side];

    /// <summary>Median rate of a side.</summary>
    public double Rate(int side) => Sides[side].Work / Quantile(_seconds[side], 0.5);

    /// <summary>Quantile, over the rounds, of how many times faster one side is than another.</summary>
    public double Ratio(int side, int other, double quantile) => Quantile(
        [.. _seconds[side].Zip(_seconds[other], (own, others) => Sides[side].Work / own / (Sides[other].Work / others))], quantile);

    private static double Quantile(double[] values, double quantile)
    {
        double[] sorted = [.. values.Order()];
        double at = quantile * (sorted.Length - 1);
        int low = (int)at, high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + ((at - low) * (sorted[high] - sorted[low]));
    }
}
