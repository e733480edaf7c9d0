namespace Warpline.Cli;

/// <summary>A file for results, checked before there are any.</summary>
internal static class OutputFile
{
    /// <summary>Finds the file that an option names, behind links: an ordinary one that can be written, or none yet.</summary>
    /// <param name="file">What was given.</param>
    /// <param name="option">The option, for messages.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="IOException">It is a folder, a device or a pipe, its folder does not exist, or it cannot be written.</exception>
    public static string Require(FileInfo file, string option)
    {
        string path = Resolve(file);
        if (Directory.Exists(path))
        {
            throw new IOException($"{option} is {path}, a folder; a file is required.");
        }

        if (Path.GetDirectoryName(path) is string folder && !Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"{option} is {path}; a file in a folder that exists is required.");
        }

        bool exists = File.Exists(path);
        try
        {
            // A pipe would wait for its reader if it were opened for writing alone, and a device has no length that can be set.
            using FileStream probe = new(path, new FileStreamOptions
            {
                Mode = exists ? FileMode.Open : FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite,
                Options = exists ? FileOptions.None : FileOptions.DeleteOnClose,
            });
            if (exists)
            {
                probe.SetLength(probe.Length);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new IOException($"{option} is {path}; an ordinary file that can be written is required: {exception.Message}", exception);
        }

        return path;
    }

    /// <summary>The path behind all links.</summary>
    public static string Resolve(FileInfo file) =>
        file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
}
