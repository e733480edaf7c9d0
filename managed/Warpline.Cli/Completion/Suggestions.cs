using System.CommandLine;
using System.Globalization;

namespace Warpline.Cli.Completion;

/// <summary>Answers a shell's question how a line can go on: <c>warpline "[suggest:POSITION]" LINE</c>, System.CommandLine's form
/// of it, which only its RootCommand knows.</summary>
internal static class Suggestions
{
    private const string _begin = "[suggest:";

    /// <summary>Where the arguments ask, writes what can stand at a position of a line, one to a line: none where a file's name
    /// goes, which the shell completes itself.</summary>
    public static bool TryWrite(Command root, string[] args, ParserConfiguration configuration, TextWriter output)
    {
        if (args is not [string directive, string line]
            || !directive.StartsWith(_begin, StringComparison.Ordinal) || !directive.EndsWith(']')
            || !int.TryParse(directive.AsSpan(_begin.Length..^1), NumberStyles.None, CultureInfo.InvariantCulture, out int position)
            || position > 1 << 20)
        {
            return false;
        }

        // Shells leave out blanks at the end, which say that a new word begins; the program's name may have a path.
        string typed = line.PadRight(position)[..position];
        string rest = typed[(typed.IndexOf(' ') + 1)..], word = typed[(typed.LastIndexOf(' ') + 1)..];
        foreach (string label in root.Parse(rest, configuration).GetCompletions(rest.Length).Select(item => item.Label).Distinct(StringComparer.Ordinal))
        {
            // Options are many: only where one is begun. Windows' spellings are none to learn.
            if (label.StartsWith(word, StringComparison.Ordinal) && word.StartsWith('-') == label.StartsWith('-') && !label.StartsWith('/'))
            {
                output.WriteLine(label);
            }
        }

        return true;
    }
}
