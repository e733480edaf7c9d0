namespace Warpline.Cli.Embed;

/// <summary>A file of vectors that is written row by row and can be continued where its complete rows end.</summary>
internal abstract class EmbeddingFile : IDisposable
{
    /// <summary>What to do about a file that holds something else.</summary>
    public const string Remedy = "give another --output, or --overwrite to begin anew.";

    private const int _bufferBytes = 1 << 20;

    protected EmbeddingFile(string path, FileStream stream, int dimensions) => (Path, File, Dimensions) = (path, stream, dimensions);

    public string Path { get; }

    /// <summary>Complete rows.</summary>
    public long Rows { get; protected set; }

    protected FileStream File { get; }

    protected int Dimensions { get; }

    /// <summary>Opens a file of the kind that its name says and finds its complete rows.</summary>
    /// <exception cref="InvalidDataException">It holds something else.</exception>
    public static EmbeddingFile Open(string path, int dimensions, bool overwrite)
    {
        FileStream stream = new(
            path, overwrite ? FileMode.Create : FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, _bufferBytes);
        try
        {
            return path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)
                ? new NpyFile(path, stream, dimensions)
                : new JsonLinesFile(path, stream, dimensions);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Cuts off what is behind the last complete row; rows follow.</summary>
    public abstract void Continue();

    public abstract void Write(ReadOnlySpan<float> row);

    /// <summary>Makes the file whole.</summary>
    public abstract void Complete();

    /// <summary>Holds a row to what is expected, bit for bit.</summary>
    /// <exception cref="InvalidDataException">It is another.</exception>
    public void Verify(long row, ReadOnlySpan<float> expected)
    {
        float[] stored = Read(row);
        for (int i = 0; i < stored.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(stored[i]) != BitConverter.SingleToInt32Bits(expected[i]))
            {
                throw Other($"row {row} is not what this model and these options give for line {row + 1} of the input");
            }
        }
    }

    public void Dispose() => File.Dispose();

    /// <summary>The first row or the last, before anything is written.</summary>
    protected abstract float[] Read(long row);

    protected InvalidDataException Other(string what) => new($"{Path}: {what}; {Remedy}");
}
