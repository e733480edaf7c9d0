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

    /// <summary>Where this build's assemblies and native library lie: beside this program.</summary>
    private static readonly string Built = AppContext.BaseDirectory.TrimEnd('/');

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
        File.WriteAllText(Path.Combine(_folder.FullName, "Block.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
                <Reference Include="{Built}/Warpline.dll" />
                <Reference Include="{Built}/Warpline.Transformers.dll" />
                <Reference Include="{Built}/Microsoft.ML.Tokenizers.dll" />
                <Reference Include="{Built}/System.Numerics.Tensors.dll" />
                <Reference Include="{Built}/Google.Protobuf.dll" />
                <None Include="{Built}/libwarpline.so" CopyToOutputDirectory="PreserveNewest" />
              </ItemGroup>
            </Project>
            """);
        string output = Run("dotnet", [Path.Combine(Dotnet("build", "-c", "Release"), "Block.dll")]);
        Assert.That(output, Is.Not.Empty);
        AssertPrintsWhatFollows(block, output);
        string native = Path.Combine(Dotnet("publish", "-c", "Release", "--use-current-runtime", "-p:PublishAot=true"), "Block");
        Assert.That(Run(native, []), Is.EqualTo(output));
    }

    [TestCaseSource(nameof(LinesOf), ["c"])]
    public void C_block_runs(int line)
    {
        CodeBlock block = BlockAt(line);
        string source = Path.Combine(_folder.FullName, "block.c");
        string program = Path.Combine(_folder.FullName, "block");
        File.WriteAllText(source, block.Text);
        (_, string log, int built) = ProgramRunner.Run(
            "cc",
            [
                "-std=c99", "-Wall", "-Wextra", "-Werror", "-I", RepositoryFiles.PathOf("native/include"), source,
                "-o", program, "-L", Built, "-lwarpline", "-Wl,-rpath," + Built,
            ],
            _folder.FullName);
        Assert.That(built, Is.Zero, log);
        string output = Run(program, []);
        Assert.That(output, Is.Not.Empty);
        AssertPrintsWhatFollows(block, output);
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

    /// <summary>Builds the block's project; the folder with the result.</summary>
    private string Dotnet(params string[] arguments)
    {
        string folder = Path.Combine(_folder.FullName, arguments[0]);
        (string log, _, int exit) = ProgramRunner.Run("dotnet", [.. arguments, "-o", folder], _folder.FullName,
            ("ArtifactsPath", ""), ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"));
        Assert.That(exit, Is.Zero, log);
        return folder;
    }

    /// <summary>Runs a program from the checkout, which must succeed; what it printed.</summary>
    private static string Run(string program, IEnumerable<string> arguments)
    {
        (string output, string errors, int exit) = ProgramRunner.Run(program, arguments, RepositoryFiles.Root);
        Assert.That(exit, Is.Zero, errors);
        return output;
    }

    private static IEnumerable<int> LinesOf(string language) =>
        Blocks.Where(block => block.Language == language).Select(block => block.Line);

    private static CodeBlock BlockAt(int line) => Blocks.Single(block => block.Line == line);

    private static void AssertPrintsWhatFollows(CodeBlock block, string output)
    {
        int index = Blocks.ToList().IndexOf(block);
        if (index + 1 < Blocks.Count && Blocks[index + 1].Language == "text")
        {
            Assert.That(output.Trim(), Is.EqualTo(Blocks[index + 1].Text.Trim()));
        }
    }

    [GeneratedRegex(@"^\./build\.sh ([a-z]+)( [A-Za-z-]+)*$")]
    private static partial Regex BuildCall();
}
