using System.Globalization;
using System.Text;

namespace Warpline.DemoPicture;

/// <summary>Reads what programs write to a terminal: text, colours, moves of the cursor, erasing. Other sequences are passed
/// over.</summary>
internal sealed class AnsiReader(Screen screen)
{
    private const char Escape = '\u001b';
    private const int TabWidth = 8;

    // A sequence that the last piece began.
    private readonly StringBuilder _sequence = new();
    private CellStyle _style;
    private int _row;
    private int _column;

    /// <summary>Reads a piece of the stream.</summary>
    /// <param name="frame">When it was written.</param>
    /// <param name="text">The piece; may end within a sequence.</param>
    public void Read(int frame, string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (_sequence.Length > 0)
            {
                _sequence.Append(rune);
                if (IsComplete(_sequence))
                {
                    Obey(frame, _sequence.ToString());
                    _sequence.Clear();
                }
            }
            else if (rune.Value == Escape)
            {
                _sequence.Append(Escape);
            }
            else
            {
                Put(frame, rune);
            }
        }
    }

    private void Put(int frame, Rune rune)
    {
        switch (rune.Value)
        {
            case '\n':
                // A terminal's driver adds the return.
                (_row, _column) = (_row + 1, 0);
                screen.Reach(_row - 1);
                break;
            case '\r':
                _column = 0;
                break;
            case '\b':
                _column = Math.Max(0, _column - 1);
                break;
            case '\t':
                _column = Math.Min(screen.Columns - 1, ((_column / TabWidth) + 1) * TabWidth);
                break;
            default:
                if (!Rune.IsControl(rune))
                {
                    if (_column == screen.Columns)
                    {
                        (_row, _column) = (_row + 1, 0);
                    }

                    screen.Put(frame, _row, _column++, rune, _style);
                }

                break;
        }
    }

    // ESC [ ... letter; ESC ] ... BEL or ESC \; ESC ( letter; ESC letter.
    private static bool IsComplete(StringBuilder sequence)
    {
        char kind = sequence[1], last = sequence[^1];
        return kind switch
        {
            '[' => sequence.Length > 2 && last is >= '@' and <= '~',
            ']' => last == '\a' || (last == '\\' && sequence[^2] == Escape),
            '(' or ')' => sequence.Length > 2,
            _ => true,
        };
    }

    private void Obey(int frame, string sequence)
    {
        if (sequence[1] != '[')
        {
            return;
        }

        string body = sequence[2..^1];
        if (body.StartsWith('?'))
        {
            // Private modes, the cursor's visibility for instance.
            return;
        }

        int[] numbers = [.. body.Split(';', ':').Select(text =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? (int)Math.Min(number, int.MaxValue) : 0)];
        int count = Math.Max(1, numbers[0]), last = Math.Max(0, screen.Rows - 1);
        switch (sequence[^1])
        {
            case 'A' or 'F':
                _row = Math.Max(0, _row - count);
                _column = sequence[^1] == 'F' ? 0 : _column;
                break;
            case 'B' or 'E':
                _row = Math.Max(_row, (int)Math.Min((long)_row + count, last));
                _column = sequence[^1] == 'E' ? 0 : _column;
                break;
            case 'C':
                _column = (int)Math.Min((long)_column + count, screen.Columns - 1);
                break;
            case 'D':
                _column = Math.Max(0, _column - count);
                break;
            case 'G':
                _column = Math.Min(count, screen.Columns) - 1;
                break;
            case 'H' or 'f':
                _row = Math.Min(count - 1, last);
                _column = Math.Clamp(numbers.Length > 1 ? numbers[1] : 1, 1, screen.Columns) - 1;
                break;
            case 'J':
                EraseRows(frame, numbers[0]);
                break;
            case 'K':
                screen.Erase(frame, _row, numbers[0] == 0 ? _column : 0, numbers[0] == 1 ? Math.Min(_column + 1, screen.Columns) : screen.Columns);
                break;
            case 'm':
                _style = Restyle(_style, numbers);
                break;
        }
    }

    private void EraseRows(int frame, int which)
    {
        for (int row = 0; row < screen.Rows; row++)
        {
            bool own = row == _row, erased = which switch
            {
                0 => row >= _row,
                1 => row <= _row,
                _ => true,
            };
            if (erased)
            {
                screen.Erase(
                    frame, row, own && which == 0 ? _column : 0, own && which == 1 ? Math.Min(_column + 1, screen.Columns) : screen.Columns);
            }
        }
    }

    private static CellStyle Restyle(CellStyle style, int[] numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            int number = numbers[i];
            style = number switch
            {
                0 => default,
                1 => style with { Bold = true },
                2 => style with { Dim = true },
                3 => style with { Italic = true },
                4 => style with { Underline = true },
                7 => style with { Inverse = true },
                22 => style with { Bold = false, Dim = false },
                23 => style with { Italic = false },
                24 => style with { Underline = false },
                27 => style with { Inverse = false },
                >= 30 and <= 37 => style with { Foreground = number - 30 },
                38 => style with { Foreground = ColorAt(numbers, ref i) },
                39 => style with { Foreground = null },
                >= 40 and <= 47 => style with { Background = number - 40 },
                48 => style with { Background = ColorAt(numbers, ref i) },
                49 => style with { Background = null },
                >= 90 and <= 97 => style with { Foreground = number - 90 + 8 },
                >= 100 and <= 107 => style with { Background = number - 100 + 8 },
                _ => style,
            };
        }

        return style;
    }

    // 5;N or 2;R;G;B after a 38 or 48.
    private static int? ColorAt(int[] numbers, ref int i)
    {
        if (i + 2 < numbers.Length && numbers[i + 1] == 5)
        {
            i += 2;
            return Math.Min(numbers[i], 255);
        }

        if (i + 4 < numbers.Length && numbers[i + 1] == 2)
        {
            i += 4;
            return CellStyle.Rgb | (Math.Min(numbers[i - 2], 255) << 16) | (Math.Min(numbers[i - 1], 255) << 8) | Math.Min(numbers[i], 255);
        }

        return null;
    }
}
