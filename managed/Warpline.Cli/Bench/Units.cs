using System.Globalization;

namespace Warpline.Cli.Bench;

/// <summary>Measured values in words.</summary>
internal static class Units
{
    /// <summary>Three figures, "1.23 ms" for instance.</summary>
    public static string Time(double nanoseconds)
    {
        (double value, string unit) = nanoseconds switch
        {
            < 1e3 => (nanoseconds, "ns"),
            < 1e6 => (nanoseconds / 1e3, "us"),
            < 1e9 => (nanoseconds / 1e6, "ms"),
            _ => (nanoseconds / 1e9, "s"),
        };
        return $"{Figures(value)} {unit}";
    }

    /// <summary>At least three figures.</summary>
    public static string Figures(double value) => value.ToString(
        value switch
        {
            < 10 => "F2",
            < 100 => "F1",
            _ => "F0",
        },
        CultureInfo.InvariantCulture);

    /// <summary>A part of a whole, "1.5 %" for instance.</summary>
    public static string Percent(double part) => (100 * part).ToString("F1", CultureInfo.InvariantCulture) + " %";
}
