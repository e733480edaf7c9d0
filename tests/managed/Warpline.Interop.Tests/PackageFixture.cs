using System.IO.Compression;
using System.Runtime.Versioning;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>
/// What ./build.sh pack writes, in a folder that is a feed for the tests; nothing gets into the user's own package folder, from
/// which packages of others are taken.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal abstract class PackageFixture
{
    protected static readonly string Version = WarplineLibrary.Version.ToString();

    private DirectoryInfo _folder = null!;

    /// <summary>A folder of the fixture's own, with a nuget.config that adds the feed to the sources of this machine.</summary>
    protected string Folder => _folder.FullName;

    protected string Feed => PathOf("feed");

    [OneTimeSetUp]
    public void WritePackages()
    {
        _folder = Directory.CreateTempSubdirectory("warpline-packages-");
        Script($"prepare_native_libraries '{Path.Combine(AppContext.BaseDirectory, "libwarpline.so")}' '{PathOf("native")}'");
        Pack(Feed, Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../..")));
        string user = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        Directory.CreateDirectory(PathOf("others"));
        foreach (string package in Directory.Exists(user) ? Directory.GetDirectories(user) : [])
        {
            if (!Path.GetFileName(package).StartsWith("warpline", StringComparison.Ordinal))
            {
                Directory.CreateSymbolicLink(PathOf("others", Path.GetFileName(package)), package);
            }
        }

        File.WriteAllText(PathOf("nuget.config"), """
            <configuration>
              <packageSources>
                <add key="warpline-test" value="feed" />
              </packageSources>
              <fallbackPackageFolders>
                <add key="others" value="others" />
              </fallbackPackageFolders>
            </configuration>
            """);
    }

    [OneTimeTearDown]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    /// <summary>Writes the packages to a folder, built in another.</summary>
    protected void Pack(string feed, string artifacts, params ReadOnlySpan<(string Name, string Value)> environment) =>
        Script($"write_packages '{feed}'", [("ArtifactsPath", artifacts), .. environment]);

    protected string PathOf(params ReadOnlySpan<string> parts) => Path.Combine([Folder, .. parts]);

    /// <summary>An archive of the feed, by the name of its package.</summary>
    protected ZipArchive Open(string package, string extension = "nupkg") =>
        ZipFile.OpenRead(Path.Combine(Feed, $"{package}.{Version}.{extension}"));

    /// <summary>Runs a program in a folder of <see cref="Folder"/>, which must succeed; what it printed.</summary>
    protected string Run(string folder, string program, params string[] arguments)
    {
        (string output, string errors, int exit) = ProgramRunner.Run(program, arguments, PathOf(folder),
            ("NUGET_PACKAGES", PathOf("packages")), ("ArtifactsPath", ""), ("WARPLINE_LIBRARY", ""),
            ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"));
        Assert.That(exit, Is.Zero, $"{program} {string.Join(' ', arguments)}: {output}{errors}");
        return output;
    }

    private void Script(string command, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        (string output, string errors, int exit) = ProgramRunner.Run(
            "bash", ["-euo", "pipefail", "-c", $"source tools/packages.sh; {command}"], RepositoryFiles.Root,
            [
                ("WarplinePackedNativeDir", PathOf("native")), ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"),
                .. environment,
            ]);
        Assert.That(exit, Is.Zero, $"{command}: {output}{errors}");
    }
}
