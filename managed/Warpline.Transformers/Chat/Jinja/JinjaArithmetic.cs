namespace Warpline.Transformers;

/// <summary>Operators, with Python's rules for types, whole division and remainders.</summary>
internal static class JinjaArithmetic
{
    public static JinjaValue Sign(bool negates, JinjaValue value) => value switch
    {
        JinjaFloat real => new JinjaFloat(negates ? -real.Value : real.Value),
        _ when JinjaEquality.Integer(value) is long whole and > long.MinValue => new JinjaInteger(negates ? -whole : whole),
        _ => throw new JinjaFault($"a value of type {value.TypeName} has a sign; a number is required"),
    };

    public static JinjaValue Apply(string name, JinjaValue left, JinjaValue right, JinjaBudget budget)
    {
        switch (name, left, right)
        {
            case ("~", _, _):
                return Join(JinjaPrinting.Print(left, budget), JinjaPrinting.Print(right, budget), budget);
            case ("+", JinjaText a, JinjaText b):
                return Join(a, b, budget);
            case ("+", JinjaList a, JinjaList b) when a.IsTuple == b.IsTuple:
                budget.Steps(a.Items.Count + b.Items.Count);
                return new JinjaList([.. a.Items, .. b.Items], a.IsTuple);
            case ("*", JinjaText or JinjaList, _) when JinjaEquality.Integer(right) is long count:
                return Repeat(left, count, budget);
            case ("*", _, JinjaText or JinjaList) when JinjaEquality.Integer(left) is long count:
                return Repeat(right, count, budget);
        }

        try
        {
            if (name != "/" && JinjaEquality.Integer(left) is long i && JinjaEquality.Integer(right) is long j && (name != "**" || j >= 0))
            {
                return new JinjaInteger(Whole(name, i, j));
            }
        }
        catch (OverflowException)
        {
            throw new JinjaFault($"the result of {name} does not fit into 64 bits");
        }

        return JinjaEquality.Number(left) is double x && JinjaEquality.Number(right) is double y
            ? new JinjaFloat(Real(name, x, y))
            : throw new JinjaFault($"{name} does not take {left.TypeName} and {right.TypeName}");
    }

    public static bool Compare(string name, JinjaValue left, JinjaValue right, JinjaBudget budget) => name switch
    {
        "==" => JinjaEquality.Equal(left, right, budget),
        "!=" => !JinjaEquality.Equal(left, right, budget),
        "in" => Contains(right, left, budget),
        "not in" => !Contains(right, left, budget),
        "<" => JinjaEquality.Compare(left, right, budget) < 0,
        "<=" => JinjaEquality.Compare(left, right, budget) <= 0,
        ">" => JinjaEquality.Compare(left, right, budget) > 0,
        ">=" => JinjaEquality.Compare(left, right, budget) >= 0,
        _ => throw new InvalidOperationException($"No comparison {name}."),
    };

    public static bool Contains(JinjaValue container, JinjaValue item, JinjaBudget budget)
    {
        switch (container)
        {
            case JinjaText text:
                string part = JinjaArguments.Text(item, "in").Value;
                budget.Scan(text.Length, part.Length);
                return text.Value.Contains(part, StringComparison.Ordinal);
            case JinjaList list:
                return list.Items.Any(other => JinjaEquality.Equal(item, other, budget));
            case JinjaMap map:
                return map.Get(item, budget) != JinjaValue.Undefined;
            default:
                return container == JinjaValue.Undefined ? false : throw new JinjaFault($"a value of type {container.TypeName} has no items");
        }
    }

    private static JinjaText Join(JinjaText left, JinjaText right, JinjaBudget budget) =>
        new JinjaText.Builder(budget).Append(left).Append(right).ToText();

    private static JinjaValue Repeat(JinjaValue value, long count, JinjaBudget budget)
    {
        // Bounded before the multiplication, so that it cannot overflow.
        count = Math.Clamp(count, 0, JinjaBudget.MaxSteps + 1L);
        budget.Steps(count);
        if (value is JinjaText text)
        {
            JinjaText.Builder output = new(budget);
            for (long i = 0; i < count && text.Length > 0; i++)
            {
                output.Append(text);
            }

            return output.ToText();
        }

        var list = (JinjaList)value;
        budget.Steps(count * list.Items.Count);
        return new JinjaList([.. Enumerable.Repeat(list.Items, (int)count).SelectMany(items => items)], list.IsTuple);
    }

    private static long Whole(string name, long left, long right)
    {
        checked
        {
            switch (name)
            {
                case "+":
                    return left + right;
                case "-":
                    return left - right;
                case "*":
                    return left * right;
                case "**":
                    return Power(left, right);
                default:
                    if (right == 0)
                    {
                        throw new JinjaFault("a division by 0");
                    }

                    // Rounded down, not towards 0; the remainder has the divisor's sign. -1 apart: long.MinValue % -1 throws.
                    long remainder = right == -1 ? 0 : left % right;
                    bool apart = remainder != 0 && remainder < 0 != right < 0;
                    return name == "%" ? remainder + (apart ? right : 0) : (left / right) - (apart ? 1 : 0);
            }
        }
    }

    private static long Power(long value, long exponent)
    {
        long result = 1;
        if (value is 0 or 1 or -1)
        {
            return exponent == 0 ? 1 : value * (value == -1 && exponent % 2 == 0 ? -1 : 1);
        }

        for (; exponent > 0; exponent--)
        {
            result = checked(result * value);
        }

        return result;
    }

    private static double Real(string name, double left, double right) => name switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "**" => Math.Pow(left, right),
        _ when right == 0 => throw new JinjaFault("a division by 0"),
        "/" => left / right,
        "//" => Math.Floor(left / right),
        _ => left - (right * Math.Floor(left / right)),
    };
}
