using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Warpline.Cli;

/// <summary>A result with names, as JSON or, flattened, for a person and for a pipe.</summary>
internal static class Report
{
    /// <summary>Writes a report.</summary>
    public static void Write(Terminal terminal, bool json, JsonObject report)
    {
        if (json)
        {
            terminal.WriteJson(writer => report.WriteTo(writer));
        }
        else
        {
            terminal.Show(Flatten("", report));
        }
    }

    /// <summary>A list of texts.</summary>
    public static JsonArray List(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode?)JsonValue.Create(text))];

    // A name for each leaf; of each object in a list one row, called by the object's first value.
    private static IEnumerable<(string Name, string Value)> Flatten(string prefix, JsonObject report)
    {
        foreach ((string key, JsonNode? value) in report)
        {
            string name = prefix + Words(key);
            if (value is JsonObject inner)
            {
                foreach ((string Name, string Value) row in Flatten($"{name} ", inner))
                {
                    yield return row;
                }
            }
            else if (value is JsonArray { Count: > 0 } list && list[0] is JsonObject)
            {
                foreach (JsonObject item in list.OfType<JsonObject>())
                {
                    yield return ($"{name} {Text("", item.First().Value)}", string.Join(
                        ", ", item.Skip(1).Where(pair => pair.Value is not null).Select(pair => $"{Words(pair.Key)} {Text(pair.Key, pair.Value)}")));
                }
            }
            else
            {
                yield return (name, Text(key, value));
            }
        }
    }

    private static string Words(string key) => key.Replace('_', ' ');

    private static string Text(string key, JsonNode? value) => value switch
    {
        null => "none",
        JsonArray { Count: 0 } => "none",
        JsonArray list when list[0]!.GetValueKind() == JsonValueKind.Number => $"[{string.Join(", ", list.Select(item => Text("", item)))}]",
        JsonArray list => string.Join(' ', list.Select(item => Text("", item))),
        JsonValue item when item.TryGetValue(out bool flag) => flag ? "yes" : "no",
        JsonValue item when item.TryGetValue(out long number) => key.Contains("bytes", StringComparison.Ordinal) ? Bytes(number) : $"{number}",
        JsonValue item when item.TryGetValue(out double number) => number.ToString("G6", CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static string Bytes(long count)
    {
        const double unit = 1024;
        string[] names = ["KiB", "MiB", "GiB", "TiB"];
        int power = (int)Math.Min(Math.Log(Math.Max(count, 1), unit), names.Length);
        return power == 0
            ? $"{count}"
            : string.Create(CultureInfo.InvariantCulture, $"{count} ({count / Math.Pow(unit, power):F1} {names[power - 1]})");
    }
}
