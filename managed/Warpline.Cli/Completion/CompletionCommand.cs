using System.CommandLine;

namespace Warpline.Cli.Completion;

/// <summary><c>warpline completion</c>: the script that makes a shell complete the command's lines.</summary>
internal static class CompletionCommand
{
    // Each asks the command itself, see Suggestions; where it knows nothing the shell offers files.
    private static readonly Dictionary<string, string> _scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = "warpline.bash",
        ["zsh"] = "warpline.zsh",
        ["fish"] = "warpline.fish",
        ["pwsh"] = "warpline.ps1",
    };

    public static Command Create(Terminal terminal)
    {
        Argument<string> shell = new Argument<string>("SHELL") { Description = "bash, zsh, fish or pwsh." }
            .AcceptOnlyFromAmong([.. _scripts.Keys]);
        Command command = new("completion", """
            Prints a script that makes the shell complete verbs, options and their values.

            Examples:
              eval "$(warpline completion bash)"                                       in ~/.bashrc
              eval "$(warpline completion zsh)"                                        in ~/.zshrc, after compinit
              warpline completion fish > ~/.config/fish/completions/warpline.fish
              warpline completion pwsh | Out-String | Invoke-Expression                in $PROFILE
            """)
        {
            shell,
        };
        command.SetAction(parsed => terminal.Output.Write(Read(_scripts[parsed.GetValue(shell)!])));
        return command;
    }

    private static string Read(string name)
    {
        using StreamReader reader = new(typeof(CompletionCommand).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
