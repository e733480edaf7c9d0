using System.Diagnostics;

namespace Warpline.Cli;

/// <summary>
/// How far long work is: one line on the error stream, drawn anew at most five times a second and wiped at the end. Only for a
/// person who watches that stream and did not ask for quiet; work that is done before the first drawing leaves no trace.
/// </summary>
internal sealed class ProgressLine(Terminal terminal) : IDisposable
{
    private const int _cells = 30;

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(0.2);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly bool _wanted = terminal.ErrorInteractive && !terminal.Quiet;
    private TimeSpan _next = _pause;
    private int _length;

    /// <summary>Draws a text, unless the last drawing is not long ago.</summary>
    public void Show(Func<string> text)
    {
        if (_wanted && _watch.Elapsed >= _next)
        {
            string line = text();
            terminal.Error.Write($"\r{line.PadRight(_length)}");
            (_next, _length) = (_watch.Elapsed + _pause, line.Length);
        }
    }

    /// <summary>Draws a bar.</summary>
    /// <param name="title">What is done.</param>
    /// <param name="done">Which part of it, from 0 to 1.</param>
    /// <param name="note">What follows the bar.</param>
    public void Show(string title, double done, string note = "")
    {
        int filled = (int)(done * _cells);
        Show(() => $"{title} [{new string('#', filled)}{new string('.', _cells - filled)}] {(int)(100 * done),3}% {note}");
    }

    public void Dispose()
    {
        if (_length != 0)
        {
            terminal.Error.Write($"\r{new string(' ', _length)}\r");
            _length = 0;
        }
    }
}
