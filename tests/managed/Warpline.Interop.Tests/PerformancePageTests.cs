using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>docs/performance.md holds what the files under bench/results say, and nothing that was written by hand.</summary>
public class PerformancePageTests
{
    [Test]
    public void The_page_is_what_the_benchmarks_write()
    {
        string benchmarks = Path.GetFullPath(
            Path.Combine(AppContext.BaseDirectory, "../../Warpline.Benchmarks/release/Warpline.Benchmarks.dll"));
        string page = Path.GetTempFileName();
        try
        {
            (string output, string errors, int exit) = ProgramRunner.Run(
                "dotnet", [benchmarks, "report", "--page", page], RepositoryFiles.Root);
            Assert.That(exit, Is.Zero, output + errors);
            Assert.That(File.ReadAllText(RepositoryFiles.PathOf("docs/performance.md")), Is.EqualTo(File.ReadAllText(page)));
        }
        finally
        {
            File.Delete(page);
        }
    }
}
