using System.Globalization;

namespace Warpline.Transformers;

/// <summary>Parses expressions. From loose to tight: if, or, and, not, comparison, + -, ~, * / // %, **, sign, filter and test.</summary>
internal sealed class JinjaExpressionParser(JinjaTokens tokens)
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];
    private static readonly string[] Products = ["*", "/", "//", "%"];

    // Names that do not begin the argument of a test: x is defined and y.
    private static readonly string[] AfterTest = ["and", "or", "if", "else", "in", "is", "not"];

    /// <summary>Parses one expression, or a tuple without parentheses.</summary>
    public JinjaExpression ParseTuple(bool allowsCondition = true)
    {
        JinjaExpression first = Parse(allowsCondition);
        if (!tokens.IsOperator(","))
        {
            return first;
        }

        List<JinjaExpression> items = [first];
        while (tokens.TryTakeOperator(",") && !EndsTuple())
        {
            items.Add(Parse(allowsCondition));
        }

        return tokens.Node(new JinjaListLiteral(items, IsTuple: true, first.Offset));
    }

    /// <summary>Parses one expression.</summary>
    /// <param name="allowsCondition">Whether "a if b" is part of it; not in the head of a loop, where the if filters.</param>
    public JinjaExpression Parse(bool allowsCondition = true)
    {
        tokens.Enter();
        JinjaExpression value = ParseOr();
        if (allowsCondition && tokens.Current is var at && tokens.TryTakeName("if"))
        {
            JinjaExpression condition = ParseOr();
            value = tokens.Node(new JinjaConditional(condition, value, tokens.TryTakeName("else") ? Parse() : null, at.Offset));
        }

        tokens.Leave();
        return value;
    }

    /// <summary>Parses the name and the arguments of filters, each after its |.</summary>
    public JinjaExpression? ParseFilters(JinjaExpression? value)
    {
        while (tokens.TryTakeOperator("|"))
        {
            value = ParseFilter(value);
        }

        return value;
    }

    /// <summary>Parses the name and the arguments of one filter.</summary>
    public JinjaFilter ParseFilter(JinjaExpression? value)
    {
        JinjaToken name = tokens.Expect(JinjaTokenKind.Name, "the name of a filter");
        JinjaArgumentList arguments = tokens.TryTakeOperator("(") ? ParseArguments() : JinjaArgumentList.Empty;
        return tokens.Node(new JinjaFilter(value, name.Text, arguments, name.Offset));
    }

    /// <summary>Parses a name with what follows it: attributes, subscripts and calls.</summary>
    public JinjaExpression ParsePrimary()
    {
        JinjaExpression value = ParseAtom();
        while (true)
        {
            int offset = tokens.Current.Offset;
            if (tokens.TryTakeOperator("."))
            {
                value = ParseAttribute(value);
            }
            else if (tokens.TryTakeOperator("["))
            {
                value = ParseSubscript(value, offset);
            }
            else if (tokens.TryTakeOperator("("))
            {
                value = tokens.Node(new JinjaCall(value, ParseArguments(), offset));
            }
            else
            {
                return value;
            }
        }
    }

    private JinjaExpression ParseOr() => ParseLogic("or", () => ParseLogic("and", ParseNot));

    private JinjaExpression ParseLogic(string word, Func<JinjaExpression> operand)
    {
        JinjaExpression value = operand();
        while (tokens.Current is var at && tokens.TryTakeName(word))
        {
            value = tokens.Node(new JinjaLogic(word == "and", value, operand(), at.Offset));
        }

        return value;
    }

    private JinjaExpression ParseNot()
    {
        int offset = tokens.Current.Offset;
        if (!tokens.TryTakeName("not"))
        {
            return ParseComparison();
        }

        tokens.Enter();
        JinjaExpression value = ParseNot();
        tokens.Leave();
        return tokens.Node(new JinjaNot(value, offset));
    }

    private JinjaExpression ParseComparison()
    {
        JinjaExpression first = ParseSum();
        int offset = tokens.Current.Offset;
        List<(string, JinjaExpression)> rest = [];
        while (true)
        {
            string? found = null;
            if (tokens.Current.Kind == JinjaTokenKind.Operator && Comparisons.Contains(tokens.Current.Text))
            {
                found = tokens.Take().Text;
            }
            else if (tokens.TryTakeName("in"))
            {
                found = "in";
            }
            else if (tokens.IsName("not") && tokens.Next.Is(JinjaTokenKind.Name, "in"))
            {
                tokens.Take();
                tokens.Take();
                found = "not in";
            }

            if (found is null)
            {
                return rest.Count == 0 ? first : tokens.Node(new JinjaComparison(first, rest, offset));
            }

            rest.Add((found, ParseSum()));
        }
    }

    private JinjaExpression ParseSum() => ParseBinary(["+", "-"], () => ParseBinary(["~"], () => ParseBinary(Products, ParsePower)));

    private JinjaExpression ParsePower() => ParseBinary(["**"], () => ParseSigned(filters: true));

    private JinjaExpression ParseBinary(string[] operators, Func<JinjaExpression> operand)
    {
        JinjaExpression value = operand();
        while (tokens.Current is { Kind: JinjaTokenKind.Operator } at && operators.Contains(at.Text))
        {
            tokens.Take();
            value = tokens.Node(new JinjaBinary(at.Text, value, operand(), at.Offset));
        }

        return value;
    }

    private JinjaExpression ParseSigned(bool filters)
    {
        JinjaToken at = tokens.Current;
        JinjaExpression value;
        if (tokens.TryTakeOperator("-") || tokens.TryTakeOperator("+"))
        {
            tokens.Enter();
            value = tokens.Node(new JinjaSign(ParseSigned(filters: false), at.Text == "-", at.Offset));
            tokens.Leave();
        }
        else
        {
            value = ParsePrimary();
        }

        return filters ? ParseFiltersAndTests(value) : value;
    }

    private JinjaExpression ParseFiltersAndTests(JinjaExpression value)
    {
        while (true)
        {
            value = ParseFilters(value)!;
            int offset = tokens.Current.Offset;
            if (!tokens.TryTakeName("is"))
            {
                return value;
            }

            bool negates = tokens.TryTakeName("not");
            string name = tokens.Expect(JinjaTokenKind.Name, "the name of a test").Text;
            value = tokens.Node(new JinjaTest(value, name, ParseTestArguments(), offset));
            value = negates ? tokens.Node(new JinjaNot(value, offset)) : value;
        }
    }

    private JinjaArgumentList ParseTestArguments()
    {
        if (tokens.TryTakeOperator("("))
        {
            return ParseArguments();
        }

        bool follows = tokens.Current.Kind switch
        {
            JinjaTokenKind.Name => !AfterTest.Contains(tokens.Current.Text),
            JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float => true,
            _ => tokens.IsOperator("[") || tokens.IsOperator("{"),
        };
        return follows ? new JinjaArgumentList([ParsePrimary()], [], null, null) : JinjaArgumentList.Empty;
    }

    private JinjaExpression ParseAttribute(JinjaExpression value)
    {
        JinjaToken name = tokens.Take();
        return name.Kind switch
        {
            JinjaTokenKind.Name => tokens.Node(new JinjaAttribute(value, name.Text, name.Offset)),
            JinjaTokenKind.Integer => tokens.Node(new JinjaSubscript(value, Integer(name), name.Offset)),
            _ => throw new JinjaFault("the name of an attribute is required", name.Offset),
        };
    }

    private JinjaExpression ParseSubscript(JinjaExpression value, int offset)
    {
        JinjaExpression? start = tokens.IsOperator(":") ? null : ParseTuple();
        if (tokens.TryTakeOperator("]"))
        {
            return tokens.Node(new JinjaSubscript(value, start!, offset));
        }

        tokens.ExpectOperator(":");
        JinjaExpression? stop = tokens.IsOperator(":") || tokens.IsOperator("]") ? null : Parse();
        JinjaExpression? step = tokens.TryTakeOperator(":") && !tokens.IsOperator("]") ? Parse() : null;
        tokens.ExpectOperator("]");
        return tokens.Node(new JinjaSlice(value, start, stop, step, offset));
    }

    private JinjaArgumentList ParseArguments()
    {
        List<JinjaExpression> positional = [];
        List<(string, JinjaExpression)> named = [];
        JinjaExpression? spread = null, namedSpread = null;
        while (!tokens.TryTakeOperator(")"))
        {
            if (tokens.TryTakeOperator("**"))
            {
                namedSpread = namedSpread is null ? Parse() : throw tokens.Unexpected("one ** at most");
            }
            else if (tokens.TryTakeOperator("*"))
            {
                spread = spread is null ? Parse() : throw tokens.Unexpected("one * at most");
            }
            else if (tokens.Current.Kind == JinjaTokenKind.Name && tokens.Next.Is(JinjaTokenKind.Operator, "="))
            {
                string name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, Parse()));
            }
            else if (named.Count > 0 || namedSpread is not null)
            {
                throw tokens.Unexpected("a named argument, after the first of them,");
            }
            else
            {
                positional.Add(Parse());
            }

            if (!tokens.IsOperator(")"))
            {
                tokens.ExpectOperator(",");
            }
        }

        return new JinjaArgumentList(positional, named, spread, namedSpread);
    }

    private JinjaExpression ParseAtom()
    {
        JinjaToken token = tokens.Take();
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                return tokens.Node<JinjaExpression>(Constant(token.Text) is JinjaValue constant
                    ? new JinjaLiteral(constant, token.Offset)
                    : new JinjaName(token.Text, token.Offset));
            case JinjaTokenKind.Integer:
                return tokens.Node(Integer(token));
            case JinjaTokenKind.Float:
                double number = double.Parse(token.Text, CultureInfo.InvariantCulture);
                return tokens.Node(new JinjaLiteral(new JinjaFloat(number), token.Offset));
            case JinjaTokenKind.String:
                List<string> strings = [token.Text];
                while (tokens.Current.Kind == JinjaTokenKind.String)
                {
                    strings.Add(tokens.Take().Text);
                }

                return tokens.Node(new JinjaLiteral(JinjaText.OfTemplate(string.Concat(strings)), token.Offset));
            case JinjaTokenKind.Operator when token.Text == "(":
                if (tokens.TryTakeOperator(")"))
                {
                    return tokens.Node(new JinjaListLiteral([], IsTuple: true, token.Offset));
                }

                JinjaExpression inner = ParseTuple();
                tokens.ExpectOperator(")");
                return inner;
            case JinjaTokenKind.Operator when token.Text == "[":
                return tokens.Node(new JinjaListLiteral(ParseItems("]", () => Parse()), IsTuple: false, token.Offset));
            case JinjaTokenKind.Operator when token.Text == "{":
                return tokens.Node(new JinjaMapLiteral(ParseItems("}", ParsePair), token.Offset));
            default:
                throw new JinjaFault("an expression is required", token.Offset);
        }
    }

    private List<T> ParseItems<T>(string closing, Func<T> parse)
    {
        List<T> items = [];
        while (!tokens.TryTakeOperator(closing))
        {
            items.Add(parse());
            if (!tokens.IsOperator(closing))
            {
                tokens.ExpectOperator(",");
            }
        }

        return items;
    }

    private (JinjaExpression Key, JinjaExpression Value) ParsePair()
    {
        JinjaExpression key = Parse();
        tokens.ExpectOperator(":");
        return (key, Parse());
    }

    private bool EndsTuple() =>
        tokens.Current.Kind is JinjaTokenKind.BlockEnd or JinjaTokenKind.PrintEnd || tokens.IsOperator(")") || tokens.IsOperator("]")
        || tokens.IsOperator("=") || tokens.IsName("in") || tokens.IsName("if");

    private static JinjaLiteral Integer(JinjaToken token) =>
        long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? new JinjaLiteral(new JinjaInteger(value), token.Offset)
            : throw new JinjaFault("the number does not fit into 64 bits", token.Offset);

    private static JinjaValue? Constant(string name) => name switch
    {
        "true" or "True" => JinjaBoolean.True,
        "false" or "False" => JinjaBoolean.False,
        "none" or "None" => JinjaValue.None,
        _ => null,
    };
}
