namespace Warpline.Transformers;

/// <summary>The filter <c>tojson</c>, with the defaults that transformers gives it: no ASCII escapes, ", " and ": ".</summary>
internal static class JinjaJson
{
    private const int MaxIndent = 64;

    public static JinjaText Filter(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments)
    {
        JinjaValue?[] given = arguments.Bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        int? indent = given[1] is null || given[1] == JinjaValue.None ? null : JinjaArguments.Integer(given[1]!, "tojson");
        if (indent is < 0 or > MaxIndent)
        {
            throw new JinjaFault($"tojson got the indent {indent}; 0 to {MaxIndent} is required");
        }

        (JinjaText item, JinjaText key) = given[2] switch
        {
            JinjaList { Items: [JinjaText first, JinjaText second] } => (first, second),
            null => Default(),
            JinjaValue other when other == JinjaValue.None => Default(),
            _ => throw new JinjaFault("tojson got separators that are not two strings"),
        };
        var output = renderer.NewText();
        new Writer(renderer, output, given[0] is { IsTrue: true }, indent, item, key, given[3] is { IsTrue: true }).Write(value, 0);
        return output.ToText();

        (JinjaText, JinjaText) Default() => (JinjaText.OfTemplate(indent is null ? ", " : ","), JinjaText.OfTemplate(": "));
    }

    /// <summary>Writes a text with other texts for some of its characters.</summary>
    public static void Replace(JinjaText text, JinjaText.Builder output, Func<char, string?> replacement)
    {
        int plain = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (replacement(text.Value[i]) is string other)
            {
                output.Append(text.Slice(plain, i - plain)).Append(other, text, i);
                plain = i + 1;
            }
        }

        output.Append(text.Slice(plain, text.Length - plain));
    }

    private sealed class Writer(
        JinjaRenderer renderer, JinjaText.Builder output, bool ascii, int? indent, JinjaText itemSeparator, JinjaText keySeparator, bool sorts)
    {
        public void Write(JinjaValue value, int depth)
        {
            renderer.Budget.Enter();
            switch (value)
            {
                case JinjaText text:
                    Write(text);
                    break;
                case JinjaList list:
                    Write("[", "]", list.Items, item => Write(item, depth + 1), depth);
                    break;
                case JinjaMap map:
                    IEnumerable<KeyValuePair<JinjaValue, JinjaValue>> items = sorts
                        ? map.Items.OrderBy(item => Key(item.Key).Value, StringComparer.Ordinal)
                        : map.Items;
                    Write("{", "}", [.. items], item =>
                    {
                        Write(Key(item.Key));
                        output.Append(keySeparator);
                        Write(item.Value, depth + 1);
                    }, depth);
                    break;
                case JinjaBoolean boolean:
                    output.Append(boolean.IsTrue ? "true" : "false");
                    break;
                case JinjaInteger or JinjaFloat:
                    output.Append(JinjaPrinting.Print(value, renderer.Budget));
                    break;
                default:
                    // Undefined too, as npm's engine has it; Python's refuses.
                    output.Append(value == JinjaValue.None || value == JinjaValue.Undefined
                        ? "null"
                        : throw new JinjaFault($"tojson got a value of type {value.TypeName}"));
                    break;
            }

            renderer.Budget.Leave();
        }

        private void Write<T>(string begin, string end, IReadOnlyList<T> items, Action<T> write, int depth)
        {
            output.Append(begin);
            for (int i = 0; i < items.Count; i++)
            {
                output.Append(i > 0 ? itemSeparator : JinjaText.Empty);
                BreakLine(depth + 1);
                write(items[i]);
            }

            if (items.Count > 0)
            {
                BreakLine(depth);
            }

            output.Append(end);
        }

        private void BreakLine(int depth)
        {
            if (indent is int width)
            {
                output.Append("\n" + new string(' ', width * depth));
            }
        }

        private void Write(JinjaText text)
        {
            output.Append("\"");
            Replace(text, output, Escape);
            output.Append("\"");
        }

        private string? Escape(char character) => character switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\f' => "\\f",
            '\b' => "\\b",
            < ' ' => $"\\u{(int)character:x4}",
            > '~' when ascii => $"\\u{(int)character:x4}",
            _ => null,
        };

        private JinjaText Key(JinjaValue key) => key switch
        {
            JinjaText text => text,
            JinjaBoolean boolean => JinjaText.OfTemplate(boolean.IsTrue ? "true" : "false"),
            _ => key == JinjaValue.None ? JinjaText.OfTemplate("null") : JinjaPrinting.Print(key, renderer.Budget),
        };
    }
}
