using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Warpline.Benchmarks;

/// <summary>Writes docs/performance.md from the files of figures under bench/results, so that no figure is copied by hand.</summary>
internal static class PerformancePage
{
    private const string Introduction = """
        # Performance

        This page is written by `Warpline.Benchmarks report` from the files under [bench/results](../bench/results), which
        `./build.sh bench` leaves in `build/bench`; a test compares the two. It holds measured figures only. Nothing was measured on
        a GPU yet: [gpu-pending.md](gpu-pending.md).

        Ours and the other side run in turns in one process, with the same number of threads; a ratio is the median over the
        alternations of the ratios of each, with its quartiles. The machines are virtual and shared, so that absolute rates vary by a
        factor of two from minute to minute, ratios by a few percent. `build/bin/warpline bench` measures single kernels, and compares
        two runs of its own.

        """;

    public static void Write(string resultFolder, string page)
    {
        StringBuilder text = new(Introduction);
        foreach (string file in Directory.EnumerateFiles(resultFolder, "*.json").Order(StringComparer.Ordinal))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            JsonElement root = document.RootElement;
            bool native = root.TryGetProperty("comparisons", out JsonElement comparisons);
            if (!native && !root.TryGetProperty("ratios", out _))
            {
                continue;
            }

            text.Append(CultureInfo.InvariantCulture, $"\n## {Title(root)}, {Text(root, "machine")}\n\n[{Path.GetFileName(file)}](../bench/results/{Path.GetFileName(file)}): ");
            text.Append(CultureInfo.InvariantCulture, $"version {Text(root, "version")}, {Text(root, "isa")}, {root.GetProperty("threads").GetInt32()} threads.\n\n");
            if (native)
            {
                WriteLimits(text, comparisons);
            }
            else
            {
                WriteSides(text, root);
            }

            string picture = Path.GetFileNameWithoutExtension(file) + ".svg";
            if (File.Exists(Path.Combine(resultFolder, picture)))
            {
                text.Append(CultureInfo.InvariantCulture, $"\n![Rates over the length of the context](../bench/results/{picture})\n");
            }
        }

        File.WriteAllText(page, text.ToString());
    }

    private static string Title(JsonElement root) => Text(root, "title") switch
    {
        "decoder" => "A decoder beside llama.cpp",
        "encoder" => "An encoder beside ONNX Runtime",
        "gemm" => "Products against the limits of the machine",
        "attention" => "Attention against the limits of the machine",
        string other => other,
    };

    private static void WriteLimits(StringBuilder text, JsonElement comparisons)
    {
        text.Append("| | kernel | rate | limit | rate of the limit | ratio | quartiles | bar |\n|---|---|---|---|---|---|---|---|\n");
        foreach (JsonElement row in comparisons.EnumerateArray())
        {
            JsonElement quartiles = row.GetProperty("quartiles");
            double bar = row.GetProperty("bar").GetDouble();
            text.Append(CultureInfo.InvariantCulture, $"| {Text(row, "name")} | `{Text(row, "kernel")}` | {Number(row, "rate"):G4} {Text(row, "unit")} | {Text(row, "limit")} ");
            text.Append(CultureInfo.InvariantCulture, $"| {Number(row, "limit_rate"):G4} {Text(row, "unit")} | {Number(row, "ratio"):F2} | {quartiles[0].GetDouble():F2} to {quartiles[1].GetDouble():F2} ");
            text.Append(CultureInfo.InvariantCulture, $"| {(bar == 0 ? "" : bar.ToString("F2", CultureInfo.InvariantCulture))} |\n");
        }
    }

    private static void WriteSides(StringBuilder text, JsonElement root)
    {
        foreach (JsonProperty fact in root.GetProperty("facts").EnumerateObject())
        {
            text.Append(CultureInfo.InvariantCulture, $"- {fact.Name}: {fact.Value.GetString()!.Trim()}\n");
        }

        text.Append("\n| ratio | median | quartiles | bar |\n|---|---|---|---|\n");
        foreach (JsonElement ratio in root.GetProperty("ratios").EnumerateArray())
        {
            JsonElement quartiles = ratio.GetProperty("quartiles");
            double median = Number(ratio, "ratio"), bar = Number(ratio, "bar");
            text.Append(CultureInfo.InvariantCulture, $"| {Text(ratio, "name")} | {median:F2} | {quartiles[0].GetDouble():F2} to {quartiles[1].GetDouble():F2} | {bar:F2}{(median < bar ? ", missed" : "")} |\n");
        }

        text.Append("\n| measured | alternations | rates |\n|---|---|---|\n");
        foreach (JsonElement measured in root.GetProperty("measured").EnumerateArray())
        {
            JsonElement[] sides = [.. measured.GetProperty("sides").EnumerateArray()];
            string rates = string.Join(", ", sides.Select(side => FormattableString.Invariant($"{Text(side, "name")} {Number(side, "rate"):G4}")));
            text.Append(CultureInfo.InvariantCulture, $"| {Text(measured, "name")}, {Text(measured, "unit")} | {sides[0].GetProperty("seconds").GetArrayLength()} | {rates} |\n");
        }
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();
}
