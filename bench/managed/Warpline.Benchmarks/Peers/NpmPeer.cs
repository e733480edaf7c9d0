using System.Diagnostics;

namespace Warpline.Benchmarks.Peers;

/// <summary>llama.cpp as npm serves it, compiled for many processors; it picks the fastest that this one has.</summary>
internal static class NpmPeer
{
    public const string Version = "3.22.1";

    /// <summary>Gets the package, once.</summary>
    /// <param name="root">The repository.</param>
    /// <returns>The folder of its libraries, or null and why.</returns>
    public static (string? Folder, string Reason) Get(string root)
    {
        string folder = Path.Combine(root, "build/npm-bench");
        ProcessStartInfo start = new("bash", [Path.Combine(root, "tools/oracles/npm.sh"), folder, $"@node-llama-cpp/linux-x64@{Version}"])
        {
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? (Path.Combine(folder, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64"), "")
            : (null, errors.Trim());
    }
}
