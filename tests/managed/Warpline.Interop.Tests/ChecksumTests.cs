using System.Security.Cryptography;
using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>Test data made by others is exactly what was received, and the list of sums names all of it.</summary>
internal sealed class ChecksumTests
{
    private static readonly string[] Folders = ["tests/golden/models", "tests/golden/tokenizers", "samples/models"];

    [Test]
    public void Every_data_file_has_its_listed_sum()
    {
        var listed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(RepositoryFiles.PathOf("tests/golden/SHA256SUMS")))
        {
            string[] parts = line.Split("  ", 2);
            listed.Add(parts[1], parts[0]);
        }

        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string folder in Folders)
        {
            foreach (string file in Directory.EnumerateFiles(RepositoryFiles.PathOf(folder), "*", SearchOption.AllDirectories))
            {
                string name = Path.GetRelativePath(RepositoryFiles.Root, file).Replace('\\', '/');
                found.Add(name, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))));
            }
        }

        Assert.That(found, Is.EquivalentTo(listed));
        Assert.That(found, Is.Not.Empty);
    }
}
