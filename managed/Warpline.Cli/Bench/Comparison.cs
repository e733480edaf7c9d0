using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Warpline.Cli.Bench;

/// <summary>Two results case by case: B against A.</summary>
internal sealed class Comparison
{
    // A difference is beyond the noise where it is more than so many robust standard deviations of the noisier side.
    private const double BeyondNoise = 3;

    private readonly ResultFile _a;
    private readonly ResultFile _b;
    private readonly List<Row> _rows = [];
    private readonly List<string> _onlyA;
    private readonly List<string> _onlyB;

    /// <summary>Compares.</summary>
    /// <exception cref="InvalidDataException">No case was measured in both.</exception>
    public Comparison(ResultFile a, ResultFile b)
    {
        (_a, _b) = (a, b);
        Dictionary<string, Statistics> inB = b.Entries.Where(entry => entry.Times is not null)
            .ToDictionary(entry => entry.Key, entry => entry.Times!.Value);
        HashSet<string> inA = [];
        foreach (ResultFile.Entry entry in a.Entries)
        {
            if (entry.Times is Statistics before && inB.TryGetValue(entry.Key, out Statistics after))
            {
                inA.Add(entry.Key);
                _rows.Add(new Row(entry.Name, before, after));
            }
        }

        (_onlyA, _onlyB) = (Others(a, inA), Others(b, inA));
        if (_rows.Count == 0)
        {
            throw new InvalidDataException($"{a.Path} and {b.Path} have no measured case in common.");
        }
    }

    /// <summary>Cases that got slower beyond the noise and by more than so many percent.</summary>
    public int CountSlower(double percent) => _rows.Count(row => row.IsBeyondNoise && row.Ratio > 1 + (percent / 100));

    public void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach ((string name, ResultFile file) in new[] { ("a", _a), ("b", _b) })
        {
            writer.WriteStartObject(name);
            writer.WriteString("path", file.Path);
            writer.WriteString("about", file.About);
            writer.WriteEndObject();
        }

        writer.WriteStartArray("cases");
        foreach (Row row in _rows)
        {
            writer.WriteStartObject();
            writer.WriteString("name", row.Name);
            writer.WriteNumber("a_median_ns", row.A.Median);
            writer.WriteNumber("b_median_ns", row.B.Median);
            writer.WriteNumber("ratio", row.Ratio);
            writer.WriteBoolean("beyond_noise", row.IsBeyondNoise);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        WriteNames(writer, "only_a", _onlyA);
        WriteNames(writer, "only_b", _onlyB);
        writer.WriteEndObject();
    }

    public void Show(Terminal terminal)
    {
        terminal.Output.WriteLine($"A: {_a.Path}, {_a.About}");
        terminal.Output.WriteLine($"B: {_b.Path}, {_b.About}");
        if (terminal.Interactive)
        {
            Table table = new Table().RoundedBorder().AddColumns("case", "A", "B", "B / A", "");
            foreach (Row row in _rows)
            {
                string color = !row.IsBeyondNoise ? "default" : row.Ratio > 1 ? "red" : "green";
                table.AddRow(
                    new Text(row.Name), new Text(Units.Time(row.A.Median)), new Text(Units.Time(row.B.Median)),
                    new Markup(RatioOf(row), Style.Parse(color)), new Text(row.Verdict));
            }

            BenchTable.Console(terminal.Output).Write(table);
        }
        else
        {
            foreach (Row row in _rows)
            {
                terminal.Output.WriteLine(
                    $"{row.Name}: {RatioOf(row)}, {row.Verdict} (A {Units.Time(row.A.Median)}, B {Units.Time(row.B.Median)})");
            }
        }

        foreach (string name in _onlyA)
        {
            terminal.Output.WriteLine($"{name}: only in A");
        }

        foreach (string name in _onlyB)
        {
            terminal.Output.WriteLine($"{name}: only in B");
        }
    }

    private static List<string> Others(ResultFile file, HashSet<string> compared) =>
        [.. file.Entries.Where(entry => entry.Times is not null && !compared.Contains(entry.Key)).Select(entry => entry.Name)];

    private static string RatioOf(Row row) => row.Ratio.ToString("F3", CultureInfo.InvariantCulture);

    private static void WriteNames(Utf8JsonWriter writer, string name, List<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    private sealed record Row(string Name, Statistics A, Statistics B)
    {
        public double Ratio => B.Median / A.Median;

        public bool IsBeyondNoise => Math.Abs(B.Median - A.Median) > BeyondNoise * Math.Max(A.Spread, B.Spread);

        public string Verdict => !IsBeyondNoise ? "within the noise" : Ratio > 1 ? "slower" : "faster";
    }
}
