using System.Globalization;
using System.Text.Json;

namespace Warpline.Benchmarks.Measuring;

/// <summary>What one suite measured: lines for a person, and a file with every sample.</summary>
internal sealed class Results(string title)
{
    private readonly List<Alternation> _measured = [];
    private readonly List<(string Name, double Ratio, double Low, double High, double Bar)> _ratios = [];
    private readonly List<(string Name, string Text)> _facts = [];

    /// <summary>Whether every ratio reached its bar.</summary>
    public bool Met => _ratios.All(ratio => ratio.Ratio >= ratio.Bar);

    /// <summary>A fact that a reader needs to judge the figures.</summary>
    public void State(string name, string text)
    {
        _facts.Add((name, text));
        Console.WriteLine(Invariant($"{title}: {name}: {text}"));
    }

    /// <summary>Measures sides in turns and prints the rate of each.</summary>
    public Alternation Measure(string name, string unit, int rounds, params IReadOnlyList<Side> sides)
    {
        Alternation measured = Alternation.Measure(name, unit, rounds, sides);
        _measured.Add(measured);
        string rates = string.Join(", ", sides.Select((side, i) => Invariant($"{side.Name} {measured.Rate(i):G4}")));
        Console.WriteLine(Invariant($"{title}: {name}, median of {rounds}, {unit}: {rates}"));
        return measured;
    }

    /// <summary>How many times faster one side is than another, against what it should be.</summary>
    /// <param name="name">What is compared.</param>
    /// <param name="measured">The sides.</param>
    /// <param name="side">The index of ours.</param>
    /// <param name="other">The index of the other.</param>
    /// <param name="bar">The least that is asked for.</param>
    public void Compare(string name, Alternation measured, int side, int other, double bar)
    {
        double Ratio(double quantile) => measured.Ratio(side, other, quantile);
        (double ratio, double low, double high) = (Ratio(0.5), Ratio(0.25), Ratio(0.75));
        _ratios.Add((name, ratio, low, high, bar));
        string verdict = ratio >= bar ? "" : "  MISSED";
        Console.WriteLine(Invariant($"{title}: {name} {ratio:F2}, quartiles {low:F2} to {high:F2} (bar {bar:F2}){verdict}"));
    }

    /// <summary>Writes everything as JSON.</summary>
    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using FileStream stream = File.Create(path);
        using Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = true, IndentSize = 1, NewLine = "\n" });
        DeviceInfo cpu = WarplineLibrary.GetDevice(default);
        writer.WriteStartObject();
        writer.WriteString("title", title);
        writer.WriteString("version", WarplineLibrary.Version.ToString());
        writer.WriteString("machine", cpu.Name);
        writer.WriteString("isa", cpu.InstructionSet);
        writer.WriteNumber("threads", WarplineLibrary.ThreadCount);
        writer.WriteStartObject("facts");
        foreach ((string name, string text) in _facts)
        {
            writer.WriteString(name, text);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("ratios");
        foreach ((string name, double ratio, double low, double high, double bar) in _ratios)
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteNumber("ratio", Round(ratio));
            writer.WriteStartArray("quartiles");
            writer.WriteNumberValue(Round(low));
            writer.WriteNumberValue(Round(high));
            writer.WriteEndArray();
            writer.WriteNumber("bar", bar);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("measured");
        foreach (Alternation measured in _measured)
        {
            Write(writer, measured);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, Alternation measured)
    {
        writer.WriteStartObject();
        writer.WriteString("name", measured.Name);
        writer.WriteString("unit", measured.Unit);
        writer.WriteStartArray("sides");
        for (int i = 0; i < measured.Sides.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("name", measured.Sides[i].Name);
            writer.WriteNumber("work", measured.Sides[i].Work);
            writer.WriteNumber("rate", Round(measured.Rate(i)));
            // On one line: a row of samples is read as one.
            writer.WritePropertyName("seconds");
            writer.WriteRawValue($"[{string.Join(", ", measured.Seconds(i).Select(value => Invariant($"{value:G6}")))}]");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static double Round(double value) => double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
