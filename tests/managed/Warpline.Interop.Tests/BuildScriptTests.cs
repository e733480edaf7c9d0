using System.Management.Automation.Language;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>
/// build.ps1 cannot run where these tests run, so it is parsed by PowerShell's own parser and compared with build.sh, which
/// does run: the same verbs, and in every verb the same steps in the same order.
/// </summary>
internal sealed partial class BuildScriptTests
{
    private static readonly string[] Verbs = ["setup", "build", "demo", "test", "bench", "pack", "format", "clean"];

    [Test]
    public void PowerShell_script_parses_without_errors()
    {
        _ = ParsePowerShell(out ParseError[] errors);
        Assert.That(errors.Select(error => $"{error.Extent.StartLineNumber}: {error.Message}"), Is.Empty);
    }

    [Test]
    public void Parser_reports_a_broken_script()
    {
        _ = Parser.ParseInput("function broken { step 'a' { ", out _, out ParseError[] errors);
        Assert.That(errors, Is.Not.Empty);
    }

    [Test]
    public void Every_command_called_is_a_function_of_the_script_or_a_known_program()
    {
        ScriptBlockAst script = ParsePowerShell(out _);
        HashSet<string> known = new(StringComparer.OrdinalIgnoreCase)
        {
            "cmake", "dotnet", "git", "winget", "clang-format",
            "Join-Path", "Set-StrictMode", "Set-Location", "New-Item", "Out-Null", "Out-File", "Out-Host", "Write-Host", "Get-Content",
            "Get-Command", "Get-ChildItem", "Test-Path", "Remove-Item", "Copy-Item", "Where-Object", "ForEach-Object", "Select-String",
        };
        known.UnionWith(Functions(script).Keys);
        IEnumerable<string> called = script.FindAll(node => node is CommandAst, searchNestedScriptBlocks: true)
            .Select(node => ((CommandAst)node).GetCommandName())
            .Where(name => name is not null);
        Assert.That(called.Where(name => !known.Contains(name)), Is.Empty);
    }

    [Test]
    public void Both_scripts_offer_the_same_verbs()
    {
        ScriptBlockAst script = ParsePowerShell(out _);
        var dispatch = (SwitchStatementAst)script.Find(node => node is SwitchStatementAst, searchNestedScriptBlocks: false)!;
        IEnumerable<string> powerShell = dispatch.Clauses.Select(clause => ((StringConstantExpressionAst)clause.Item1).Value);
        string shell = File.ReadAllText(RepositoryFiles.PathOf("build.sh"));
        string[] cases = ShellDispatch().Match(shell).Groups[1].Value.Split('|', StringSplitOptions.TrimEntries);
        Assert.That(cases, Is.EqualTo(Verbs));
        Assert.That(powerShell.Where(verb => verb != "help"), Is.EqualTo(Verbs));
    }

    [Test]
    public void Every_verb_takes_the_same_steps()
    {
        Dictionary<string, FunctionDefinitionAst> functions = Functions(ParsePowerShell(out _));
        string shell = File.ReadAllText(RepositoryFiles.PathOf("build.sh"));
        foreach (string verb in Verbs)
        {
            string[] fromPowerShell = PowerShellSteps(functions, "verb_" + verb);
            string[] fromShell = ShellSteps(shell, "verb_" + verb);
            Assert.That(fromPowerShell, Is.EqualTo(fromShell), verb);
            if (verb != "clean")
            {
                Assert.That(fromShell, Is.Not.Empty, verb);
            }
        }
    }

    [Test]
    public void Both_scripts_describe_the_verbs_alike()
    {
        string[] Describe(string file) =>
            [.. VerbDescription().Matches(File.ReadAllText(RepositoryFiles.PathOf(file))).Select(match => match.Groups[1].Value)];
        Assert.That(Describe("build.ps1"), Is.EqualTo(Describe("build.sh")));
        Assert.That(Describe("build.sh"), Is.EqualTo(Verbs));
    }

    private static ScriptBlockAst ParsePowerShell(out ParseError[] errors) =>
        Parser.ParseFile(RepositoryFiles.PathOf("build.ps1"), out _, out errors);

    private static Dictionary<string, FunctionDefinitionAst> Functions(ScriptBlockAst script) =>
        script.FindAll(node => node is FunctionDefinitionAst, searchNestedScriptBlocks: true)
            .Cast<FunctionDefinitionAst>()
            .ToDictionary(function => function.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The steps of a function in order, those of the verbs that it calls included.</summary>
    private static string[] PowerShellSteps(Dictionary<string, FunctionDefinitionAst> functions, string name) =>
        [.. functions[name].Body.FindAll(node => node is CommandAst, searchNestedScriptBlocks: true)
            .Cast<CommandAst>()
            .OrderBy(command => command.Extent.StartOffset)
            .SelectMany(command => command.GetCommandName() switch
            {
                "step" => [((StringConstantExpressionAst)command.CommandElements[1]).Value],
                string called when called.StartsWith("verb_") => PowerShellSteps(functions, called),
                _ => Array.Empty<string>(),
            })];

    /// <summary>The same, read from the text of build.sh: a function ends at the first brace in the first column.</summary>
    private static string[] ShellSteps(string script, string name)
    {
        int start = script.IndexOf($"\n{name}() {{\n", StringComparison.Ordinal);
        Assert.That(start, Is.Not.Negative, name);
        string body = script[(start + name.Length + 6)..script.IndexOf("\n}\n", start, StringComparison.Ordinal)];
        return [.. ShellCall().Matches(body).SelectMany(call =>
            call.Groups["step"].Success ? [call.Groups["step"].Value] : ShellSteps(script, call.Groups["verb"].Value))];
    }

    [GeneratedRegex(@"^case \$verb in\n +([a-z |]+)\)", RegexOptions.Multiline)]
    private static partial Regex ShellDispatch();

    [GeneratedRegex(@"^ +(?:step ""(?<step>[^""]+)""|(?<verb>verb_[a-z]+)$)", RegexOptions.Multiline)]
    private static partial Regex ShellCall();

    [GeneratedRegex(@"^  ([a-z]+)(?: \[[^\n]*\])? {2,}\S.*$", RegexOptions.Multiline)]
    private static partial Regex VerbDescription();
}
