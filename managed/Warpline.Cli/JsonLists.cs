using System.Text.Json;

namespace Warpline.Cli;

/// <summary>Lists in JSON.</summary>
internal static class JsonLists
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
}
