using System.Globalization;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>
/// One key of a configuration file with its value. Every reader takes null and an absent key alike, checks the range,
/// and complains with file, key, value and requirement.
/// </summary>
internal readonly struct ConfigValue(string source, string key, JsonElement element)
{
    /// <summary>Whether the key stands in the file, be it with null.</summary>
    public bool IsPresent => element.ValueKind != JsonValueKind.Undefined;

    /// <summary>Whether the key is absent or null.</summary>
    public bool IsNull => element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>An integer in a range, or null.</summary>
    public int? Integer(int min = int.MinValue, int max = int.MaxValue)
    {
        if (IsNull)
        {
            return null;
        }

        // 50.0 is an integer too.
        return element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value)
            && double.IsInteger(value) && value >= min && value <= max
            ? (int)value
            : throw Wrong(min == int.MinValue ? "an integer" : $"an integer from {min} to {max}");
    }

    /// <summary>A finite number in a range, or null.</summary>
    public double? Number(double min = double.MinValue, double max = double.MaxValue)
    {
        if (IsNull)
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value) && double.IsFinite(value)
            && value >= min && value <= max
            ? value
            : throw Wrong(min == double.MinValue
                ? "a number"
                : string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));
    }

    public bool? Flag()
    {
        return element.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong("true or false"),
        };
    }

    public string? Text()
    {
        if (IsNull)
        {
            return null;
        }

        return element.ValueKind == JsonValueKind.String ? element.GetString() : throw Wrong("a string");
    }

    /// <summary>An array of strings, or null.</summary>
    public string[]? Texts()
    {
        if (IsNull)
        {
            return null;
        }

        if (element.ValueKind != JsonValueKind.Array || element.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            throw Wrong("an array of strings");
        }

        return [.. element.EnumerateArray().Select(item => item.GetString()!)];
    }

    /// <summary>One token id or an array of them; empty for null.</summary>
    public int[] TokenIds()
    {
        if (IsNull)
        {
            return [];
        }

        IEnumerable<JsonElement> items = element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : [element];
        var ids = new List<int>();
        foreach (JsonElement item in items)
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out int id) || id < 0)
            {
                throw Wrong("a token id from 0 on, or an array of them");
            }

            ids.Add(id);
        }

        return [.. ids];
    }

    /// <summary>The complaint that the key is missing.</summary>
    public InvalidDataException Missing(string requirement) => new($"{source}: {key} is missing; {requirement} is required.");

    /// <summary>The complaint that the value does not serve.</summary>
    public InvalidDataException Wrong(string requirement) =>
        new InvalidDataException($"{source}: {key} = {JsonFile.Quote(element)}; {requirement} is required.");
}
