using System.Collections.Frozen;

namespace Warpline.Transformers;

/// <summary>A test: whether it holds of a value.</summary>
internal delegate bool JinjaTestFunction(JinjaRenderer renderer, JinjaValue value, JinjaArguments arguments);

/// <summary>The tests by name, as in <c>value is defined</c>.</summary>
internal static class JinjaTests
{
    private static readonly FrozenDictionary<string, JinjaTestFunction> ByName = new Dictionary<string, JinjaTestFunction>
    {
        ["defined"] = Plain(value => value != JinjaValue.Undefined),
        ["undefined"] = Plain(value => value == JinjaValue.Undefined),
        ["none"] = Plain(value => value == JinjaValue.None),
        ["boolean"] = Plain(value => value is JinjaBoolean),
        ["true"] = Plain(value => value is JinjaBoolean { IsTrue: true }),
        ["false"] = Plain(value => value is JinjaBoolean { IsTrue: false }),
        ["integer"] = Plain(value => value is JinjaInteger),
        ["float"] = Plain(value => value is JinjaFloat),
        ["number"] = Plain(value => value is JinjaInteger or JinjaFloat or JinjaBoolean),
        ["string"] = Plain(value => value is JinjaText),
        ["mapping"] = Plain(value => value is JinjaMap),
        ["sequence"] = Plain(value => value is JinjaList or JinjaText or JinjaMap),
        ["iterable"] = Plain(value => value is JinjaList or JinjaText or JinjaMap),
        ["callable"] = Plain(value => value is JinjaFunction),
        ["lower"] = Cased(char.IsLower, char.IsUpper),
        ["upper"] = Cased(char.IsUpper, char.IsLower),
        ["odd"] = Plain(value => Remainder("odd", value, 2) == 1),
        ["even"] = Plain(value => Remainder("even", value, 2) == 0),
        ["divisibleby"] = (_, value, arguments) =>
            Remainder("divisibleby", value, JinjaArguments.Integer(arguments.Bind("divisibleby", 1, "num")[0]!, "divisibleby")) == 0,
        ["sameas"] = (_, value, arguments) => ReferenceEquals(value, arguments.Bind("sameas", 1, "other")[0]),
        ["in"] = Comparison("in"),
        ["eq"] = Comparison("=="),
        ["equalto"] = Comparison("=="),
        ["=="] = Comparison("=="),
        ["ne"] = Comparison("!="),
        ["!="] = Comparison("!="),
        ["lt"] = Comparison("<"),
        ["lessthan"] = Comparison("<"),
        ["<"] = Comparison("<"),
        ["le"] = Comparison("<="),
        ["<="] = Comparison("<="),
        ["gt"] = Comparison(">"),
        ["greaterthan"] = Comparison(">"),
        [">"] = Comparison(">"),
        ["ge"] = Comparison(">="),
        [">="] = Comparison(">="),
    }.ToFrozenDictionary();

    public static JinjaTestFunction? Find(string name) => ByName.GetValueOrDefault(name);

    private static JinjaTestFunction Plain(Func<JinjaValue, bool> holds) => (_, value, arguments) =>
    {
        arguments.Bind("the test", 0);
        return holds(value);
    };

    /// <summary>Whether a text has letters of one case and none of the other.</summary>
    private static JinjaTestFunction Cased(Func<char, bool> has, Func<char, bool> lacks) => (renderer, value, arguments) =>
    {
        arguments.Bind("the test", 0);
        renderer.Budget.Scan((value as JinjaText)?.Length ?? 0);
        return value is JinjaText text && text.Value.Any(has) && !text.Value.Any(lacks);
    };

    private static JinjaTestFunction Comparison(string name) => (renderer, value, arguments) =>
        JinjaArithmetic.Compare(name, value, arguments.Bind($"the test {name}", 1, "other")[0]!, renderer.Budget);

    private static long Remainder(string test, JinjaValue value, int divisor) => JinjaEquality.Integer(value) is long number
        ? divisor is 0 ? throw new JinjaFault("a division by 0") : divisor is 1 or -1 ? 0 : Math.Abs(number % divisor)
        : throw new JinjaFault($"the test {test} got a value of type {value.TypeName}; an integer is required");
}
