using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>Packages of npm that tests compare with, in a folder below the build folder.</summary>
internal static class NpmPackages
{
    /// <summary>Gets packages; where they cannot be had, the test that asks is skipped with the reason.</summary>
    /// <param name="name">The name of the folder below <c>build/npm</c>.</param>
    /// <param name="packages">The packages, each with its version.</param>
    /// <returns>The folder whose node_modules holds them.</returns>
    public static string Get(string name, params string[] packages)
    {
        string folder = RepositoryFiles.PathOf($"build/npm/{name}");
        (_, string errors, int exit) = ProgramRunner.Run(
            "bash", [RepositoryFiles.PathOf("tools/npm-oracles.sh"), folder, .. packages], RepositoryFiles.Root);
        if (exit == 3)
        {
            Assert.Ignore(errors.Trim());
        }

        Assert.That(exit, Is.Zero, errors);
        return folder;
    }
}
