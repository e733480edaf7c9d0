using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Warpline.Cli.Embed;

/// <summary>
/// The lines of a text, one after the other, as <see cref="TextReader.ReadLine"/> has them but for their length, which is bounded. A
/// wait for input ends when it is cancelled, also where the input's own reading cannot be interrupted.
/// </summary>
internal sealed class LineReader(TextReader input)
{
    /// <summary>Characters that a line may have.</summary>
    public const int MaxLength = 1 << 24;

    private readonly char[] _buffer = new char[1 << 13];
    private readonly StringBuilder _line = new();
    private int _next, _end;
    private long _lines;
    private bool _afterReturn;

    /// <summary>The next line, or null at the end.</summary>
    /// <exception cref="InvalidDataException">The line has more than <see cref="MaxLength"/> characters.</exception>
    public async ValueTask<string?> NextAsync(CancellationToken cancellation)
    {
        _line.Clear();
        while (await FillAsync(cancellation).ConfigureAwait(false))
        {
            if (_afterReturn && _buffer[_next] == '\n')
            {
                _next++;
                _afterReturn = false;
                continue;
            }

            _afterReturn = false;
            int length = _buffer.AsSpan(_next, _end - _next).IndexOfAny('\r', '\n');
            bool ends = length >= 0;
            length = ends ? length : _end - _next;
            if (_line.Length + length > MaxLength)
            {
                throw new InvalidDataException(string.Create(
                    CultureInfo.InvariantCulture, $"Line {_lines + 1} of the input has more than {MaxLength} characters, the most that are taken."));
            }

            _line.Append(_buffer, _next, length);
            _next += length;
            if (ends)
            {
                _afterReturn = _buffer[_next++] == '\r';
                _lines++;
                return _line.ToString();
            }
        }

        return _line.Length == 0 ? null : _line.ToString();
    }

    /// <summary>The lines that are left.</summary>
    public async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (await NextAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            yield return line;
        }
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        if (_next < _end)
        {
            return true;
        }

        ValueTask<int> read = input.ReadAsync(_buffer.AsMemory(), cancellation);
        _next = 0;
        _end = read.IsCompleted
            ? await read.ConfigureAwait(false)
            : await read.AsTask().WaitAsync(cancellation).ConfigureAwait(false);
        return _end > 0;
    }
}
