using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Warpline.Cli;

/// <summary>Options of numbers, which look the same in every language: a decimal point, no signs between thousands.</summary>
internal static class NumberOption
{
    /// <summary>A number that need not be given.</summary>
    public static Option<T?> Create<T>(string name, string description, params string[] aliases)
        where T : struct, INumber<T>, IMinMaxValue<T> => Create(name, T.MinValue, T.MaxValue, description, aliases);

    /// <summary>A number in a range that need not be given.</summary>
    public static Option<T?> Create<T>(string name, T least, T most, string description, params string[] aliases)
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name, aliases)
        {
            Description = description,
            CustomParser = result => Read(result, result.Tokens[0].Value, least, most),
        };

    /// <summary>Whole numbers behind each other.</summary>
    public static Option<int[]> CreateList(string name, string description, string helpName) => new(name)
    {
        Description = description,
        HelpName = helpName,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => [.. result.Tokens.Select(token => Read(result, token.Value, int.MinValue, int.MaxValue) ?? 0)],
    };

    private static T? Read<T>(ArgumentResult result, string text, T least, T most)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && value >= least && value <= most)
        {
            return value;
        }

        string name = ((OptionResult)result.Parent!).Option.Name, kind = typeof(T) == typeof(int) || typeof(T) == typeof(long) ? "an integer" : "a number";
        string range = least == T.MinValue ? "" : string.Create(CultureInfo.InvariantCulture, $" in [{least}, {most}]");
        result.AddError($"{name} is {(text.Length == 0 ? "empty" : text)}; {kind}{range} is required.");
        return null;
    }
}
