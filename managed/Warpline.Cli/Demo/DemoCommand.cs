using System.CommandLine;

namespace Warpline.Cli.Demo;

/// <summary><c>warpline demo</c>: what <c>./build.sh demo</c> runs.</summary>
internal static class DemoCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<DirectoryInfo> samples = new("--samples")
        {
            Description = "The folder samples of the checkout.",
            DefaultValueFactory = _ => new DirectoryInfo("samples"),
        };
        Option<DirectoryInfo> bert = new("--bert")
        {
            Description = "The folder tests/golden/models/bert of the checkout.",
            DefaultValueFactory = _ => new DirectoryInfo(Path.Combine("tests", "golden", "models", "bert")),
        };
        Option<FileInfo?> program = new("--c-sample")
        {
            Description = "The built samples/c/storyteller; without it that step is left out.",
        };
        Command command = new("demo", """
            Shows the library at work on the storyteller model and on an encoder and checks them against float64 references:
            exit code 1 if a check fails. Where WARPLINE_MODELS names a folder with all-MiniLM-L6-v2, it compares sentences too. With
            --quiet it says its checks only.

            Example:
              warpline demo --samples samples --c-sample build/cpu/samples/storyteller
            """)
        {
            samples, bert, program,
        };
        command.SetAction((parsed, cancellation) =>
            new Demonstration(
                terminal, parsed.GetValue(samples)!, parsed.GetValue(bert)!, parsed.GetValue(program)).RunAsync(cancellation));
        return command;
    }
}
