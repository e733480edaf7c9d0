namespace Warpline.Extensions.AI;

/// <summary>The name of a model that was loaded from a folder.</summary>
internal static class FolderName
{
    public static string Of(string directory) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
}
