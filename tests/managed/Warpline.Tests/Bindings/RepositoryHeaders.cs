namespace Warpline.Tests.Bindings;

/// <summary>The C headers, where the tests run inside the repository.</summary>
internal static class RepositoryHeaders
{
    /// <summary>The folder, or null where the tests were carried elsewhere as an executable.</summary>
    public static string? Folder
    {
        get
        {
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                string headers = Path.Combine(folder.FullName, "native", "include", "warpline");
                if (Directory.Exists(headers))
                {
                    return headers;
                }
            }

            return null;
        }
    }
}
