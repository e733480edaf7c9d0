namespace Warpline.Transformers;

/// <summary>
/// Cuts a template into tokens, with Jinja's rules for whitespace as transformers sets them: <c>trim_blocks</c> (a line break
/// after a block goes), <c>lstrip_blocks</c> (blanks before a block that begins a line go), and the signs - and + in tags.
/// </summary>
internal sealed class JinjaLexer(string source)
{
    private static readonly string[] Operators =
    [
        "**", "//", "==", "!=", "<=", ">=",
        "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|",
    ];

    private readonly List<JinjaToken> _tokens = [];
    private int _position;

    // Whether what was read last ends a line, so that blanks after it begin one.
    private bool _lineBegins = true;

    public List<JinjaToken> Read()
    {
        while (_position < source.Length)
        {
            int open = FindOpening(_position);
            AddText(_position, open);
            if (open == source.Length)
            {
                break;
            }

            _position = open + 2;
            if (At(_position, '-') || At(_position, '+'))
            {
                _position++;
            }

            if (source[open + 1] == '#')
            {
                int close = source.IndexOf("#}", _position, StringComparison.Ordinal);
                char sign = close > _position ? source[close - 1] : '\0';
                _position = close < 0 ? throw new JinjaFault("the comment is not closed", open) : close;
                SkipClosing(sign, trims: true);
            }
            else if (source[open + 1] == '{')
            {
                ReadTag(open, JinjaTokenKind.PrintBegin, JinjaTokenKind.PrintEnd, '}');
            }
            else if (!TryReadRaw())
            {
                ReadTag(open, JinjaTokenKind.BlockBegin, JinjaTokenKind.BlockEnd, '%');
            }
        }

        Add(JinjaTokenKind.End, "", source.Length);
        return _tokens;
    }

    private bool At(int position, char character) => position < source.Length && source[position] == character;

    private void Add(JinjaTokenKind kind, string text, int offset) => _tokens.Add(new JinjaToken(kind, text, offset));

