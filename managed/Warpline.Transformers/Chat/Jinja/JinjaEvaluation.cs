namespace Warpline.Transformers;

/// <summary>The part that evaluates expressions.</summary>
internal sealed partial class JinjaRenderer
{
    /// <summary>The items of a value, in order: of a list, the characters of a text, the keys of a mapping.</summary>
    public IReadOnlyList<JinjaValue> Iterate(JinjaValue value)
    {
        IReadOnlyList<JinjaValue> items = value switch
        {
            JinjaList list => list.Items,
            JinjaText text => JinjaSlicing.Characters(text, budget),
            JinjaMap map => [.. map.Items.Keys],
            _ when value == JinjaValue.Undefined => [],
            _ => throw new JinjaFault($"a value of type {value.TypeName} has no items"),
        };
        budget.Steps(items.Count);
        return items;
    }

    public JinjaValue ApplyFilter(string name, JinjaValue value, JinjaArguments arguments) =>
        JinjaFilters.Find(name) is { } filter ? filter(this, value, arguments) : throw new JinjaFault($"there is no filter \"{name}\"");

    public bool ApplyTest(string name, JinjaValue value, JinjaArguments arguments) =>
        JinjaTests.Find(name) is { } test ? test(this, value, arguments) : throw new JinjaFault($"there is no test \"{name}\"");

    /// <summary>An attribute or a method of a value; undefined where it has none.</summary>
    public JinjaValue Attribute(JinjaValue value, string name) => value switch
    {
        JinjaLoop loop => loop.Attribute(name),
        JinjaNamespace space => space.Attributes.GetValueOrDefault(name, JinjaValue.Undefined),
        JinjaMap map => JinjaMethods.Find(this, map, name) ?? map.Get(JinjaText.OfTemplate(name), budget),
        _ => JinjaMethods.Find(this, value, name) ?? JinjaValue.Undefined,
    };

    /// <summary>An item of a value, else its attribute of that name; undefined where it has neither.</summary>
    public JinjaValue Subscript(JinjaValue value, JinjaValue index)
    {
        JinjaValue found = (value, JinjaEquality.Integer(index)) switch
        {
            (JinjaMap map, _) => map.Get(index, budget),
            (JinjaList list, long at) => JinjaSlicing.Item(list, at),
            (JinjaText text, long at) => JinjaSlicing.Item(text, at, budget),
            _ => JinjaValue.Undefined,
        };
        return found == JinjaValue.Undefined && index is JinjaText name ? Attribute(value, name.Value) : found;
    }

    private JinjaValue Evaluate(JinjaExpression expression, JinjaScope scope)
    {
        budget.Enter();
        try
        {
            JinjaValue value = EvaluateNode(expression, scope);
            budget.Leave();
            return value;
        }
        catch (JinjaFault fault) when (fault.Locate(expression.Offset))
        {
            throw;
        }
    }

    private JinjaValue EvaluateNode(JinjaExpression expression, JinjaScope scope)
    {
        switch (expression)
        {
            case JinjaLiteral literal:
                return literal.Value;
            case JinjaName name:
                return scope.Find(name.Name);
            case JinjaListLiteral list:
                return new JinjaList([.. list.Items.Select(item => Evaluate(item, scope))], list.IsTuple);
            case JinjaMapLiteral literal:
                var map = new JinjaMap();
                foreach ((JinjaExpression key, JinjaExpression value) in literal.Items)
                {
                    map.Items[Key(Evaluate(key, scope))] = Evaluate(value, scope);
                }

                return map;
            case JinjaAttribute attribute:
                return Attribute(Evaluate(attribute.Target, scope), attribute.Name);
            case JinjaSubscript subscript:
                return Subscript(Evaluate(subscript.Target, scope), Evaluate(subscript.Index, scope));
            case JinjaSlice slice:
                return JinjaSlicing.Slice(
                    Evaluate(slice.Target, scope), Bound(slice.Start, scope), Bound(slice.Stop, scope), Bound(slice.Step, scope), budget);
            case JinjaCall call:
                return Call(call, scope, null);
            case JinjaFilter filter:
                return ApplyFilter(filter.Name, Evaluate(filter.Value!, scope), Evaluate(filter.Arguments, scope));
            case JinjaTest test:
                return JinjaBoolean.Of(ApplyTest(test.Name, Evaluate(test.Value, scope), Evaluate(test.Arguments, scope)));
            case JinjaNot not:
                return JinjaBoolean.Of(!Evaluate(not.Value, scope).IsTrue);
            case JinjaSign sign:
                return JinjaArithmetic.Sign(sign.Negates, Evaluate(sign.Value, scope));
            case JinjaBinary binary:
                return JinjaArithmetic.Apply(binary.Operator, Evaluate(binary.Left, scope), Evaluate(binary.Right, scope), budget);
            case JinjaLogic logic:
                JinjaValue left = Evaluate(logic.Left, scope);
                return left.IsTrue == logic.IsAnd ? Evaluate(logic.Right, scope) : left;
            case JinjaComparison comparison:
                return Compare(comparison, scope);
            case JinjaConditional conditional:
                return Evaluate(conditional.Condition, scope).IsTrue ? Evaluate(conditional.Then, scope)
                    : conditional.Else is JinjaExpression otherwise ? Evaluate(otherwise, scope)
                    : JinjaValue.Undefined;
            default:
                throw new InvalidOperationException($"No evaluation of {expression.GetType().Name}.");
        }
    }

