using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>What values look like: printed as Python's str and repr print them.</summary>
internal static class JinjaPrinting
{
    /// <summary>The text of a value as <c>{{ value }}</c> prints it.</summary>
    public static JinjaText Print(JinjaValue value, JinjaBudget budget)
    {
        if (value is JinjaText text)
        {
            return text;
        }

        var output = new JinjaText.Builder(budget);
        if (value != JinjaValue.Undefined)
        {
            Represent(value, output, budget);
        }

        return output.ToText();
    }

    /// <summary>
    /// A number in JavaScript's notation, which is Python's but for exponents: decimal from 1e-6 to below 1e21, and no zero
    /// before an exponent of one digit.
    /// </summary>
    public static string Print(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        string[] parts = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        string[] mantissa = parts[0].Split('.');
        string digits = string.Concat(mantissa).TrimStart('0');

        // The point stands after so many of these digits.
        int point = digits.Length - (mantissa.Length > 1 ? mantissa[1].Length : 0)
            + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        digits = digits.TrimEnd('0');
        string sign = double.IsNegative(value) ? "-" : "";
        if (digits.Length == 0)
        {
            return sign + "0.0";
        }

        return sign + (point switch
        {
            > 21 or < -5 => digits[..1] + (digits.Length > 1 ? "." + digits[1..] : "") + $"e{point - 1:+0;-0}",
            <= 0 => "0." + new string('0', -point) + digits,
            _ when digits.Length <= point => digits.PadRight(point, '0') + ".0",
            _ => digits[..point] + "." + digits[point..],
        });
    }

    private static void Represent(JinjaValue value, JinjaText.Builder output, JinjaBudget budget)
    {
        budget.Enter();
        switch (value)
        {
            case JinjaText text:
                Quote(text, output);
                break;
            case JinjaList list:
                output.Append(list.IsTuple ? "(" : "[");
                Join(list.Items, item => Represent(item, output, budget), output);
                output.Append(list.IsTuple ? list.Items.Count == 1 ? ",)" : ")" : "]");
                break;
            case JinjaMap map:
                output.Append("{");
                Join(map.Items, item => Pair(item.Key, item.Value), output);
                output.Append("}");
                break;
            case JinjaNamespace space:
                output.Append("<Namespace {");
                Join(space.Attributes, item => Pair(JinjaText.OfTemplate(item.Key), item.Value), output);
                output.Append("}>");
                break;
            default:
                output.Append(value switch
                {
                    JinjaBoolean boolean => boolean.IsTrue ? "True" : "False",
                    JinjaInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
                    JinjaFloat real => Print(real.Value),
                    JinjaFunction function => throw new JinjaFault($"the function {function.Name} is printed, not called"),
                    _ => value == JinjaValue.None ? "None" : "Undefined",
                });
                break;
        }

        budget.Leave();

        void Pair(JinjaValue key, JinjaValue item)
        {
            Represent(key, output, budget);
            output.Append(": ");
            Represent(item, output, budget);
        }
    }

    private static void Join<T>(IEnumerable<T> items, Action<T> write, JinjaText.Builder output)
    {
        string separator = "";
        foreach (T item in items)
        {
            output.Append(separator);
            write(item);
            separator = ", ";
        }
    }

    // Python prefers single quotes and escapes what does not print.
    private static void Quote(JinjaText text, JinjaText.Builder output)
    {
        string quote = text.Value.Contains('\'') && !text.Value.Contains('"') ? "\"" : "'";
        output.Append(quote);
        int plain = 0;
        for (int i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text.Value.AsSpan(i), out Rune rune, out int length);
            if (Escape(rune, quote[0], isValid: rune != Rune.ReplacementChar || text.Value[i] == '\uFFFD', text.Value[i]) is string escape)
            {
                output.Append(text.Slice(plain, i - plain)).Append(escape, text, i);
                plain = i + length;
            }

            i += length;
        }

        output.Append(text.Slice(plain, text.Length - plain)).Append(quote);
    }

    private static string? Escape(Rune rune, char quote, bool isValid, char unit) => rune.Value switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\\' => "\\\\",
        int value when value == quote => "\\" + quote,
        ' ' => null,
        _ when !isValid => $"\\u{(int)unit:x4}",
        _ when Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate) => null,
        < 0x100 => $"\\x{rune.Value:x2}",
        < 0x10000 => $"\\u{rune.Value:x4}",
        _ => $"\\U{rune.Value:x8}",
    };
}
