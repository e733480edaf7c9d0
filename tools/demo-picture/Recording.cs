using System.Diagnostics;
using System.Text;

namespace Warpline.DemoPicture;

/// <summary>A writer that keeps what is written with its time, and passes it on.</summary>
internal sealed class Recording(TextWriter echo) : TextWriter
{
    /// <summary>Frames a second: finer differences of time are not drawn.</summary>
    public const int FramesPerSecond = 20;

    // Longer pauses are cut to this.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly List<(TimeSpan Time, string Text)> _pieces = [];

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            lock (_pieces)
            {
                _pieces.Add((_watch.Elapsed, value));
                echo.Write(value);
            }
        }
    }

    public override void WriteLine(string? value) => Write(value + "\n");

    public override void WriteLine() => Write("\n");

    /// <summary>What was written, with the frame that it belongs to: from 0 on, never falling.</summary>
    public IEnumerable<(int Frame, string Text)> Frames()
    {
        TimeSpan cut = default, last = default;
        foreach ((TimeSpan time, string text) in _pieces)
        {
            TimeSpan pause = time - last;
            cut += pause > LongestPause ? pause - LongestPause : TimeSpan.Zero;
            last = time;
            yield return ((int)((time - cut).TotalSeconds * FramesPerSecond), text);
        }
    }
}
