using System.Text.RegularExpressions;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>
/// Every code block of the pages under docs that show how things are used. The C# blocks are compiled into one program; C, C#
/// and shell blocks run and print what the text block after them says. A program that names CUDA runs on the emulated library.
/// </summary>
internal sealed partial class PageTests
{
    private static readonly string[] Pages = ["c", "csharp", "models", "errors", "threading"];

    private static readonly IReadOnlyDictionary<string, IReadOnlyList<CodeBlock>> Blocks =
        Pages.ToDictionary(page => page, page => CodeBlock.ReadAll(RepositoryFiles.PathOf($"docs/{page}.md")));

    private DirectoryInfo _folder = null!;
    private string _program = "";

    [OneTimeSetUp]
    public void BuildCSharpBlocks()
    {
        _folder = Directory.CreateTempSubdirectory("warpline-pages-");
        string folder = _folder.CreateSubdirectory("csharp").FullName;
        List<string> calls = [];
        foreach ((string page, CodeBlock block) in Pages.SelectMany(page => Of(page, "csharp"), (page, block) => (page, block)))
        {
            File.WriteAllText(Path.Combine(folder, $"{page}{block.Line}.cs"), AsMethod(block, page));
            calls.Add($"    \"{page} {block.Line}\" => Blocks.{page}{block.Line}(),");
        }

        File.WriteAllText(Path.Combine(folder, "Block.csproj"), BlockPrograms.Project);
        File.WriteAllText(
            Path.Combine(folder, "Program.cs"),
            $"await (args[0] switch\n{{\n{string.Join('\n', calls)}\n    _ => throw new ArgumentException(args[0]),\n}});\n");
        _program = Path.Combine(BlockPrograms.Dotnet(folder, "build", "-c", "Release"), "Block.dll");
    }

    [OneTimeTearDown]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [Test]
    public void Blocks_are_of_languages_that_are_tested() => Assert.That(
        Blocks.Values.SelectMany(page => page).Select(block => block.Language).Distinct(),
        Is.EquivalentTo(new[] { "bash", "csharp", "c", "cmake", "text" }));

    [TestCaseSource(nameof(LinesOf), ["csharp"])]
    public void CSharp_block_prints_what_the_page_says(string page, int line)
    {
        string library = BlockPrograms.Built + (UsesCuda(BlockAt(page, line)) ? "/libwarpline_emu.so" : "/libwarpline.so");
        AssertPrintsWhatFollows(page, line, BlockPrograms.Run("dotnet", [_program, $"{page} {line}"], ("WARPLINE_LIBRARY", library)));
    }

    [TestCaseSource(nameof(LinesOf), ["c"])]
    public void C_block_prints_what_the_page_says(string page, int line)
    {
        CodeBlock block = BlockAt(page, line);
        string program = BlockPrograms.CompileC(block, _folder.FullName, UsesCuda(block) ? "warpline_emu" : "warpline");
        AssertPrintsWhatFollows(page, line, BlockPrograms.Run(program, []));
    }

    /// <summary>From the checkout; those of the C page in a folder with its first program as example.c and its CMakeLists.txt, and with
    /// the library installed in PREFIX.</summary>
    [TestCaseSource(nameof(LinesOf), ["bash"])]
    public void Shell_block_prints_what_the_page_says(string page, int line)
    {
        string folder = RepositoryFiles.Root, prefix = Path.Combine(_folder.FullName, "prefix");
        if (page == "c")
        {
            folder = _folder.CreateSubdirectory("c").FullName;
            File.WriteAllText(Path.Combine(folder, "example.c"), Of(page, "c").First().Text);
            File.WriteAllText(Path.Combine(folder, "CMakeLists.txt"), Of(page, "cmake").Single().Text);
            BlockPrograms.Run("cmake", ["--install", "build/cpu", "--prefix", prefix]);
        }

        (string output, string errors, int exit) = ProgramRunner.Run(
            "bash", ["-euo", "pipefail", "-c", BlockAt(page, line).Text], folder, ("PREFIX", prefix));
        Assert.That(exit, Is.Zero, errors + output);
        AssertPrintsWhatFollows(page, line, output);
    }

    private static IEnumerable<TestCaseData> LinesOf(string language) =>
        Pages.SelectMany(page => Of(page, language), (page, block) => new TestCaseData(page, block.Line));

    private static IEnumerable<CodeBlock> Of(string page, string language) =>
        Blocks[page].Where(block => block.Language == language);

    private static CodeBlock BlockAt(string page, int line) => Blocks[page].Single(block => block.Line == line);

    private static bool UsesCuda(CodeBlock block) => block.Text.Contains("cuda", StringComparison.OrdinalIgnoreCase);

    private static void AssertPrintsWhatFollows(string page, int line, string output) =>
        Assert.That(output.Trim(), Is.EqualTo(CodeBlock.OutputOf(Blocks[page], BlockAt(page, line))), output);

    /// <summary>A method out of a program of top-level statements: its using directives stay outside.</summary>
    private static string AsMethod(CodeBlock block, string page)
    {
        string[] lines = block.Text.Split('\n');
        int body = lines.TakeWhile(text => UsingDirective().IsMatch(text) || text.Length == 0).Count();
        return $$"""
            {{string.Join('\n', lines[..body])}}
            #pragma warning disable CS1998 // not every block awaits something
            internal static partial class Blocks
            {
                public static async Task {{page}}{{block.Line}}()
                {
            #line {{block.Line + 1 + body}} "docs/{{page}}.md"
            {{string.Join('\n', lines[body..])}}
                }
            }
            """;
    }

    [GeneratedRegex(@"^using [A-Za-z.]+;$")]
    private static partial Regex UsingDirective();
}
