// Writes the tables of normalization and lower-casing that the tokenizers use, because .NET's own string.Normalize does
// nothing under InvariantGlobalization, and ToLowerInvariant is not the same with ICU and without.
//
// dotnet run tools/generate-unicode-tables.cs -- UNICODE_DIRECTORY managed/Warpline.Transformers/Tokenization/Unicode
//
// The first directory holds UnicodeData.txt and DerivedNormalizationProps.txt; on Debian the package unicode-data puts them
// into /usr/share/unicode. The encoding is described at the fields that are written.

using System.Globalization;
using System.Text;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: dotnet run tools/generate-unicode-tables.cs -- UNICODE_DIRECTORY OUTPUT_DIRECTORY");
    return 2;
}

string[] properties = File.ReadAllLines(Path.Combine(args[0], "DerivedNormalizationProps.txt"));
string version = properties[0].TrimStart('#', ' ').Replace("DerivedNormalizationProps-", "").Replace(".txt", "");
HashSet<int> excluded = [];
foreach (string line in properties)
{
    string[] fields = line.Split('#')[0].Split(';', StringSplitOptions.TrimEntries);
    if (fields.Length == 2 && fields[1] == "Full_Composition_Exclusion")
    {
        string[] range = fields[0].Split("..");
        for (int code = Hex(range[0]); code <= Hex(range[^1]); code++)
        {
            excluded.Add(code);
        }
    }
}

List<byte> decompositions = [], classes = [], compatibility = [], lowercase = [];
Dictionary<int, int[]> mappings = [];
HashSet<int> compatible = [];
int lastDecomposed = 0, lastLowered = 0, runStart = 0, runEnd = 0, runClass = 0, lastRunEnd = 0;
foreach (string line in File.ReadLines(Path.Combine(args[0], "UnicodeData.txt")))
{
    string[] fields = line.Split(';');
    int code = Hex(fields[0]);
    string mapping = fields[5];
    if (mapping.StartsWith('<'))
    {
        mappings.Add(code, [.. mapping.Split(' ')[1..].Select(Hex)]);
        compatible.Add(code);
    }
    else if (mapping.Length > 0)
    {
        int[] parts = [.. mapping.Split(' ').Select(Hex)];
        mappings.Add(code, parts);
        Number(decompositions, code - lastDecomposed);
        Number(decompositions, (parts[0] << 1) | (excluded.Contains(code) ? 0 : 1));
        Number(decompositions, parts.Length == 2 ? parts[1] : 0);
        lastDecomposed = code;
    }

    int combiningClass = int.Parse(fields[3], CultureInfo.InvariantCulture);
    if (combiningClass != runClass || code != runEnd)
    {
        EndRun();
        (runStart, runClass) = (code, combiningClass);
    }

    runEnd = code + 1;
    if (fields[13].Length > 0)
    {
        Number(lowercase, code - lastLowered);
        SignedNumber(lowercase, Hex(fields[13]) - code);
        lastLowered = code;
    }
}

EndRun();

// A canonical mapping may lead to a character with a compatible one, so both are followed; what the canonical table gives
// already is left out.
int lastCompatible = 0;
foreach (int code in mappings.Keys.Order())
{
    if (NeedsCompatibility(code))
    {
        List<int> full = [];
        Expand(code, full);
        Number(compatibility, code - lastCompatible);
        Number(compatibility, full.Count);
        foreach (int part in full)
        {
            SignedNumber(compatibility, part - code);
        }

        lastCompatible = code;
    }
}

Write("NfcData", [
    ("Decompositions", """
            Each canonical decomposition as three base-128 numbers, low digits first, the top bit saying that more follow:
            the code point less the one before, the first part times two plus one if the pair composes again, and the
            second part or 0.
        """, decompositions),
    ("CombiningClasses", """
            Each run of code points with one combining class that is not 0, as three such numbers: the start less the end
            of the run before, the length, and the class.
        """, classes)]);
Write("NfkcData", [
    ("Decompositions", """
            Each full decomposition that differs from the canonical one, as base-128 numbers (see <see cref="NfcData"/>):
            the code point less the one before, the number of parts, and each part less the code point, as 2n from 0 on
            and -2n - 1 below.
        """, compatibility)]);
Write("LowercaseData", [
    ("Mappings", """
            Each code point with a lower case, as two base-128 numbers (see <see cref="NfcData"/>): the code point less the
            one before, and the lower case less the code point, as 2n from 0 on and -2n - 1 below.
        """, lowercase)]);
return 0;

static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

static void Number(List<byte> bytes, int value)
{
    for (; value >= 0x80; value >>= 7)
    {
        bytes.Add((byte)(value | 0x80));
    }

    bytes.Add((byte)value);
}

static void SignedNumber(List<byte> bytes, int value) => Number(bytes, value < 0 ? (-2 * value) - 1 : 2 * value);

static string Lines(List<byte> bytes)
{
    const int width = 112;
    string text = Convert.ToBase64String([.. bytes]);
    var lines = new StringBuilder();
    for (int start = 0; start < text.Length; start += width)
    {
        lines.Append("        ").Append(text.AsSpan(start, Math.Min(width, text.Length - start)));
        lines.Append(start + width < text.Length ? "\n" : "");
    }

    return lines.ToString();
}

void Expand(int code, List<int> parts)
{
    if (!mappings.TryGetValue(code, out int[]? mapping))
    {
        parts.Add(code);
        return;
    }

    foreach (int part in mapping)
    {
        Expand(part, parts);
    }
}

// Whether a compatible mapping is met on the way down.
bool NeedsCompatibility(int code) =>
    compatible.Contains(code) || (mappings.TryGetValue(code, out int[]? mapping) && mapping.Any(NeedsCompatibility));

void EndRun()
{
    if (runClass != 0)
    {
        Number(classes, runStart - lastRunEnd);
        Number(classes, runEnd - runStart);
        Number(classes, runClass);
        lastRunEnd = runEnd;
    }
}

void Write(string name, (string Field, string Summary, List<byte> Bytes)[] tables)
{
    var text = new StringBuilder($$"""
        // <auto-generated>
        // Written by tools/generate-unicode-tables.cs from the Unicode Character Database {{version}}.
        // Copyright Unicode, Inc.; used under the licence in THIRD-PARTY-NOTICES.
        // </auto-generated>
        namespace Warpline.Transformers;

        internal static class {{name}}
        {

        """);
    foreach ((string field, string summary, List<byte> bytes) in tables)
    {
        text.Append(field == tables[0].Field ? "" : "\n");
        text.Append("    /// <summary>\n");
        foreach (string line in summary.Split('\n'))
        {
            text.Append("    /// ").Append(line.Trim()).Append('\n');
        }

        text.Append("    /// </summary>\n    public const string ").Append(field).Append(" = \"\"\"\n");
        text.Append(Lines(bytes)).Append("\n        \"\"\";\n");
    }

    File.WriteAllText(Path.Combine(args[1], $"{name}.g.cs"), text.Append("}\n").ToString());
}
