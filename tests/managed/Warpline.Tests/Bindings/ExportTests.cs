using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Warpline.Native;

namespace Warpline.Tests.Bindings;

/// <summary>The list of exports that the loader asks for is the list of functions that the binding imports and the headers
/// declare.</summary>
[TestFixture]
public sealed class ExportTests
{
    [Test]
    public void The_loader_asks_for_every_function_that_is_imported()
    {
        const BindingFlags all = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        string?[] imported =
        [
            .. typeof(NativeMethods).GetMethods(all).Select(method => method.GetCustomAttribute<DllImportAttribute>()?.EntryPoint)
                .Where(name => name is not null),
        ];
        Assert.That(imported, Is.EquivalentTo(NativeMethods.Exports));
    }

    [Test]
    public void The_binding_imports_every_function_of_the_headers()
    {
        string? folder = RepositoryHeaders.Folder;
        if (folder is null)
        {
            // Carried as an executable, the tests have no headers beside them; the library itself was checked at load.
            Assert.That(WarplineLibrary.TryLoad(out string? reason), Is.True, reason);
            return;
        }

        IEnumerable<string> declared = Directory.GetFiles(folder, "*.h")
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), @"^WL_API\s[^;(]*?\b(wl_\w+)\(", RegexOptions.Multiline))
            .Select(match => match.Groups[1].Value);
        Assert.That(declared, Is.EquivalentTo(NativeMethods.Exports));
    }
}
