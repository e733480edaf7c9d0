using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>What loading a checkpoint's folder has in common for all models.</summary>
internal static class CheckpointFiles
{
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static void RequireDirectory(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"{directory}: a checkpoint's folder is required, but there is none of this name.");
        }
    }

    /// <summary>The folder's tokenizer, or why it could not be read; neither where there is none.</summary>
    public static (Tokenizer? Tokenizer, string? Error) LoadTokenizer(string directory) =>
        File.Exists(Path.Combine(directory, HuggingFaceTokenizer.FileName))
            ? OrError(() => HuggingFaceTokenizer.Load(directory))
            : (null, null);

    /// <summary>What not every use of a model needs, or what is wrong with its file.</summary>
    public static (T? Value, string? Error) OrError<T>(Func<T> load)
        where T : class
    {
        try
        {
            return (load(), null);
        }
        catch (InvalidDataException e)
        {
            return (null, e.Message);
        }
    }
}
