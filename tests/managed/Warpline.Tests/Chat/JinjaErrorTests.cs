using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Chat;

/// <summary>Errors name what, where and what was required; and where this engine is meant to differ from Python's.</summary>
public sealed class JinjaErrorTests
{
    [TestCase("a\n {{ x", "t: line 2, column 2: the tag is not closed, at \"{{ x\".")]
    [TestCase("{# x", "t: line 1, column 1: the comment is not closed, at \"{# x\".")]
    [TestCase("{{ 'x }}", "t: line 1, column 4: the string is not closed, at \"'x }}\".")]
    [TestCase("{% raw %}x", "t: line 1, column 4: the raw block is not closed, at \"raw %}x\".")]
    [TestCase("{% if x %}y", "t: line 1, column 4: the block \"if\" is not closed, at \"if x %}y\".")]
    [TestCase("{% for x in y %}{% if x %}{% endfor %}", "t: line 1, column 27: {% endfor %} stands where {% endif %} is required, at \"{% endfor %}\".")]
    [TestCase("x{% endif %}", "t: line 1, column 2: {% endif %} stands where no block is open for it, at \"{% endif %}\".")]
    [TestCase("{% else %}", "t: line 1, column 1: {% else %} stands where no block is open for it, at \"{% else %}\".")]
    [TestCase("{% if 1 %}{% else %}{% else %}{% endif %}", "t: line 1, column 21: {% else %} stands where {% endif %} is required, at \"{% else %}{% endif %}\".")]
    [TestCase("{% include 'x' %}", "t: line 1, column 4: the block \"include\" is not supported, at \"include 'x' %}\".")]
    [TestCase("{% for x in y recursive %}{% endfor %}", "t: line 1, column 15: recursive loops are not supported, at \"recursive %}{% endfor %}\".")]
    [TestCase("{% break %}", "t: line 1, column 4: break stands outside a loop, at \"break %}\".")]
    [TestCase("{{ }}", "t: line 1, column 4: an expression is required, at \"}}\".")]
    [TestCase("{{ a b }}", "t: line 1, column 6: \"}}\" is required, at \"b }}\".")]
    [TestCase("{{ f(a=1, 2) }}", "t: line 1, column 11: a named argument, after the first of them, is required, at \"2) }}\".")]
    [TestCase("{{ a ? b }}", "t: line 1, column 6: the character '?' does not belong in a tag, at \"? b }}\".")]
    [TestCase("{{ '\\xg0' }}", "t: line 1, column 5: \\x needs the 2 hexadecimal digits of a character, at \"\\xg0' }}\".")]
    [TestCase("{{ '\\u12' }}", "t: line 1, column 5: \\u needs the 4 hexadecimal digits of a character, at \"\\u12' }}\".")]
    [TestCase("{{ 99999999999999999999 }}", "t: line 1, column 4: the number does not fit into 64 bits, at \"99999999999999999999 }}\".")]
    [TestCase("{% set 1 = 2 %}", "t: line 1, column 8: the name of a variable is required, at \"1 = 2 %}\".")]
    [TestCase("{% set x", "t: line 1, column 1: the tag is not closed, at \"{% set x\".")]
    [TestCase("{% if", "t: line 1, column 1: the tag is not closed, at \"{% if\".")]
    public void Syntax(string template, string message) => Assert.That(
        () => ChatTemplate.Parse(template, null, "t"), Throws.TypeOf<ChatTemplateException>().With.Message.EqualTo(message));

