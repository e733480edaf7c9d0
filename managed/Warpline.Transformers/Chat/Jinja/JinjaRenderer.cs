namespace Warpline.Transformers;

/// <summary>Renders a template's statements; its other part evaluates expressions.</summary>
internal sealed partial class JinjaRenderer(JinjaBudget budget, TimeProvider time)
{
    /// <summary>What a block leaves to the loop around it.</summary>
    private enum Flow
    {
        GoesOn,
        Continues,
        Breaks,
    }

    public JinjaBudget Budget => budget;

    /// <summary>Runs a whole template.</summary>
    /// <param name="template">Its statements.</param>
    /// <param name="variables">What it is given.</param>
    public JinjaText Render(IReadOnlyList<JinjaStatement> template, JinjaScope variables) => Capture(template, new JinjaScope(variables));

    /// <summary>A new builder that charges this rendering.</summary>
    public JinjaText.Builder NewText() => new(budget);

    private JinjaText Capture(IReadOnlyList<JinjaStatement> body, JinjaScope scope)
    {
        JinjaText.Builder output = NewText();
        Run(body, scope, output);
        return output.ToText();
    }

    private Flow Run(IReadOnlyList<JinjaStatement> body, JinjaScope scope, JinjaText.Builder output)
    {
        budget.Enter();
        Flow flow = Flow.GoesOn;
        for (int i = 0; i < body.Count && flow == Flow.GoesOn; i++)
        {
            budget.Steps(1);
            flow = Run(body[i], scope, output);
        }

        budget.Leave();
        return flow;
    }

    private Flow Run(JinjaStatement statement, JinjaScope scope, JinjaText.Builder output)
    {
        try
        {
            switch (statement)
            {
                case JinjaTextStatement text:
                    output.Append(text.Text);
                    break;
                case JinjaPrintStatement print:
                    output.Append(JinjaPrinting.Print(Evaluate(print.Value, scope), budget));
                    break;
                case JinjaIf choice:
                    return RunIf(choice, scope, output);
                case JinjaFor loop:
                    return RunFor(loop, scope, output);
                case JinjaJump jump:
                    return jump.IsBreak ? Flow.Breaks : Flow.Continues;
                case JinjaSet set:
                    Assign(set.Target, Evaluate(set.Value, scope), scope);
                    break;
                case JinjaSetBlock set:
                    Assign(set.Target, Filtered(Capture(set.Body, new JinjaScope(scope)), set.Filters, scope), scope);
                    break;
                case JinjaMacro macro:
                    scope.Set(macro.Name, Function(macro.Name, macro.Parameters, macro.Body, scope));
                    break;
                case JinjaCallBlock call:
                    JinjaValue result = Call(call.Call, scope, Function("caller", call.Parameters, call.Body, scope));
                    output.Append(JinjaPrinting.Print(result, budget));
                    break;
                case JinjaFilterBlock { Filters: [] } block:
                    return Run(block.Body, new JinjaScope(scope), output);
                case JinjaFilterBlock block:
                    JinjaText inner = Capture(block.Body, new JinjaScope(scope));
                    output.Append(JinjaPrinting.Print(Filtered(inner, block.Filters, scope), budget));
                    break;
                case JinjaWith with:
                    var names = new JinjaScope(scope);
                    foreach ((JinjaExpression target, JinjaExpression value) in with.Names)
                    {
                        Assign(target, Evaluate(value, scope), names);
                    }

                    return Run(with.Body, names, output);
                default:
                    throw new InvalidOperationException($"No rendering of {statement.GetType().Name}.");
            }

            return Flow.GoesOn;
        }
        catch (JinjaFault fault) when (fault.Locate(statement.Offset))
        {
            throw;
        }
    }

    private Flow RunIf(JinjaIf choice, JinjaScope scope, JinjaText.Builder output)
    {
        foreach ((JinjaExpression? condition, IReadOnlyList<JinjaStatement> body) in choice.Branches)
        {
            if (condition is null || Evaluate(condition, scope).IsTrue)
            {
                return Run(body, scope, output);
            }
        }

        return Flow.GoesOn;
    }

