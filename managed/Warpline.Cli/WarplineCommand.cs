using System.CommandLine;
using System.CommandLine.Help;
using System.Text.Json;

namespace Warpline.Cli;

/// <summary>The command: its verbs, and how failures become messages and exit codes.</summary>
internal static class WarplineCommand
{
    /// <summary>Runs the command with the given arguments; the program's main and the tests call it.</summary>
    /// <param name="args">As the shell gave them.</param>
    /// <param name="input">What a person or a pipe says.</param>
    /// <param name="output">Results.</param>
    /// <param name="error">Messages.</param>
    /// <param name="interactive">Whether a person watches: colours and progress are shown.</param>
    /// <param name="errorInteractive">Whether a person watches the error stream: progress of long work is shown there.</param>
    /// <param name="cancellation">Ends the run, as Ctrl-C does.</param>
    public static async Task<int> RunAsync(
        string[] args,
        TextReader input,
        TextWriter output,
        TextWriter error,
        bool interactive,
        bool errorInteractive = false,
        CancellationToken cancellation = default)
    {
        Terminal terminal = new(input, output, error, interactive, errorInteractive);
        Option<bool> quiet = new("--quiet", "-q")
        {
            Description = "Only the result: no progress, no notes. Complaints still go to the error stream.",
            Recursive = true,
        };

        // Not a RootCommand, whose name would be that of the assembly.
        Command root = new("warpline", """
            Warpline: transformer models on hand-written kernels.

            Exit codes of every verb: 0 done, 1 failed, 2 wrong usage, 3 no such device, 130 cancelled.
            Results go to the output, complaints to the error stream; so does progress, where that is a terminal.
            """)
        {
            new HelpOption(),
            new VersionOption(),
            quiet,
            InfoCommand.Create(terminal),
            InspectCommand.Create(terminal),
            GenerateCommand.Create(terminal),
            ChatCommand.Create(terminal),
            TokenizeCommand.Create(terminal),
            LogitsCommand.Create(terminal),
            PerplexityCommand.Create(terminal),
            Embed.EmbedCommand.Create(terminal),
            Bench.BenchCommand.Create(terminal),
            Demo.DemoCommand.Create(terminal),
            Completion.CompletionCommand.Create(terminal),
        };
        // Without response files: a text may begin with @.
        ParserConfiguration configuration = new() { ResponseFileTokenReplacer = null };
        if (Completion.Suggestions.TryWrite(root, args, configuration, output))
        {
            return ExitCode.Done;
        }

        // An option that ends with = has an empty value, which is nothing to System.CommandLine.
        ParseResult parsed = root.Parse(
            [.. args.SelectMany(arg => arg.StartsWith("--", StringComparison.Ordinal) && arg.IndexOf('=') == arg.Length - 1 ? [arg[..^1], ""] : new[] { arg })],
            configuration);
        if (parsed.Errors.Count != 0)
        {
            foreach (string message in parsed.Errors.Select(item => item.Message))
            {
                terminal.Complain(message);
            }

            string verb = parsed.CommandResult.Command == root ? "" : $" {parsed.CommandResult.Command.Name}";
            error.WriteLine($"Try: warpline{verb} --help");
            return ExitCode.Usage;
        }

        terminal.Quiet = parsed.GetValue(quiet);
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false },
                cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            terminal.Complain("cancelled");
            return ExitCode.Cancelled;
        }
        catch (UsageException exception)
        {
            terminal.Complain(exception.Message);
            return ExitCode.Usage;
        }
        catch (WarplineException exception) when (exception.Status == WarplineStatus.NoDevice)
        {
            terminal.Complain(exception.Message);
            return ExitCode.NoDevice;
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            terminal.Complain(Explain(exception));
            return ExitCode.Failed;
        }
    }

    /// <summary>The message, without the parameter and the value that .NET appends: they are the library's, nothing that the user
    /// gave.</summary>
    internal static string Explain(Exception exception)
    {
        string message = exception.Message;
        int end = exception is ArgumentException { ParamName: string name }
            ? message.IndexOf($" (Parameter '{name}')", StringComparison.Ordinal)
            : -1;
        return end < 0 ? message : message[..end];
    }

    /// <summary>Failures of inputs and of the machine, which a message explains; all else is a defect and shows its trace.</summary>
    private static bool IsExpected(Exception exception) =>
        exception is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException
            or InvalidOperationException or NotSupportedException or FormatException or JsonException
            or WarplineException or DllNotFoundException or OutOfMemoryException;
}
