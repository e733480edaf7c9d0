using System.Text;

namespace Warpline.DemoPicture;

/// <summary>How a character looks. Colours are indices of the terminal's 256, or RGB with <see cref="Rgb"/> added; null is the
/// terminal's own.</summary>
internal readonly record struct CellStyle(
    int? Foreground, int? Background, bool Bold = false, bool Dim = false, bool Italic = false, bool Underline = false, bool Inverse = false)
{
    public const int Rgb = 1 << 24;
}

/// <summary>A character at its place, from a frame on until another; the last ones stay for ever.</summary>
internal sealed record Appearance(int Row, int Column, Rune Glyph, CellStyle Style, int Start)
{
    public const int Never = int.MaxValue;

    public int End { get; set; } = Never;
}

/// <summary>A terminal of fixed width that grows downwards and remembers what every place showed when.</summary>
internal sealed class Screen(int columns)
{
    private readonly List<Appearance?[]> _rows = [];
    private readonly List<Appearance> _all = [];

    public int Columns => columns;

    /// <summary>Rows that were written so far.</summary>
    public int Rows => _rows.Count;

    /// <summary>All that was ever to be seen for a frame at least.</summary>
    public IEnumerable<Appearance> Appearances => _all.Where(item => item.Start < item.End);

    /// <summary>Makes sure that there is such a row.</summary>
    public void Reach(int row)
    {
        while (_rows.Count <= row)
        {
            _rows.Add(new Appearance?[columns]);
        }
    }

    /// <summary>Writes a character.</summary>
    public void Put(int frame, int row, int column, Rune glyph, CellStyle style)
    {
        Reach(row);
        if (_rows[row][column] is not Appearance before || before.Glyph != glyph || before.Style != style)
        {
            Erase(frame, row, column, column + 1);
            _rows[row][column] = new Appearance(row, column, glyph, style, frame);
            _all.Add(_rows[row][column]!);
        }
    }

    /// <summary>Empties places of a row, from a column up to another.</summary>
    public void Erase(int frame, int row, int from, int to)
    {
        for (int column = from; column < to && row < _rows.Count; column++)
        {
            if (_rows[row][column] is Appearance before)
            {
                before.End = frame;
                _rows[row][column] = null;
            }
        }
    }
}