    private int FindOpening(int from)
    {
        for (int i = from; ; i++)
        {
            i = source.IndexOf('{', i);
            if (i < 0 || i == source.Length - 1)
            {
                return source.Length;
            }

            if (source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }
    }

    /// <summary>Adds the text before a tag, without the blanks that the tag takes.</summary>
    private void AddText(int start, int open)
    {
        int end = open;
        if (At(open + 2, '-') && open < source.Length)
        {
            while (end > start && JinjaCharacters.IsSpace(source[end - 1]))
            {
                end--;
            }
        }
        else if (open < source.Length && source[open + 1] != '{' && !At(open + 2, '+'))
        {
            int blanks = open;
            while (blanks > start && source[blanks - 1] != '\n' && JinjaCharacters.IsSpace(source[blanks - 1]))
            {
                blanks--;
            }

            end = blanks > start ? source[blanks - 1] == '\n' ? blanks : open : _lineBegins ? start : open;
        }

        if (end > start)
        {
            Add(JinjaTokenKind.Text, source[start..end], start);
        }
    }

    /// <summary>Goes past the end of a tag, which stands at the position, and what it takes with it.</summary>
    private void SkipClosing(char sign, bool trims)
    {
        _position += 2;
        if (sign == '-')
        {
            while (_position < source.Length && JinjaCharacters.IsSpace(source[_position]))
            {
                _position++;
            }
        }
        else if (trims && sign != '+' && At(_position, '\n'))
        {
            _position++;
        }

        _lineBegins = source[_position - 1] == '\n';
    }

    private void ReadTag(int open, JinjaTokenKind begin, JinjaTokenKind end, char closing)
    {
        Add(begin, source.Substring(open, 2), open);
        for (int brackets = 0; ;)
        {
            while (_position < source.Length && JinjaCharacters.IsSpace(source[_position]))
            {
                _position++;
            }

            if (_position == source.Length)
            {
                throw new JinjaFault("the tag is not closed", open);
            }

            char current = source[_position];
            bool signed = current == '-' || (current == '+' && closing == '%');
            int close = _position + (signed ? 1 : 0);
            if (brackets == 0 && At(close, closing) && At(close + 1, '}'))
            {
                Add(end, closing + "}", close);
                _position = close;
                SkipClosing(signed ? current : '\0', trims: closing == '%');
                return;
            }

            brackets += current is '(' or '[' or '{' ? 1 : current is ')' or ']' or '}' && brackets > 0 ? -1 : 0;
            ReadToken(current);
        }
    }

    private void ReadToken(char current)
    {
        int start = _position;
        if (char.IsLetter(current) || current == '_')
        {
            _position = End(start, character => char.IsLetterOrDigit(character) || character == '_');
            Add(JinjaTokenKind.Name, source[start.._position], start);
        }
        else if (char.IsAsciiDigit(current))
        {
            ReadNumber(start);
        }
        else if (current is '"' or '\'')
        {
            int end = start + 1;
            while (end < source.Length && source[end] != current)
            {
                end += source[end] == '\\' ? 2 : 1;
            }

            _position = end < source.Length ? end + 1 : throw new JinjaFault("the string is not closed", start);
            Add(JinjaTokenKind.String, JinjaCharacters.Unescape(source.AsSpan(start + 1, end - start - 1), start + 1), start);
        }
        else
        {
            string found = Operators.FirstOrDefault(text => source.AsSpan(start).StartsWith(text))
                ?? throw new JinjaFault($"the character '{current}' does not belong in a tag", start);
            _position += found.Length;
            Add(JinjaTokenKind.Operator, found, start);
        }
    }

    private void ReadNumber(int start)
    {
        _position = End(start, IsDigit);
        bool real = false;
        if (At(_position, '.') && _position + 1 < source.Length && char.IsAsciiDigit(source[_position + 1]))
        {
            real = true;
            _position = End(_position + 1, IsDigit);
        }

        int exponent = At(_position, 'e') || At(_position, 'E') ? _position + 1 : source.Length;
        exponent += At(exponent, '+') || At(exponent, '-') ? 1 : 0;
        if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
        {
            real = true;
            _position = End(exponent, IsDigit);
        }

        Add(real ? JinjaTokenKind.Float : JinjaTokenKind.Integer, source[start.._position].Replace("_", "", StringComparison.Ordinal), start);
    }

    private static bool IsDigit(char character) => char.IsAsciiDigit(character) || character == '_';

    private int End(int position, Func<char, bool> belongs)
    {
        while (position < source.Length && belongs(source[position]))
        {
            position++;
        }

        return position;
    }

    /// <summary>Reads a raw block whole, if the block that was opened is one: its content is text.</summary>
    private bool TryReadRaw()
    {
        int name = End(_position, JinjaCharacters.IsSpace);
        int close = End(name + 3, JinjaCharacters.IsSpace);
        if (!source.AsSpan(Math.Min(name, source.Length)).StartsWith("raw") || !ClosesAt(close, out int signs))
        {
            return false;
        }

        int open = name;
        bool strips = At(close, '-');
        _position = close + signs + 2;
        _position = strips ? End(_position, JinjaCharacters.IsSpace) : _position;
        _lineBegins = false;
        for (int tag = _position; ; tag++)
        {
            tag = source.IndexOf("{%", tag, StringComparison.Ordinal);
            if (tag < 0)
            {
                throw new JinjaFault("the raw block is not closed", open);
            }

            int end = End(tag + 2 + (At(tag + 2, '-') || At(tag + 2, '+') ? 1 : 0), JinjaCharacters.IsSpace);
            close = End(end + 6, JinjaCharacters.IsSpace);
            if (source.AsSpan(end).StartsWith("endraw") && ClosesAt(close, out signs))
            {
                AddText(_position, tag);
                _position = close + signs;
                SkipClosing(signs > 0 ? source[close] : '\0', trims: true);
                return true;
            }
        }
    }

    private bool ClosesAt(int position, out int signs)
    {
        signs = At(position, '-') || At(position, '+') ? 1 : 0;
        return At(position + signs, '%') && At(position + signs + 1, '}');
    }
}
