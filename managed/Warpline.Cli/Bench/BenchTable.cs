using Spectre.Console;

namespace Warpline.Cli.Bench;

/// <summary>Results for a person, a table for each family, or as lines.</summary>
internal static class BenchTable
{
    private static readonly string[] Measures = ["median", "+-", "GB/s", "GFLOP/s"];

    /// <summary>A console that draws tables.</summary>
    public static IAnsiConsole Console(TextWriter output) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });

    /// <summary>A result as one line.</summary>
    public static string Line(BenchResult result) => result.Samples is null
        ? $"{result.Case.Name}: skipped: {result.Skipped}"
        : $"{result.Case.Name}: {Units.Time(result.Times.Median)} +- {Units.Percent(result.Times.Spread / result.Times.Median)}, "
            + $"{Units.Figures(result.GigabytesPerSecond)} GB/s, "
            + (result.Work!.Flops > 0 ? $"{Units.Figures(result.GigaflopsPerSecond)} GFLOP/s, " : "")
            + (result.TokensPerSecond is double tokens ? $"{Units.Figures(tokens)} tokens/s, " : "")
            + result.Samples.Kernel;

    /// <summary>Writes the tables.</summary>
    public static void Show(TextWriter output, IEnumerable<BenchResult> results)
    {
        IAnsiConsole console = Console(output);
        foreach (IGrouping<BenchFamily, BenchResult> family in results.GroupBy(result => result.Case.Family))
        {
            bool model = family.Any(result => result.Work?.Tokens is not null);
            Table table = new Table().RoundedBorder().Title(Markup.Escape(family.Key.Name))
                .AddColumns([.. family.Key.Axes.Select(axis => new TableColumn(Markup.Escape(axis.Name)).RightAligned())])
                .AddColumns([.. Measures.Select(name => new TableColumn(name).RightAligned())]);
            if (model)
            {
                table.AddColumn(new TableColumn("tokens/s").RightAligned());
            }

            table.AddColumn("kernel");
            foreach (BenchResult result in family)
            {
                table.AddRow([.. result.Case.Axes.Select(axis => axis.Value).Concat(Cells(result, model)).Select(text => new Text(text))]);
            }

            console.Write(table);
        }
    }

    private static IEnumerable<string> Cells(BenchResult result, bool model)
    {
        if (result.Samples is null)
        {
            return ["", "", "", "", .. model ? [""] : Array.Empty<string>(), $"skipped: {result.Skipped}"];
        }

        return
        [
            Units.Time(result.Times.Median), Units.Percent(result.Times.Spread / result.Times.Median),
            Units.Figures(result.GigabytesPerSecond), result.Work!.Flops > 0 ? Units.Figures(result.GigaflopsPerSecond) : "",
            .. model ? [Units.Figures(result.TokensPerSecond!.Value)] : Array.Empty<string>(), result.Samples.Kernel,
        ];
    }
}
