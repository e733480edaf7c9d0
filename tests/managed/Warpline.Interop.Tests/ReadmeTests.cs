using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>
/// Every code block of the README: C# and C are compiled against what this build made and run from the checkout, and print
/// what the text block after them says. Shell lines are run, except ./build.sh itself, whose verb is looked up.
/// </summary>
internal sealed partial class ReadmeTests
{
    private static readonly IReadOnlyList<CodeBlock> Blocks = CodeBlock.ReadAll(RepositoryFiles.PathOf("README.md"));

    private DirectoryInfo _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("warpline-readme-");

    [TearDown]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [Test]
    public void Blocks_are_of_languages_that_are_tested()
    {
        Assert.That(Blocks.Select(block => block.Language).Distinct(), Is.SubsetOf(new[] { "bash", "csharp", "c", "text" }));
        Assert.That(Blocks.Select(block => block.Language), Is.SupersetOf(new[] { "bash", "csharp", "c" }));
    }

    [TestCaseSource(nameof(LinesOf), ["csharp"])]
    public void CSharp_block_runs_and_says_the_same_compiled_ahead_of_time(int line)
    {
        CodeBlock block = BlockAt(line);
        File.WriteAllText(Path.Combine(_folder.FullName, "Program.cs"), block.Text);
        File.WriteAllText(Path.Combine(_folder.FullName, "Block.csproj"), BlockPrograms.Project);
        string built = BlockPrograms.Dotnet(_folder.FullName, "build", "-c", "Release");
        string output = BlockPrograms.Run("dotnet", [Path.Combine(built, "Block.dll")]);
        AssertPrintsWhatFollows(block, output);
        string published = BlockPrograms.Dotnet(
            _folder.FullName, "publish", "-c", "Release", "--use-current-runtime", "-p:PublishAot=true");
        Assert.That(BlockPrograms.Run(Path.Combine(published, "Block"), []), Is.EqualTo(output));
    }

    [TestCaseSource(nameof(LinesOf), ["c"])]
    public void C_block_runs(int line)
    {
        CodeBlock block = BlockAt(line);
        AssertPrintsWhatFollows(block, BlockPrograms.Run(BlockPrograms.CompileC(block, _folder.FullName), []));
    }

    [TestCaseSource(nameof(LinesOf), ["bash"])]
    public void Shell_lines_run(int line)
    {
        string script = File.ReadAllText(RepositoryFiles.PathOf("build.sh"));
        foreach (string command in BlockAt(line).Text.Split('\n').Select(text => text.Split('#')[0].Trim()))
        {
            if (BuildCall().Match(command) is { Success: true } call)
            {
                // Running it here would run these tests again; that the verb works is what this very run shows.
                Assert.That(script, Does.Contain($"\nverb_{call.Groups[1].Value}() {{\n"), command);
            }
            else if (command.Length > 0)
            {
                (_, string errors, int exit) = ProgramRunner.Run("bash", ["-euo", "pipefail", "-c", command], RepositoryFiles.Root,
                    ("PREFIX", _folder.FullName));
                Assert.That(exit, Is.Zero, $"{command}: {errors}");
            }
        }
    }

    private static IEnumerable<int> LinesOf(string language) =>
        Blocks.Where(block => block.Language == language).Select(block => block.Line);

    private static CodeBlock BlockAt(int line) => Blocks.Single(block => block.Line == line);

    private static void AssertPrintsWhatFollows(CodeBlock block, string output)
    {
        if (CodeBlock.OutputOf(Blocks, block) is string expected)
        {
            Assert.That(output.Trim(), Is.EqualTo(expected));
        }
    }

    [GeneratedRegex(@"^\./build\.sh ([a-z]+)( [A-Za-z-]+)*$")]
    private static partial Regex BuildCall();
}