    private JinjaBoolean Compare(JinjaComparison comparison, JinjaScope scope)
    {
        JinjaValue left = Evaluate(comparison.First, scope);
        foreach ((string name, JinjaExpression operand) in comparison.Rest)
        {
            JinjaValue right = Evaluate(operand, scope);
            if (!JinjaArithmetic.Compare(name, left, right, budget))
            {
                return JinjaBoolean.False;
            }

            left = right;
        }

        return JinjaBoolean.True;
    }

    private JinjaValue Call(JinjaCall call, JinjaScope scope, JinjaFunction? caller)
    {
        JinjaValue callee = Evaluate(call.Callee, scope);
        if (callee is not JinjaFunction function)
        {
            throw new JinjaFault(call.Callee switch
            {
                JinjaAttribute attribute => $"a value of type {Evaluate(attribute.Target, scope).TypeName} has no method \"{attribute.Name}\"",
                JinjaName name => $"\"{name.Name}\" is of type {callee.TypeName}; a function is required",
                _ => $"a value of type {callee.TypeName} is called; a function is required",
            });
        }

        JinjaArguments arguments = Evaluate(call.Arguments, scope);
        return function.Call(caller is null
            ? arguments
            : arguments with { Named = new Dictionary<string, JinjaValue>(arguments.Named) { ["caller"] = caller } });
    }

    private JinjaArguments Evaluate(JinjaArgumentList written, JinjaScope scope)
    {
        if (written == JinjaArgumentList.Empty)
        {
            return JinjaArguments.Empty;
        }

        List<JinjaValue> positional = [.. written.Positional.Select(value => Evaluate(value, scope))];
        if (written.Spread is JinjaExpression spread)
        {
            positional.AddRange(Iterate(Evaluate(spread, scope)));
        }

        Dictionary<string, JinjaValue> named = new(StringComparer.Ordinal);
        foreach ((string name, JinjaExpression value) in written.Named)
        {
            Add(name, Evaluate(value, scope));
        }

        if (written.NamedSpread is JinjaExpression more)
        {
            JinjaMap map = Evaluate(more, scope) as JinjaMap ?? throw new JinjaFault("a mapping is required after **");
            foreach ((JinjaValue key, JinjaValue value) in map.Items)
            {
                Add(JinjaArguments.Text(key, "**").Value, value);
            }
        }

        return new JinjaArguments([.. positional], named);

        void Add(string name, JinjaValue value)
        {
            if (!named.TryAdd(name, value))
            {
                throw new JinjaFault($"the argument \"{name}\" is given twice");
            }
        }
    }

    private long? Bound(JinjaExpression? expression, JinjaScope scope)
    {
        JinjaValue value = expression is null ? JinjaValue.None : Evaluate(expression, scope);
        return value == JinjaValue.None ? null : JinjaEquality.Integer(value)
            ?? throw new JinjaFault($"a bound of a slice is of type {value.TypeName}; an integer is required");
    }

    private JinjaValue Key(JinjaValue value)
    {
        budget.Scan((value as JinjaText)?.Length ?? 0);
        return JinjaEquality.IsKey(value) ? value : throw new JinjaFault($"a value of type {value.TypeName} cannot be a key");
    }
}
