using System.Reflection;

namespace Warpline.Tests;

/// <summary>
/// Files of the checkout that the tests read. WARPLINE_TEST_ROOT names a folder with tests/golden and samples where the
/// program runs far from the checkout that it was built from.
/// </summary>
internal static class TestData
{
    /// <summary>The checkout.</summary>
    public static string Root { get; } = Environment.GetEnvironmentVariable("WARPLINE_TEST_ROOT")
        ?? typeof(TestData).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "RepositoryRoot").Value!;

    /// <summary>The small trained model.</summary>
    public static string Storyteller { get; } = PathOf("samples/models/storyteller");

    /// <summary>A golden checkpoint's folder.</summary>
    public static string GoldenModel(string name) => PathOf($"tests/golden/models/{name}");

    /// <summary>A golden tokenizer's folder.</summary>
    public static string GoldenTokenizer(string name) => PathOf($"tests/golden/tokenizers/{name}");

    /// <summary>The full path of a file of the checkout.</summary>
    public static string PathOf(string relative) => Path.Combine(Root, relative);
}
