using System.Text.Json;

namespace Warpline.Cli;

/// <summary>Values in JSON that its writer has no call for.</summary>
internal static class JsonValues
{
    public static void WriteNumberList(this Utf8JsonWriter writer, string name, IEnumerable<int> values)
    {
        writer.WriteStartArray(name);
        foreach (int value in values)
        {
            writer.WriteNumberValue(value);
        }

        writer.WriteEndArray();
    }

    /// <summary>A number, or null for what JSON has no number for: infinities and what is none.</summary>
    public static void WriteFiniteNumber(this Utf8JsonWriter writer, string name, float value)
    {
        if (float.IsFinite(value))
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    /// <inheritdoc cref="WriteFiniteNumber(Utf8JsonWriter, string, float)"/>
    public static void WriteFiniteNumber(this Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
