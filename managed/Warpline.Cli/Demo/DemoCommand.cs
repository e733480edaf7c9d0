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
        Option<FileInfo?> program = new("--c-sample")
        {
            Description = "The built samples/c/storyteller; without it that step is left out.",
        };
        Command command = new("demo", """
            Shows the library at work on the storyteller model and checks it against float64 references: exit code 1 if a
            check fails.

            Example:
              warpline demo --samples samples --c-sample build/cpu/samples/storyteller
            """)
        {
            samples, program,
        };
        command.SetAction((parsed, cancellation) =>
            new Demonstration(terminal, parsed.GetValue(samples)!, parsed.GetValue(program)).RunAsync(cancellation));
        return command;
    }
}
