namespace Warpline.Transformers;

/// <summary>Parses the statements of a template.</summary>
internal sealed class JinjaParser
{
    private readonly JinjaTokens _tokens;
    private readonly JinjaExpressionParser _expressions;
    private int _loops;

    private JinjaParser(JinjaTokens tokens) => (_tokens, _expressions) = (tokens, new JinjaExpressionParser(tokens));

    /// <summary>Parses a template's text, line breaks being \n and the last one gone.</summary>
    /// <exception cref="JinjaFault">The text is no template.</exception>
    public static IReadOnlyList<JinjaStatement> Parse(string source)
    {
        var parser = new JinjaParser(new JinjaTokens(new JinjaLexer(source).Read()));
        List<JinjaStatement> statements = parser.ParseStatements();
        return parser._tokens.Current.Kind == JinjaTokenKind.End
            ? statements
            : throw new JinjaFault($"{{% {parser._tokens.Next.Text} %}} stands where no block is open for it", parser._tokens.Current.Offset);
    }

    /// <summary>Parses statements up to the end, or to a tag that ends a block or its part, which is the current token then.</summary>
    private List<JinjaStatement> ParseStatements()
    {
        List<JinjaStatement> statements = [];
        while (true)
        {
            JinjaToken token = _tokens.Current;
            switch (token.Kind)
            {
                case JinjaTokenKind.End:
                    return statements;
                case JinjaTokenKind.Text:
                    _tokens.Take();
                    statements.Add(_tokens.Node(new JinjaTextStatement(JinjaText.OfTemplate(token.Text), token.Offset)));
                    break;
                case JinjaTokenKind.PrintBegin:
                    _tokens.Take();
                    statements.Add(_tokens.Node(new JinjaPrintStatement(_expressions.ParseTuple(), token.Offset)));
                    _tokens.Expect(JinjaTokenKind.PrintEnd, "\"}}\"");
                    break;
                default:
                    string name = _tokens.Next.Kind == JinjaTokenKind.Name ? _tokens.Next.Text : "";
                    if (name.StartsWith("end", StringComparison.Ordinal) || name is "else" or "elif")
                    {
                        return statements;
                    }

                    _tokens.Take();
                    _tokens.Enter();
                    statements.Add(_tokens.Node(ParseBlock(_tokens.Expect(JinjaTokenKind.Name, "the name of a block"))));
                    _tokens.Leave();
                    break;
            }
        }
    }

    private JinjaStatement ParseBlock(JinjaToken name)
    {
        switch (name.Text)
        {
            case "if":
                return ParseIf(name);
            case "for":
                return ParseFor(name.Offset);
            case "break" or "continue" when _loops > 0:
                EndTag();
                return new JinjaJump(name.Text == "break", name.Offset);
            case "break" or "continue":
                throw new JinjaFault($"{name.Text} stands outside a loop", name.Offset);
            case "set":
                return ParseSet(name.Offset);
            case "macro":
                string macro = _tokens.Expect(JinjaTokenKind.Name, "the name of the macro").Text;
                _tokens.ExpectOperator("(");
                return new JinjaMacro(macro, ParseParameters(), ParseFunctionBody("macro", name), name.Offset);
            case "call":
                JinjaParameterList parameters = _tokens.TryTakeOperator("(") ? ParseParameters() : new JinjaParameterList([]);
                JinjaCall call = _expressions.ParsePrimary() as JinjaCall ?? throw new JinjaFault("a call is required", name.Offset);
                return new JinjaCallBlock(parameters, call, ParseFunctionBody("call", name), name.Offset);
            case "filter":
                return new JinjaFilterBlock([_expressions.ParseFilter(null), .. ParseFilterChain()], ParseBody("filter", name), name.Offset);
            case "generation":
                return new JinjaFilterBlock([], ParseBody("generation", name), name.Offset);
            case "with":
                return new JinjaWith(ParseAssignments(), ParseBody("with", name), name.Offset);
            default:
                throw new JinjaFault($"the block \"{name.Text}\" is not supported", name.Offset);
        }
    }

    private JinjaIf ParseIf(JinjaToken name)
    {
        List<(JinjaExpression?, IReadOnlyList<JinjaStatement>)> branches = [];
        JinjaExpression? condition = _expressions.ParseTuple();
        while (true)
        {
            EndTag();
            branches.Add((condition, ParseStatements()));
            string next = condition is null ? TakeEnd("if", name) : TakeEnd("if", name, "elif", "else");
            if (next == "endif")
            {
                EndTag();
                return new JinjaIf(branches, name.Offset);
            }

            condition = next == "elif" ? _expressions.ParseTuple() : null;
        }
    }

