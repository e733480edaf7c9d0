using NUnit.Framework;

namespace Warpline.Interop.Tests.DropIn;

/// <summary>What docs/interop.md shows is code that these tests compile and run.</summary>
internal sealed class InteropPageTests
{
    private static readonly IReadOnlyList<CodeBlock> Blocks = CodeBlock.ReadAll(RepositoryFiles.PathOf("docs/interop.md"));

    [TestCase("OrtValues.cs")]
    [TestCase("IlgpuBuffers.cs")]
    public void The_page_shows_the_method_that_the_tests_use(string file)
    {
        string source = WithoutIndentation(
            File.ReadAllText(RepositoryFiles.PathOf("tests/managed/Warpline.Interop.Tests/DropIn/" + file)));
        Assert.That(
            Blocks.Where(block => source.Contains(WithoutIndentation(block.Text), StringComparison.Ordinal)),
            Has.Exactly(1).Items);
    }

    [Test]
    public void The_page_shows_nothing_else() =>
        Assert.That(Blocks.Select(block => block.Language), Is.EqualTo(new[] { "csharp", "csharp" }));

    private static string WithoutIndentation(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()));
}
