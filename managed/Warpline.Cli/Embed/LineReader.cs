using System.Runtime.CompilerServices;

namespace Warpline.Cli.Embed;

/// <summary>The lines of a text, one after the other. A wait for input ends when it is cancelled, also where the input's own
/// reading cannot be interrupted.</summary>
internal sealed class LineReader(TextReader input)
{
    /// <summary>The next line, or null at the end.</summary>
    public async ValueTask<string?> NextAsync(CancellationToken cancellation)
    {
        ValueTask<string?> line = input.ReadLineAsync(cancellation);
        return line.IsCompleted
            ? await line.ConfigureAwait(false)
            : await line.AsTask().WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The lines that are left.</summary>
    public async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await NextAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            yield return line;
        }
    }
}
