using System.Runtime.Versioning;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>The totals at the end of ./build.sh test, made by tools/suites.sh, from programs that only print.</summary>
[UnsupportedOSPlatform("windows")]
[Platform(Exclude = "Win", Reason = "build.ps1 adds the totals up there")]
internal sealed class TestTotalsTests
{
    private const string Passing = "echo '[       OK ] Sum.Adds (1 ms)'\n";
    private const string Failing = "echo '[  FAILED  ] Sum.Carries (1 ms)'\necho '[  FAILED  ] Sum.Carries'\nexit 1\n";
    private const string Skipping = "echo '[  SKIPPED ] Isa.Needs_bf16 (0 ms)'\n";

    [TestCase(Passing + Passing, "", "2 passed, 0 failed, 0 skipped", 0)]
    [TestCase(Passing + Failing, "", "1 passed, 1 failed, 0 skipped", 1)]
    [TestCase(Passing + Skipping, "sum_test/Isa.* # only newer processors have it\n", "1 passed, 0 failed, 1 skipped", 0)]
    [TestCase(Passing + Skipping, "sum_test/Other.* # not this one\n", "1 passed, 1 failed, 0 skipped", 1)]
    [TestCase(Passing + "kill -SEGV $$\n", "", "1 passed, 1 failed, 0 skipped", 1)]
    [TestCase("kill -SEGV $$\n", "", "0 passed, 1 failed, 0 skipped", 1)]
    [TestCase("echo nothing\n", "", "0 passed, 1 failed, 0 skipped", 1)]
    public void GoogleTest_programs_are_counted(string program, string expectedSkips, string lastLine, int status) =>
        AssertLastLine("sum_test", program, "run_google_tests '' \"$PWD\"", expectedSkips, lastLine, status);

    [TestCase("passed Adds (1ms)", 2, 0, 0, "", "2 passed, 0 failed, 0 skipped", 0)]
    [TestCase("failed Carries(1,\"a\") (1s 12ms)", 1, 1, 0, "", "1 passed, 1 failed, 0 skipped", 1)]
    [TestCase("skipped Needs_model (0ms)", 1, 0, 1, "Some.*/Needs_model # not in every checkout\n", "1 passed, 0 failed, 1 skipped", 0)]
    [TestCase("skipped Needs_model (0ms)", 1, 0, 1, "", "1 passed, 1 failed, 0 skipped", 1)]
    [TestCase("", 0, 0, 0, "", "0 passed, 1 failed, 0 skipped", 1)]
    public void NUnit_programs_are_counted(
        string line, int succeeded, int failed, int skipped, string expectedSkips, string lastLine, int status)
    {
        string program = $"""
            echo '{line}'
            echo 'Test run summary:'
            echo '  total: {succeeded + failed + skipped}'
            echo '  failed: {failed}'
            echo '  succeeded: {succeeded}'
            echo '  skipped: {skipped}'
            exit {(failed > 0 ? 2 : 0)}

            """;
        AssertLastLine("dotnet", program, "PATH=$PWD:$PATH run_nunit Some.Tests", expectedSkips, lastLine, status);
    }

    private static void AssertLastLine(
        string name, string program, string command, string expectedSkips, string lastLine, int status)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("warpline-totals-");
        try
        {
            string PathOf(string file) => Path.Combine(folder.FullName, file);
            folder.CreateSubdirectory("tests");
            File.WriteAllText(PathOf("tests/expected-skips.txt"), expectedSkips);
            File.WriteAllText(PathOf(name), "#!/usr/bin/env bash\n" + program);
            File.SetUnixFileMode(PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
            (string output, _, int exit) = ProgramRunner.Run("bash", ["-c", $"""
                set -euo pipefail
                exec 2>&1
                root="$PWD" log_dir="$PWD" totals="$PWD/totals.txt" filter= dotnet_dir=
                source '{RepositoryFiles.PathOf("tools/suites.sh")}'
                {command} 3>&1
                echo
                summary
                """], folder.FullName);
            Assert.That(output.TrimEnd().Split('\n')[^1], Is.EqualTo(lastLine), output);
            Assert.That(exit, Is.EqualTo(status), output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
