using System.Text.Json;

namespace Warpline.Cli.Bench;

/// <summary>A file that an earlier run wrote, or that someone says so of: everything in it is checked.</summary>
internal sealed class ResultFile
{
    private const long MostBytes = 256 << 20;

    private ResultFile(string path, string about, List<Entry> entries) => (Path, About, Entries) = (path, about, entries);

    public string Path { get; }

    /// <summary>Version, device and threads, in words.</summary>
    public string About { get; }

    public IReadOnlyList<Entry> Entries { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no result of warpline bench; the message says where.</exception>
    public static ResultFile Read(string path)
    {
        byte[] bytes;
        using (FileStream stream = File.OpenRead(path))
        {
            if (stream.Length > MostBytes)
            {
                throw new InvalidDataException($"{path}: the file has {stream.Length} bytes; at most {MostBytes} are read.");
            }

            bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return Read(path, document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The latter is said of texts that are no Unicode.
            throw new InvalidDataException($"{path}: no JSON: {exception.Message}", exception);
        }
    }

    private static ResultFile Read(string path, JsonElement root)
    {
        Reader reader = new(path);
        string schema = reader.Text(reader.Object(root, "the file"), "", "schema");
        if (schema != BenchReport.Schema)
        {
            throw reader.Wrong("schema", $"\"{schema}\"", $"\"{BenchReport.Schema}\"");
        }

        JsonElement device = reader.Object(reader.Property(root, "", "device"), "device");
        string about = $"version {reader.Text(root, "", "version")} on {reader.Text(device, "device.", "name")} "
            + $"({reader.Text(device, "device.", "id")}, {reader.Text(device, "device.", "instruction_set")}), "
            + $"{reader.Number(reader.Property(root, "", "threads"), "threads")} threads";
        JsonElement cases = reader.Array(reader.Property(root, "", "cases"), "cases");
        List<Entry> entries = [];
        HashSet<string> keys = [];
        foreach (JsonElement item in cases.EnumerateArray())
        {
            string place = $"cases[{entries.Count}]";
            Entry entry = ReadEntry(reader, reader.Object(item, place), place + ".");
            entries.Add(entry);
            if (!keys.Add(entry.Key))
            {
                throw new InvalidDataException($"{path}: {place} is \"{entry.Name}\" with axes that an earlier case has; each case once is required.");
            }
        }

        return new ResultFile(path, about, entries);
    }

    private static Entry ReadEntry(Reader reader, JsonElement item, string place)
    {
        string name = reader.Text(item, place, "name");
        List<string> axes = [];
        foreach (JsonProperty axis in reader.Object(reader.Property(item, place, "axes"), place + "axes").EnumerateObject())
        {
            axes.Add($"{axis.Name}={reader.Text(axis.Value, $"{place}axes.{axis.Name}")}");
        }

        string key = string.Join('\n', axes.Order(StringComparer.Ordinal).Prepend(name));
        if (item.TryGetProperty("skipped", out JsonElement reason))
        {
            reader.Text(reason, place + "skipped");
            return new Entry(name, key, null);
        }

        JsonElement samples = reader.Array(reader.Property(item, place, "samples_ns"), place + "samples_ns");
        if (samples.GetArrayLength() == 0)
        {
            throw reader.Wrong(place + "samples_ns", "empty", "a list of at least one number");
        }

        return new Entry(name, key, Statistics.Of(
            [.. samples.EnumerateArray().Select((sample, i) => reader.Number(sample, $"{place}samples_ns[{i}]"))]));
    }

    /// <summary>A case of the file.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Key">Name and axes: what the same case has in another file.</param>
    /// <param name="Times">Of its samples, whatever the file says of them; null where it was skipped.</param>
    internal sealed record Entry(string Name, string Key, Statistics? Times);

    /// <summary>Values that have to be there.</summary>
    private sealed class Reader(string path)
    {
        private const int MostShown = 40;

        // Nanoseconds up to eleven days, so that every ratio is a number.
        private const double LeastNumber = 1e-3;
        private const double MostNumber = 1e15;

        public InvalidDataException Wrong(string place, string value, string required) =>
            new($"{path}: {place} is {value}; {required} is required.");

        public JsonElement Property(JsonElement owner, string place, string name) =>
            owner.TryGetProperty(name, out JsonElement value) ? value : throw Wrong(place + name, "missing", "a value");

        public JsonElement Object(JsonElement value, string place) =>
            value.ValueKind == JsonValueKind.Object ? value : throw Wrong(place, Show(value), "an object");

        public JsonElement Array(JsonElement value, string place) =>
            value.ValueKind == JsonValueKind.Array ? value : throw Wrong(place, Show(value), "a list");

        public string Text(JsonElement owner, string place, string name) => Text(Property(owner, place, name), place + name);

        // Texts are shown to a terminal, which obeys control characters.
        public string Text(JsonElement value, string place) =>
            value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text && !text.Any(char.IsControl)
                ? text
                : throw Wrong(place, Show(value), "a text without control characters");

        public double Number(JsonElement value, string place) =>
            value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number is >= LeastNumber and <= MostNumber
                ? number
                : throw Wrong(place, Show(value), "a number in [1e-3, 1e15]");

        private static string Show(JsonElement value)
        {
            string text = value.GetRawText();
            text = text.Length <= MostShown ? text : text[..MostShown] + "...";
            return string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter));
        }
    }
}