    [TestCase("{{ 'a' + 1 }}", "t: line 1, column 8: + does not take string and integer, at \"+ 1 }}\".")]
    [TestCase("{{ 1 < 'a' }}", "t: line 1, column 6: integer and string have no order, at \"< 'a' }}\".")]
    [TestCase("{{ 1 // 0 }}", "t: line 1, column 6: a division by 0, at \"// 0 }}\".")]
    [TestCase("{{ 1.5 % 0 }}", "t: line 1, column 8: a division by 0, at \"% 0 }}\".")]
    [TestCase("{{ 9 ** 99 }}", "t: line 1, column 6: the result of ** does not fit into 64 bits, at \"** 99 }}\".")]
    [TestCase("{{ x.y() }}", "t: line 1, column 7: a value of type undefined has no method \"y\", at \"() }}\".")]
    [TestCase("{{ [].append(1) }}", "t: line 1, column 13: a value of type list has no method \"append\", at \"(1) }}\".")]
    [TestCase("{{ x() }}", "t: line 1, column 5: \"x\" is of type undefined; a function is required, at \"() }}\".")]
    [TestCase("{{ 1 | nonsense }}", "t: line 1, column 8: there is no filter \"nonsense\", at \"nonsense }}\".")]
    [TestCase("{{ 1 is nonsense }}", "t: line 1, column 6: there is no test \"nonsense\", at \"is nonsense }}\".")]
    [TestCase("{{ none | trim }}", "t: line 1, column 11: the filter for strings got a value of type none, at \"trim }}\".")]
    [TestCase("{{ 'a' | trim(1) }}", "t: line 1, column 10: strip got an argument of type integer; a string is required, at \"trim(1) }}\".")]
    [TestCase("{{ 'a' | replace('b') }}", "t: line 1, column 10: replace needs the argument \"new\", at \"replace('b') }}\".")]
    [TestCase("{{ 'a' | replace('b', 'c', 1, 2) }}", "t: line 1, column 10: replace got 4 arguments; at most 3 are allowed, at \"replace('b', 'c', 1, 2) }}\".")]
    [TestCase("{{ 'a' | trim(chars='a', x=1) }}", "t: line 1, column 10: strip has no parameter \"x\", at \"trim(chars='a', x=1) }}\".")]
    [TestCase("{% for x in 5 %}{% endfor %}", "t: line 1, column 4: a value of type integer has no items, at \"for x in 5 %}{% endfor %}\".")]
    [TestCase("{% set x.y = 1 %}", "t: line 1, column 4: \"x\" is of type undefined; only a namespace's attributes can be set, at \"set x.y = 1 %}\".")]
    [TestCase("{% set a, b = [1] %}", "t: line 1, column 4: 1 values for 2 names, at \"set a, b = [1] %}\".")]
    [TestCase("{{ {[]: 1} }}", "t: line 1, column 4: a value of type list cannot be a key, at \"{[]: 1} }}\".")]
    [TestCase("{{ 'a'.split('') }}", "t: line 1, column 13: split got an empty separator, at \"('') }}\".")]
    [TestCase("{{ [1, 'a'] | sort }}", "t: line 1, column 15: integer and string have no order, at \"sort }}\".")]
    [TestCase("{{ [1][::0] }}", "t: line 1, column 7: the step of a slice is 0, at \"[::0] }}\".")]
    [TestCase("{{ range }}", "t: line 1, column 1: the function range is printed, not called, at \"{{ range }}\".")]
    [TestCase("{{ range(1, 2, 0) }}", "t: line 1, column 9: range got the step 0, at \"(1, 2, 0) }}\".")]
    [TestCase("{{ range | tojson }}", "t: line 1, column 12: tojson got a value of type function, at \"tojson }}\".")]
    [TestCase("{{ raise_exception('no ' ~ 1) }}", "t: line 1, column 19: the template refuses: no 1, at \"('no ' ~ 1) }}\".")]
    [TestCase("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "t: line 1, column 35: f got 2 arguments; at most 1 are allowed, at \"(1, 2) }}\".")]
    [TestCase("{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", "t: line 1, column 35: f has no parameter \"b\", at \"(b=2) }}\".")]
    public void Evaluation(string template, string message)
    {
        ChatTemplate parsed = ChatTemplate.Parse(template, null, "t");
        Assert.That(() => parsed.Render([]), Throws.TypeOf<ChatTemplateException>().With.Message.EqualTo(message));
    }

    // As npm's engine has it, and Python's does not: see docs/decisions.md.
    [TestCase("{{ missing.a.b }}|{{ (missing | tojson) }}", "|null")]
    [TestCase("[{{ '\\n  a \\n'.strip('\\n') }}] [{{ '\\n\\n  a'.lstrip('\\n') }}]", "[a] [a]")]
    [TestCase("[{{ '\\ufeffa\\u0085' | trim }}]", "[a\u0085]")]
    [TestCase("{{ 0.00001 }} {{ 1e-7 }} {{ 1.5e300 }} {{ 1e16 }} {{ 123456789012345680000.0 }} {{ 1e21 }}", "0.00001 1e-7 1.5e+300 10000000000000000.0 123456789012345680000.0 1e+21")]
    [TestCase("{{ numbers | tojson }}", "[1, 100, 0.1, 0.000001, 1e-7, 9007199254740993]")]
    public void Known_differences(string template, string text)
    {
        ChatTemplateOptions options = new()
        {
            Variables = new Dictionary<string, JsonElement> { ["numbers"] = JsonElement.Parse("[1.0, 1e2, 0.1, 1e-6, 1e-7, 9007199254740993]") },
        };
        Assert.That(ChatTemplate.Parse(template).Render([], options), Is.EqualTo(text));
    }

    [Test]
    public void The_time_is_the_one_given()
    {
        ChatTemplateOptions options = new() { Time = new Clock() };
        Assert.That(
            ChatTemplate.Parse("{{ strftime_now('%d %b %Y|%-d %B %y|%H:%M:%S|%I %p|%a %A|%j|%F %T|%%|%Q|%') }}").Render([], options),
            Is.EqualTo("05 Mar 2026|5 March 26|14:07:09|02 PM|Thu Thursday|064|2026-03-05 14:07:09|%|%Q|%"));
    }

    private sealed class Clock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);
    }
}
