using System.CommandLine;

namespace Warpline.Cli.Completion;

/// <summary><c>warpline completion</c>: the script that makes a shell complete the command's lines.</summary>
internal static class CompletionCommand
{
    // Each asks the command itself, see Suggestions; where it knows nothing the shell offers files.
    private static readonly Dictionary<string, string> _scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _warpline() {
                local IFS=$'\n'
                COMPREPLY=($("${COMP_WORDS[0]/#\~/$HOME}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null))
            }
            complete -o default -F _warpline warpline
            """,
        ["zsh"] = """
            _warpline() {
                local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
                local -a found
                found=(${(f)"$(${(Q)words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)"})
                if (( ${#found} )); then compadd -a found; else _files; fi
            }
            compdef _warpline warpline
            """,
        ["fish"] = """
            function __warpline_complete
                set -l line (commandline -cp)
                set -l found (warpline "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)
                if test (count $found) -gt 0
                    printf '%s\n' $found
                else
                    __fish_complete_path (commandline -ct)
                end
            end
            complete -c warpline -f -a '(__warpline_complete)'
            """,
        ["pwsh"] = """
            Register-ArgumentCompleter -Native -CommandName warpline -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                $position = $cursorPosition - $commandAst.Extent.StartOffset
                & $commandAst.GetCommandName() "[suggest:$position]" $commandAst.ToString() 2>$null | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
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
        command.SetAction(parsed => terminal.Output.Write(_scripts[parsed.GetValue(shell)!].ReplaceLineEndings("\n") + "\n"));
        return command;
    }
}
