using System.Management.Automation.Language;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>PowerShell's script for the completion of the command's lines, by PowerShell's own parser: no PowerShell runs here.</summary>
internal sealed class CompletionScriptTests
{
    [Test]
    public void The_script_registers_a_completer_that_asks_the_command()
    {
        ScriptBlockAst script = Parser.ParseFile(
            RepositoryFiles.PathOf("managed/Warpline.Cli/Completion/warpline.ps1"), out _, out ParseError[] errors);
        Assert.That(errors, Is.Empty);
        CommandAst[] commands = [.. script.FindAll(node => node is CommandAst, searchNestedScriptBlocks: true).Cast<CommandAst>()];
        Assert.That(
            commands.Select(command => command.GetCommandName()), Is.EqualTo(new[] { "Register-ArgumentCompleter", null, "ForEach-Object" }));
        Assert.That(commands[0].CommandElements.Skip(1).Take(3).Select(item => item.ToString()), Is.EqualTo(new[] { "-Native", "-CommandName", "warpline" }));
        var block = (ScriptBlockExpressionAst)commands[0].CommandElements[^1];
        Assert.That(
            block.ScriptBlock.ParamBlock.Parameters.Select(parameter => parameter.Name.VariablePath.UserPath),
            Is.EqualTo(new[] { "wordToComplete", "commandAst", "cursorPosition" }), "what a native completer gets");
        Assert.That(commands[1].CommandElements[0].ToString(), Is.EqualTo("$program"));
        Assert.That(commands[1].CommandElements[1].ToString(), Is.EqualTo("\"[suggest:$position]\""));
    }
}