    private Flow RunFor(JinjaFor statement, JinjaScope scope, JinjaText.Builder output)
    {
        IReadOnlyList<JinjaValue> items = Iterate(Evaluate(statement.Items, scope));
        if (statement.Condition is JinjaExpression condition)
        {
            List<JinjaValue> kept = [];
            foreach (JinjaValue item in items)
            {
                var inner = new JinjaScope(scope);
                Assign(statement.Target, item, inner);
                if (Evaluate(condition, inner).IsTrue)
                {
                    kept.Add(item);
                }
            }

            items = kept;
        }

        if (items.Count == 0)
        {
            return Run(statement.Else, scope, output);
        }

        var loop = new JinjaLoop(items, budget);
        for (loop.Index = 0; loop.Index < items.Count; loop.Index++)
        {
            budget.Steps(1);
            var inner = new JinjaScope(scope);
            Assign(statement.Target, items[loop.Index], inner);
            inner.Set("loop", loop);
            if (Run(statement.Body, inner, output) == Flow.Breaks)
            {
                break;
            }
        }

        return Flow.GoesOn;
    }

    private void Assign(JinjaExpression target, JinjaValue value, JinjaScope scope)
    {
        switch (target)
        {
            case JinjaName name:
                scope.Set(name.Name, value);
                break;
            case JinjaAttribute { Target: JinjaName name } attribute:
                if (scope.Find(name.Name) is not JinjaNamespace space)
                {
                    throw new JinjaFault(
                        $"\"{name.Name}\" is of type {scope.Find(name.Name).TypeName}; only a namespace's attributes can be set");
                }

                space.Attributes[attribute.Name] = value;
                break;
            case JinjaListLiteral targets:
                IReadOnlyList<JinjaValue> items = Iterate(value);
                if (items.Count != targets.Items.Count)
                {
                    throw new JinjaFault($"{items.Count} values for {targets.Items.Count} names");
                }

                for (int i = 0; i < items.Count; i++)
                {
                    Assign(targets.Items[i], items[i], scope);
                }

                break;
            default:
                throw new InvalidOperationException($"No assignment to {target.GetType().Name}.");
        }
    }

    /// <summary>A macro. Its body sees the variables where it was defined.</summary>
    private JinjaFunction Function(
        string name, JinjaParameterList parameters, IReadOnlyList<JinjaStatement> body, JinjaScope defined) => new(name, arguments =>
    {
        var scope = new JinjaScope(defined);
        HashSet<string> named = [.. arguments.Named.Keys];
        for (int i = 0; i < parameters.Items.Count; i++)
        {
            (string parameter, JinjaExpression? fallback) = parameters.Items[i];
            JinjaValue? given = i < arguments.Positional.Length ? arguments.Positional[i] : null;
            if (named.Remove(parameter))
            {
                given = given is null ? arguments.Named[parameter] : throw new JinjaFault($"{name} got \"{parameter}\" twice");
            }

            scope.Set(parameter, given ?? (fallback is null ? JinjaValue.Undefined : Evaluate(fallback, scope)));
        }

        if (named.Remove("caller"))
        {
            scope.Set("caller", arguments.Named["caller"]);
        }

        if (arguments.Positional.Length > parameters.Items.Count || named.Count > 0)
        {
            throw new JinjaFault(named.Count > 0
                ? $"{name} has no parameter \"{named.First()}\""
                : $"{name} got {arguments.Positional.Length} arguments; at most {parameters.Items.Count} are allowed");
        }

        return Capture(body, scope);
    });

    private JinjaValue Filtered(JinjaValue value, IReadOnlyList<JinjaFilter> filters, JinjaScope scope)
    {
        foreach (JinjaFilter filter in filters)
        {
            value = ApplyFilter(filter.Name, value, Evaluate(filter.Arguments, scope));
        }

        return value;
    }
}