    private JinjaFor ParseFor(int offset)
    {
        JinjaExpression target = ParseTarget();
        if (!_tokens.TryTakeName("in"))
        {
            throw _tokens.Unexpected("\"in\"");
        }

        JinjaExpression items = _expressions.ParseTuple(allowsCondition: false);
        JinjaExpression? condition = _tokens.TryTakeName("if") ? _expressions.Parse() : null;
        if (_tokens.IsName("recursive"))
        {
            throw new JinjaFault("recursive loops are not supported", _tokens.Current.Offset);
        }

        EndTag();
        _loops++;
        List<JinjaStatement> body = ParseStatements();
        _loops--;
        JinjaToken name = new(JinjaTokenKind.Name, "for", offset);
        List<JinjaStatement> otherwise = [];
        if (TakeEnd("for", name, "else") == "else")
        {
            EndTag();
            otherwise = ParseStatements();
            TakeEnd("for", name);
        }

        EndTag();
        return new JinjaFor(target, items, condition, body, otherwise, offset);
    }

    private JinjaStatement ParseSet(int offset)
    {
        JinjaExpression target = ParseTarget();
        if (_tokens.TryTakeOperator("="))
        {
            JinjaExpression value = _expressions.ParseTuple();
            EndTag();
            return new JinjaSet(target, value, offset);
        }

        return new JinjaSetBlock(target, ParseFilterChain(), ParseBody("set", new JinjaToken(JinjaTokenKind.Name, "set", offset)), offset);
    }

    private List<(JinjaExpression, JinjaExpression)> ParseAssignments()
    {
        List<(JinjaExpression, JinjaExpression)> assignments = [];
        while (_tokens.Current.Kind != JinjaTokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            JinjaExpression target = ParseTarget();
            _tokens.ExpectOperator("=");
            assignments.Add((target, _expressions.Parse()));
        }

        return assignments;
    }

    /// <summary>Parses what can be assigned to: names, tuples of them, or an attribute of a namespace.</summary>
    private JinjaExpression ParseTarget()
    {
        JinjaToken at = _tokens.Current;
        List<JinjaExpression> targets = [];
        do
        {
            if (_tokens.TryTakeOperator("("))
            {
                _tokens.Enter();
                targets.Add(ParseTarget());
                _tokens.Leave();
                _tokens.ExpectOperator(")");
                continue;
            }

            JinjaToken name = _tokens.Expect(JinjaTokenKind.Name, "the name of a variable");
            JinjaExpression target = _tokens.Node(new JinjaName(name.Text, name.Offset));
            targets.Add(_tokens.TryTakeOperator(".")
                ? _tokens.Node(new JinjaAttribute(target, _tokens.Expect(JinjaTokenKind.Name, "the name of an attribute").Text, name.Offset))
                : target);
        }
        while (_tokens.TryTakeOperator(","));
        return targets.Count == 1 ? targets[0] : _tokens.Node(new JinjaListLiteral(targets, IsTuple: true, at.Offset));
    }

    private JinjaParameterList ParseParameters()
    {
        List<(string, JinjaExpression?)> parameters = [];
        while (!_tokens.TryTakeOperator(")"))
        {
            string name = _tokens.Expect(JinjaTokenKind.Name, "the name of a parameter").Text;
            parameters.Add((name, _tokens.TryTakeOperator("=") ? _expressions.Parse() : null));
            if (!_tokens.IsOperator(")"))
            {
                _tokens.ExpectOperator(",");
            }
        }

        return new JinjaParameterList(parameters);
    }

    private List<JinjaFilter> ParseFilterChain()
    {
        List<JinjaFilter> filters = [];
        while (_tokens.TryTakeOperator("|"))
        {
            filters.Add(_expressions.ParseFilter(null));
        }

        return filters;
    }

    /// <summary>Parses the body of a macro: loops around it are not its own.</summary>
    private List<JinjaStatement> ParseFunctionBody(string block, JinjaToken name)
    {
        (int loops, _loops) = (_loops, 0);
        List<JinjaStatement> body = ParseBody(block, name);
        _loops = loops;
        return body;
    }

    private List<JinjaStatement> ParseBody(string block, JinjaToken name)
    {
        EndTag();
        List<JinjaStatement> body = ParseStatements();
        TakeEnd(block, name);
        EndTag();
        return body;
    }

    /// <summary>Takes the begin and the name of the tag that ends a block, or goes on with it in one of other ways.</summary>
    private string TakeEnd(string block, JinjaToken name, params string[] others)
    {
        if (_tokens.Current.Kind == JinjaTokenKind.End)
        {
            throw new JinjaFault($"the block \"{block}\" is not closed", name.Offset);
        }

        JinjaToken begin = _tokens.Take();
        string end = _tokens.Take().Text;
        return end == $"end{block}" || others.Contains(end)
            ? end
            : throw new JinjaFault($"{{% {end} %}} stands where {{% end{block} %}} is required", begin.Offset);
    }

    private void EndTag() => _tokens.Expect(JinjaTokenKind.BlockEnd, "\"%}\"");
}
