using System.IO.Enumeration;

namespace Warpline.Cli.Bench;

/// <summary>Which cases run.</summary>
internal static class CaseSelection
{
    /// <summary>The cases of the families whose names match, with other axis values where such are given.</summary>
    /// <param name="families">All families.</param>
    /// <param name="filter">A pattern of whole names, with * and ?, or a part of a name; null is all.</param>
    /// <param name="overrides">AXIS=VALUE,VALUE,... each.</param>
    /// <exception cref="UsageException">No case is selected; an override is malformed or belongs to no selected case.</exception>
    public static List<BenchCase> Select(IReadOnlyList<BenchFamily> families, string? filter, IReadOnlyList<string> overrides)
    {
        Dictionary<string, string[]> values = Parse(overrides);
        string pattern = filter is null ? "*" : filter.AsSpan().ContainsAny('*', '?') ? filter : $"*{filter}*";
        List<BenchCase> cases =
        [
            .. families.SelectMany(family => Cases(family, values))
                .Where(item => FileSystemName.MatchesSimpleExpression(pattern, item.Name)),
        ];
        if (cases.Count == 0)
        {
            throw new UsageException($"--filter \"{filter}\" matches no case; warpline bench --list shows their names"
                + (families.Any(family => family.Name.StartsWith("model/", StringComparison.Ordinal)) ? "." : ", those of a model with --model FOLDER."));
        }

        string[] known = [.. cases.SelectMany(item => item.Axes.Select(axis => axis.Axis)).Distinct()];
        string? unknown = values.Keys.FirstOrDefault(name => !known.Contains(name));
        return unknown is null
            ? cases
            : throw new UsageException($"--axis {unknown}: no selected case has this axis; theirs are {string.Join(", ", known)}.");
    }

    private static List<BenchCase> Cases(BenchFamily family, Dictionary<string, string[]> values)
    {
        List<(string Axis, string Value)[]> rows = [[]];
        foreach (Axis axis in family.Axes)
        {
            string[] wanted = values.TryGetValue(axis.Name, out string[]? given)
                ? [.. given.Select(axis.Normalize).Distinct()]
                : [.. axis.Defaults];
            rows = [.. rows.SelectMany(row => wanted.Select(value => ((string, string)[])[.. row, (axis.Name, value)]))];
        }

        return [.. rows.Select(row => new BenchCase(family, row))];
    }

    private static Dictionary<string, string[]> Parse(IReadOnlyList<string> overrides)
    {
        Dictionary<string, string[]> values = [];
        foreach (string text in overrides)
        {
            string[] halves = text.Split('=', 2, StringSplitOptions.TrimEntries);
            if (halves.Length != 2 || halves[0].Length == 0)
            {
                throw new UsageException($"--axis is \"{text}\"; AXIS=VALUE,VALUE,... is required.");
            }

            if (!values.TryAdd(halves[0], halves[1].Split(',', StringSplitOptions.TrimEntries)))
            {
                throw new UsageException($"--axis {halves[0]} is given twice; all its values belong into one list.");
            }
        }

        return values;
    }
}
