namespace Warpline.Transformers;

/// <summary>A parsed template. Immutable; any number of renderings may run at once.</summary>
internal sealed class JinjaTemplate
{
    private const int MaxQuoted = 40;

    private readonly string _name;
    private readonly string _source;
    private readonly IReadOnlyList<JinjaStatement> _statements;

    private JinjaTemplate(string name, string source)
    {
        (_name, _source) = (name, source);
        try
        {
            _statements = source.Length <= JinjaBudget.MaxTemplateLength
                ? JinjaParser.Parse(source)
                : throw new JinjaFault($"the template has {source.Length} characters; at most {JinjaBudget.MaxTemplateLength} are allowed");
        }
        catch (JinjaFault fault)
        {
            throw Explain(fault);
        }
    }

    /// <summary>Parses a template.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="ChatTemplateException">The text is no template, or breaks a bound.</exception>
    public static JinjaTemplate Parse(string source, string name)
    {
        string lines = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        return new JinjaTemplate(name, lines.EndsWith('\n') ? lines[..^1] : lines);
    }

    /// <summary>Renders the template.</summary>
    /// <param name="define">Sets the variables.</param>
    /// <param name="time">What tells the time.</param>
    /// <exception cref="ChatTemplateException">The template refuses, fails or breaks a bound.</exception>
    public JinjaText Render(Action<JinjaScope, JinjaBudget> define, TimeProvider time)
    {
        try
        {
            var budget = new JinjaBudget();
            var renderer = new JinjaRenderer(budget, time);
            JinjaScope variables = renderer.NewGlobals();
            define(variables, budget);
            return renderer.Render(_statements, variables);
        }
        catch (JinjaFault fault)
        {
            throw Explain(fault);
        }
    }

    private ChatTemplateException Explain(JinjaFault fault)
    {
        if (fault.Offset < 0)
        {
            return new ChatTemplateException($"{_name}: {fault.Message}.", 0, 0);
        }

        int offset = Math.Min(fault.Offset, _source.Length);
        int begins = _source.LastIndexOf('\n', Math.Max(0, offset - 1), offset) + 1;
        int line = _source.AsSpan(0, begins).Count('\n') + 1, column = offset - begins + 1;
        string quoted = _source.Substring(offset, Math.Min(MaxQuoted, _source.Length - offset)).Split('\n')[0];
        string place = quoted.Length == 0 ? "" : $", at \"{quoted}\"";
        return new ChatTemplateException($"{_name}: line {line}, column {column}: {fault.Message}{place}.", line, column);
    }
}
