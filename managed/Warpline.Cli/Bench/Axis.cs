using System.Globalization;

namespace Warpline.Cli.Bench;

/// <summary>What cases of a family differ in, with the values that are measured where none are asked for.</summary>
internal sealed class Axis
{
    private readonly string[]? _choices;

    private Axis(string name, string[]? choices, string[] defaults) => (Name, _choices, Defaults) = (name, choices, defaults);

    public string Name { get; }

    public IReadOnlyList<string> Defaults { get; }

    /// <summary>An axis of positive integers.</summary>
    public static Axis Integers(string name, params int[] defaults) =>
        new(name, null, [.. defaults.Select(value => value.ToString(CultureInfo.InvariantCulture))]);

    /// <summary>An axis of words.</summary>
    public static Axis Words(string name, string[] choices, params string[] defaults) => new(name, choices, defaults);

    /// <summary>An axis of element types.</summary>
    public static Axis Types(string name, params string[] defaults) => Words(name, ["f32", "f16", "bf16"], defaults);

    /// <summary>An axis of no and yes.</summary>
    public static Axis Flag(string name, params string[] defaults) => Words(name, ["no", "yes"], defaults);

    /// <summary>A value as case names spell it.</summary>
    /// <exception cref="UsageException">It is none of this axis.</exception>
    public string Normalize(string value)
    {
        if (_choices is null)
        {
            return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
                ? number.ToString(CultureInfo.InvariantCulture)
                : throw new UsageException($"--axis {Name} has the value \"{value}\"; an integer in [1, {int.MaxValue}] is required.");
        }

        return Array.Find(_choices, choice => choice.Equals(value, StringComparison.OrdinalIgnoreCase))
            ?? throw new UsageException($"--axis {Name} has the value \"{value}\"; one of {string.Join(", ", _choices)} is required.");
    }
}
