using System.Runtime.CompilerServices;
using System.Text;

namespace Warpline.Cli.Embed;

/// <summary>The lines of a text in UTF-8, one after the other; bytes that are none become U+FFFD. A wait for input ends when it is
/// cancelled, also where the input's own reading cannot be interrupted.</summary>
internal sealed class LineReader(Stream input) : IDisposable
{
    private const int _bufferBytes = 64 * 1024;

    private readonly StreamReader _reader = new(input, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, _bufferBytes);

    /// <summary>The next line, or null at the end.</summary>
    public async ValueTask<string?> NextAsync(CancellationToken cancellation)
    {
        ValueTask<string?> line = _reader.ReadLineAsync(cancellation);
        return line.IsCompleted
            ? await line.ConfigureAwait(false)
            : await line.AsTask().WaitAsync(cancellation).ConfigureAwait(false);
    }

    public void Dispose() => _reader.Dispose();

    /// <summary>The lines that are left.</summary>
    public async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await NextAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            yield return line;
        }
    }
}
