using System.Runtime.Versioning;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>
/// How tools/cuda-toolkit.sh finds a CUDA toolkit and what it leaves behind when it gets one, with programs that only print
/// a version, and a download that is played.
/// </summary>
[UnsupportedOSPlatform("windows")]
[Platform(Exclude = "Win", Reason = "build.ps1 only looks at CUDA_PATH")]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CudaToolkitTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warpline-toolkit-");

    public void Dispose() => _folder.Delete(recursive: true);

    [TestCase("home path program installed cache", "home")]
    [TestCase("path program installed cache", "path")]
    [TestCase("program installed cache", "program")]
    [TestCase("installed cache", "installed")]
    [TestCase("cache", "cache/warpline/cuda-12.4")]
    public void First_of_the_places_is_taken(string places, string expected)
    {
        foreach (string place in places.Split(' '))
        {
            MakeToolkit(place == "cache" ? "cache/warpline/cuda-12.4" : place, "12.4");
        }

        (string output, string errors, int exit) = RunScript("find_cuda_toolkit");
        Assert.That(exit, Is.Zero, errors);
        Assert.That(output.Trim(), Is.EqualTo(PathOf(expected)));
    }

    [TestCase("12.3", false)]
    [TestCase("11.8", false)]
    [TestCase("12.4", true)]
    [TestCase("12.10", true)]
    [TestCase("13.0", true)]
    public void Old_releases_are_passed_over_and_named(string release, bool taken)
    {
        MakeToolkit("home", release);
        MakeToolkit("path", "12.6");
        (string output, string errors, _) = RunScript("find_cuda_toolkit");
        Assert.That(output.Trim(), Is.EqualTo(PathOf(taken ? "home" : "path")));
        Assert.That(errors.Contains($"CUDA {release}, but 12.4 or newer is needed", StringComparison.Ordinal), Is.Not.EqualTo(taken));
    }

    [Test]
    public void Folder_without_a_compiler_is_named()
    {
        Directory.CreateDirectory(PathOf("home"));
        MakeToolkit("path", "12.4");
        (string output, string errors, _) = RunScript("find_cuda_toolkit");
        Assert.That(output.Trim(), Is.EqualTo(PathOf("path")));
        Assert.That(errors, Does.Contain($"{PathOf("home")}: no nvcc that runs"));
    }

    [Test]
    public void Download_ends_in_the_cache_and_is_not_repeated()
    {
        MakeToolkit("downloaded", "12.4");
        const string Download = """
            can_get_cuda_toolkit() { true; }
            download_cuda_toolkit() { echo downloading; touch "$1/package.deb"; cp -r downloaded "$1/toolkit"; }
            get_cuda_toolkit
            """;
        (string first, string errors, int exit) = RunScript(Download);
        Assert.That(exit, Is.Zero, errors);
        Assert.That(first, Is.EqualTo($"downloading\n{PathOf("cache/warpline/cuda-12.4")}\n"));
        Assert.That(CacheEntries(), Is.EqualTo(["cuda-12.4"]));
        (string second, _, _) = RunScript(Download);
        Assert.That(second, Is.EqualTo($"{PathOf("cache/warpline/cuda-12.4")}\n"));
    }

    [TestCase("mkdir \"$1/toolkit\"; false; true")]
    [TestCase("touch \"$1/package.deb\"; kill -TERM $BASHPID; sleep 1")]
    public void Failed_download_leaves_nothing(string download)
    {
        (_, _, int exit) = RunScript($$"""
            can_get_cuda_toolkit() { true; }
            download_cuda_toolkit() { {{download}}; }
            get_cuda_toolkit
            """);
        Assert.That(exit, Is.Not.Zero);
        Assert.That(CacheEntries(), Is.Empty);
    }

    [Test]
    public void Full_disk_is_seen_before_the_download()
    {
        (string output, _, int exit) = RunScript("""
            can_get_cuda_toolkit() { true; }
            df() { printf 'Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/x 9 9 1048576 9%% /\n'; }
            download_cuda_toolkit() { echo downloading; }
            get_cuda_toolkit
            """);
        Assert.That(exit, Is.EqualTo(1));
        Assert.That(output, Does.Contain("has 1024 MB of free disk space").And.Not.Contains("downloading"));
    }

    [Test]
    public void Other_systems_are_told_how_to_get_it()
    {
        (string output, string errors, int exit) = RunScript("can_get_cuda_toolkit() { false; }\necho \"$cuda_remedy\"\nget_cuda_toolkit");
        Assert.That(exit, Is.EqualTo(1), errors);
        Assert.That(output, Does.Contain("https://developer.nvidia.com/cuda-downloads").And.Contains("only on Debian 12"));
    }

    [Test]
    public void In_ci_a_failure_does_not_end_the_run()
    {
        (string output, _, int exit) = RunScript("""
            can_get_cuda_toolkit() { true; }
            download_cuda_toolkit() { false; echo unreachable; }
            get_cuda_toolkit_in_ci
            echo on
            """);
        Assert.That(exit, Is.Zero);
        Assert.That(output, Is.EqualTo("on\n"));
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private string[] CacheEntries() =>
        [.. Directory.GetFileSystemEntries(PathOf("cache/warpline")).Select(entry => Path.GetFileName(entry))];

    private void MakeToolkit(string folder, string release)
    {
        string compiler = PathOf($"{folder}/bin/nvcc");
        Directory.CreateDirectory(Path.GetDirectoryName(compiler)!);
        File.WriteAllText(compiler, $"#!/bin/sh\necho 'Cuda compilation tools, release {release}, V{release}.1'\n");
        File.SetUnixFileMode(compiler, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    /// <summary>Runs lines after the script has been read, in a world that has only what the test made.</summary>
    private (string Output, string Errors, int Exit) RunScript(string lines) =>
        ProgramRunner.Run("bash", ["-c", $"""
            set -euo pipefail
            source '{RepositoryFiles.PathOf("tools/cuda-toolkit.sh")}'
            cuda_installed="$PWD/installed"
            {lines}
            """], _folder.FullName,
            ("CUDA_HOME", PathOf("home")), ("CUDA_PATH", PathOf("path")), ("XDG_CACHE_HOME", PathOf("cache")),
            ("PATH", PathOf("program/bin") + ":/usr/bin:/bin"));
}
