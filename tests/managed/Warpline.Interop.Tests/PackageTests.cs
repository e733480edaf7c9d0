using System.IO.Compression;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>The packages: what is in them, that they are reproducible, and that empty projects run with them alone.</summary>
[UnsupportedOSPlatform("windows")]
[Platform(Exclude = "Win", Reason = "build.ps1 prepares the native libraries there")]
internal sealed partial class PackageTests : PackageFixture
{
    private const string Native = "Warpline.Native.linux-x64";
    private const string NativeFolder = "runtimes/linux-x64/native/";

    private static readonly string[] NativeFiles = ["libwarpline.so", "libwarpline_tbb.so.12"];

    [Test]
    public void Every_package_says_what_it_is()
    {
        string[] packages = Packages();
        Assert.That(packages, Is.SupersetOf(new[] { "Warpline", Native, "Warpline.Transformers", "Warpline.Extensions.AI", "Warpline.Cli" }));
        foreach (string package in packages)
        {
            using ZipArchive archive = Open(package);
            XElement metadata = Nuspec(archive, package);
            string Value(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;
            Assert.That(Value("version"), Is.EqualTo(Version), package);
            Assert.That(Value("license"), Does.StartWith("MIT"), package);
            Assert.That(Value("readme"), Is.EqualTo("README.md"), package);
            Assert.That(Value("description"), Is.Not.Empty, package);
            Assert.That(metadata.Elements().Select(element => element.Name.LocalName), Does.Not.Contain("repository"), package);
            Assert.That(Names(archive), Is.SupersetOf(new[] { "README.md", "LICENSE", "THIRD-PARTY-NOTICES" }), package);
        }
    }

    [Test]
    public void Libraries_bring_documentation_and_symbols_and_name_what_they_need()
    {
        foreach (string package in Packages().Where(name => name is not (Native or "Warpline.Cli")))
        {
            using ZipArchive archive = Open(package), symbols = Open(package, "snupkg");
            Assert.That(Names(archive).Where(name => name.StartsWith("lib/", StringComparison.Ordinal)),
                Is.EquivalentTo([$"lib/net10.0/{package}.dll", $"lib/net10.0/{package}.xml"]));
            Assert.That(Names(symbols), Does.Contain($"lib/net10.0/{package}.pdb"));
            IEnumerable<string> needed = Nuspec(archive, package).Descendants()
                .Where(element => element.Name.LocalName == "dependency")
                .Select(element => $"{element.Attribute("id")!.Value} {element.Attribute("version")!.Value}");
            string[] ours = [.. needed.Where(name => name.StartsWith("Warpline", StringComparison.Ordinal))];
            Assert.That(ours, Is.Not.Empty.And.All.EndsWith(" " + Version), package);
            if (package == "Warpline")
            {
                Assert.That(ours, Is.EqualTo([$"{Native} {Version}"]));
            }
        }
    }

    [Test]
    public void Native_libraries_are_the_two_of_the_processor_and_find_each_other()
    {
        using ZipArchive package = Open(Native), tool = Open("Warpline.Cli");
        Assert.That(Names(package).Where(name => name.Contains(".so", StringComparison.Ordinal)),
            Is.EquivalentTo([.. NativeFiles.Select(name => NativeFolder + name), "symbols/libwarpline.so.debug"]));
        Assert.That(Names(package), Does.Contain("LICENSE-Apache-2.0.txt"));
        Assert.That(Names(tool).Where(name => name.Contains(".so", StringComparison.Ordinal)),
            Is.EquivalentTo(NativeFiles.Select(name => $"tools/net10.0/any/{NativeFolder}{name}")));
        string library = Objdump("-p", NativeFiles[0]), tbb = Objdump("-p", NativeFiles[1]);
        Assert.That(library, Does.Match(@"NEEDED +libwarpline_tbb\.so\.12\n").And.Match(@"RUNPATH +\$ORIGIN\n"));
        Assert.That(library, Does.Not.Contain("libtbb.so"));
        Assert.That(tbb, Does.Match(@"SONAME +libwarpline_tbb\.so\.12\n"));
        Assert.That(Objdump("-h", NativeFiles[0]), Does.Contain(".gnu_debuglink"));
        Assert.That(Objdump("-t", NativeFiles[0]), Does.Contain("no symbols"));
    }

    [Test]
    public void Glibc_234_is_enough_for_the_packed_libraries()
    {
        if (File.ReadAllLines("/etc/os-release").Intersect(["ID=debian", "VERSION_ID=\"12\""]).Count() != 2)
        {
            Assert.Ignore("The ceiling holds for packages made on Debian 12.");
        }

        foreach (string file in NativeFiles)
        {
            int[] needed = [.. GlibcVersion().Matches(Objdump("-T", file)).Select(match => int.Parse(match.Groups[1].Value))];
            Assert.That(needed, Is.Not.Empty, file);
            Assert.That(needed.Max(), Is.LessThanOrEqualTo(34), file);
        }
    }

    /// <summary>
    /// One is made of the build that these tests belong to, the other in an empty folder elsewhere. The name of the core
    /// properties, and so the file that refers to them, is drawn at random by older SDKs.
    /// </summary>
    [Test]
    public void Two_packs_hold_identical_entries()
    {
        string again = PathOf("again");
        Pack(again, PathOf("again-built"), ("RunAnalyzers", "false")); // no analyser writes anything
        string[] files = [.. Directory.GetFiles(Feed).Select(file => Path.GetFileName(file)).Order()];
        Assert.That(Directory.GetFiles(again).Select(file => Path.GetFileName(file)).Order(), Is.EqualTo(files));
        foreach (string file in files)
        {
            (string Name, string Content)[] first = Entries(Path.Combine(Feed, file));
            (string Name, string Content)[] second = Entries(Path.Combine(again, file));
            Assert.That(first, Has.Length.GreaterThan(2), file);
            Assert.That(second.Except(first).Concat(first.Except(second)).Select(entry => entry.Name).Distinct(), Is.Empty, file);
        }
    }

    [Test]
    public void Warpline_alone_runs_in_an_empty_project()
    {
        string expected = MakeProject("kernels", "Warpline");
        Assert.That(Run("kernels", "dotnet", "run", "-c", "Release").Trim(), Is.EqualTo(expected));
    }

    [Test]
    public void Transformers_tell_a_story_in_an_empty_project_and_compiled_ahead_of_time()
    {
        string expected = MakeProject("story", "Warpline.Transformers");
        string model = RepositoryFiles.PathOf("samples/models/storyteller");
        Assert.That(Run("story", "dotnet", "run", "-c", "Release", "--", model).Trim(), Is.EqualTo(expected));
        Run("story", "dotnet", "publish", "-c", "Release", "--use-current-runtime", "-p:PublishAot=true", "-o", "published");
        Assert.That(Directory.GetFiles(PathOf("story", "published"), "*.dll"), Is.Empty);
        Assert.That(Run("story", PathOf("story", "published", "story"), model).Trim(), Is.EqualTo(expected));
    }

    [Test]
    public void The_command_is_installed_as_a_tool()
    {
        Run("", "dotnet", "tool", "install", "Warpline.Cli", "--version", Version, "--tool-path", "tools");
        string info = Run("", PathOf("tools", "warpline"), "info");
        Assert.That(info, Does.Contain(PathOf("tools", ".store")).And.Contain(NativeFolder + NativeFiles[0]));
    }

    /// <summary>
    /// An empty project, a package added to it, and as its program the C# block of the package's README; what the README says
    /// that this prints.
    /// </summary>
    private string MakeProject(string name, string package)
    {
        Directory.CreateDirectory(PathOf(name));
        using (ZipArchive archive = Open(package))
        {
            archive.GetEntry("README.md")!.ExtractToFile(PathOf(name, "README.md"));
        }

        CodeBlock[] blocks = [.. CodeBlock.ReadAll(PathOf(name, "README.md"))];
        Assert.That(blocks.Select(block => block.Language), Is.EqualTo(["csharp", "text"]));
        File.WriteAllText(PathOf(name, "Program.cs"), blocks[0].Text);
        File.WriteAllText(PathOf(name, name + ".csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
            </Project>
            """);
        Run(name, "dotnet", "add", "package", package);
        return blocks[1].Text;
    }

    private string[] Packages() =>
        [.. Directory.GetFiles(Feed, "*.nupkg").Select(file => Path.GetFileName(file)[..^$".{Version}.nupkg".Length])];

    private static string[] Names(ZipArchive archive) => [.. archive.Entries.Select(entry => entry.FullName)];

    private static XElement Nuspec(ZipArchive archive, string package)
    {
        using Stream stream = archive.GetEntry(package + ".nuspec")!.Open();
        return XDocument.Load(stream).Root!.Elements().Single();
    }

    private static (string Name, string Content)[] Entries(string file)
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        return [.. archive.Entries
            .Where(entry => entry.FullName != "_rels/.rels" && !entry.FullName.EndsWith(".psmdcp", StringComparison.Ordinal))
            .Select(entry =>
            {
                using Stream stream = entry.Open();
                return (entry.FullName, Convert.ToHexString(SHA256.HashData(stream)));
            })];
    }

    /// <summary>What objdump says of a native library of the package.</summary>
    private string Objdump(string option, string file)
    {
        string path = PathOf(file);
        using (ZipArchive archive = Open(Native))
        {
            archive.GetEntry(NativeFolder + file)!.ExtractToFile(path, overwrite: true);
        }

        return Run("", "objdump", option, path);
    }

    [GeneratedRegex(@"GLIBC_2\.([0-9]+)")]
    private static partial Regex GlibcVersion();
}
