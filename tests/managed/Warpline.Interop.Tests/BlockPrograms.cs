using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>Makes programs of code blocks, against what this build made.</summary>
internal static class BlockPrograms
{
    /// <summary>Where this build's assemblies and native libraries lie: beside this program.</summary>
    public static readonly string Built = AppContext.BaseDirectory.TrimEnd('/');

    /// <summary>A project whose program uses this build's assemblies.</summary>
    public static readonly string Project = $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
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
        """;

    /// <summary>Calls dotnet on the project of a folder; the folder inside it with the result.</summary>
    public static string Dotnet(string folder, params string[] arguments)
    {
        string result = Path.Combine(folder, arguments[0]);
        (string log, _, int exit) = ProgramRunner.Run("dotnet", [.. arguments, "-o", result], folder,
            ("ArtifactsPath", ""), ("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"));
        Assert.That(exit, Is.Zero, log);
        return result;
    }

    /// <summary>Compiles a C program into a folder and links it with a native library, warpline or warpline_emu.</summary>
    public static string CompileC(CodeBlock block, string folder, string library = "warpline")
    {
        string source = Path.Combine(folder, "block.c");
        string program = Path.Combine(folder, "block");
        File.WriteAllText(source, block.Text);
        (_, string log, int exit) = ProgramRunner.Run(
            "cc",
            [
                "-std=c99", "-Wall", "-Wextra", "-Werror", "-I", RepositoryFiles.PathOf("native/include"), source,
                "-o", program, "-L", Built, "-l" + library, "-Wl,-rpath," + Built,
            ],
            folder);
        Assert.That(exit, Is.Zero, log);
        return program;
    }

    /// <summary>Runs a program from the checkout, which must succeed and print something; what it printed.</summary>
    public static string Run(string program, IEnumerable<string> arguments, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        (string output, string errors, int exit) = ProgramRunner.Run(program, arguments, RepositoryFiles.Root, environment);
        Assert.That(exit, Is.Zero, errors);
        Assert.That(output, Is.Not.Empty, errors);
        return output;
    }
}
