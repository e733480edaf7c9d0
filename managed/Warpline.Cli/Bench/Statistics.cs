namespace Warpline.Cli.Bench;

/// <summary>The middle of samples and how far they lie from it.</summary>
internal readonly record struct Statistics(double Median, double Deviation)
{
    // Of a normal distribution, the standard deviation is so many median deviations.
    private const double StandardDeviations = 1.4826;

    /// <summary>The robust standard deviation.</summary>
    public double Spread => StandardDeviations * Deviation;

    /// <summary>The median of the samples and the median of their distances from it.</summary>
    public static Statistics Of(IReadOnlyList<double> samples)
    {
        double median = MedianOf(samples);
        return new Statistics(median, MedianOf([.. samples.Select(sample => Math.Abs(sample - median))]));
    }

    private static double MedianOf(IReadOnlyList<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] / 2) + (sorted[middle] / 2);
    }
}
