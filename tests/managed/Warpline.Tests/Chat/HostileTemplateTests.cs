using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Chat;

/// <summary>Templates made to exhaust time, memory or stack end in an error that names the bound.</summary>
public sealed class HostileTemplateTests
{
    private const string Steps = "rendering takes more than 5000000 steps";
    private const string Length = "a text has more than 16777216 characters";
    private const string Depth = "rendering descends more than 300 levels";
    private const string Characters = "rendering makes more than 134217728 characters of text";

    [TestCase("{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}", Steps, TestName = "Nested loops")]
    [TestCase("{{ range(2000000000) }}", Steps, TestName = "A long range")]
    [TestCase("{{ range(-2147483648, 2147483647) | length }}", Steps, TestName = "The longest range")]
    [TestCase("{% for i in range(1200000) %}{% endfor %}", Steps, TestName = "A range below the bound, looped over")]
    [TestCase("{{ 'x' * 9999999999 }}", Steps, TestName = "A text multiplied")]
    [TestCase("{{ (('x' * 1000) * 1000) * 1000000 }}", Length, TestName = "A long text multiplied")]
    [TestCase("{{ ([1] * 1000) * 9223372036854775807 }}", Steps, TestName = "A list multiplied")]
    [TestCase("{% set ns = namespace(x='x') %}{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", Length, TestName = "A text doubled")]
    [TestCase("{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", Steps, TestName = "A list doubled")]
    [TestCase("{% set x = ('x' * 1000) * 1000 %}{% for i in range(1000) %}{% set y = x ~ i %}{% endfor %}", Characters, TestName = "Texts thrown away")]
    [TestCase("{% set x = ('x' * 1000) * 1000 %}{% for i in range(1000) %}{{ x }}{% endfor %}", Length, TestName = "A long output")]
    [TestCase("{% set x = 'x' * 100000 %}{{ x | replace('x', x) }}", Length, TestName = "A replacement that grows")]
    [TestCase("{% set x = 'x' * 100000 %}{{ x.replace('', x) }}", Length, TestName = "A replacement between characters")]
    [TestCase("{% set x = 'x' * 100000 %}{{ x | list | join(x) }}", Length, TestName = "A separator that grows")]
    [TestCase("{{ ('\\n' * 100000) | indent(100000, blank=true) }}", Length, TestName = "An indent")]
    [TestCase("{{ 'a' | indent(2000000000, true) }}", Steps, TestName = "A wide indent")]
    [TestCase("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", Depth, TestName = "A macro that calls itself")]
    [TestCase("{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ g() }}", Depth, TestName = "Macros that call each other")]
    [TestCase("{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}", Depth, TestName = "A macro through its caller")]
    [TestCase("{% macro f(n) %}{% for i in [1, 2] %}{{ f(n + 1) if n < 40 }}{% endfor %}{% endmacro %}{{ f(0) }}", Steps, TestName = "A macro that calls itself twice")]
    [TestCase("{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}", Depth, TestName = "Lists within lists, printed")]
    [TestCase("{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x | tojson }}", Depth, TestName = "Mappings within mappings, as JSON")]
    [TestCase("{% set ns = namespace(x=1, y=1) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}", Depth, TestName = "Lists within lists, compared")]
    [TestCase("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", Depth, TestName = "A namespace within itself")]
    [TestCase("{% set ns = namespace(x=[1, 1]) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", Steps, TestName = "A list that holds itself twice")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{% set y = ('a' * 500) * 1000 ~ 'b' ~ ('a' * 500) * 1000 %}{{ y in x }}", Steps, TestName = "A pattern that nearly fits everywhere")]
    [TestCase("{% set x = ('ab' * 2000) * 2000 %}{{ x.find(('ab' * 500) * 1000 ~ 'aab' ~ ('ab' * 500) * 1000) }}", Steps, TestName = "The same, searched for")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{{ ([x] * 1000000) | map('length') | list }}", Steps, TestName = "The length of a long text, many times")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{{ ([x] * 1000000) | select('lower') | list }}", Steps, TestName = "The case of a long text, many times")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{% set y = ('a' * 2000) * 2000 %}{% for i in range(1000000) %}{{ x == y }}{% endfor %}", Steps, TestName = "Long texts compared, many times")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{% set d = {x: 1} %}{% for i in range(1000000) %}{{ d[x] }}{% endfor %}", Steps, TestName = "A long key, many times")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{% set ns = namespace(y=[]) %}{% for i in range(1000) %}{% set ns.y = ns.y + [x[1:]] %}{% endfor %}", Characters, TestName = "Slices of a long text, kept")]
    [TestCase("{% set x = ('a' * 2000) * 2000 %}{% for i in range(1000) %}{% set y = x | upper %}{% endfor %}", Characters, TestName = "A long text in capitals, many times")]
    [TestCase("{{ (('a' * 2000) * 2000) | list }}", Steps, TestName = "The characters of a long text")]
    [TestCase("{{ range(1000000) | sort | sort | sort }}", Steps, TestName = "Sorting")]
    [TestCase("{{ range(100000) | unique }}", Steps, TestName = "Comparing all with all")]
    public void Rendering_ends(string template, string message)
    {
        ChatTemplate parsed = ChatTemplate.Parse(template);
        Assert.That(() => parsed.Render([]), Throws.TypeOf<ChatTemplateException>().With.Message.Contains(message));
    }

    [TestCase("""{"x": "\ud800"}""")]
    [TestCase("""{"\udc00": 1}""")]
    public void Half_a_surrogate_pair_in_JSON_is_refused(string json)
    {
        ChatTemplate template = ChatTemplate.Parse("{{ v }}{{ messages }}");
        Dictionary<string, JsonElement> values = new() { ["v"] = JsonElement.Parse(json) };
        Assert.That(
            () => template.Render([], new ChatTemplateOptions { Variables = values }),
            Throws.TypeOf<ChatTemplateException>().With.Message.Contains("is no Unicode"));
        Assert.That(
            () => template.Render([new ChatTurn("user", "x") { Fields = values }]),
            Throws.TypeOf<ChatTemplateException>().With.Message.Contains("is no Unicode"));
    }

    [Test]
    public void A_turn_that_is_null_is_named() => Assert.That(
        () => ChatTemplate.Parse("x").Render([new ChatTurn("user", "x"), null!]),
        Throws.ArgumentException.With.Message.StartsWith("turns[1] is null; a turn is required."));

    [TestCase("(", ")", "nests more than 100 levels")]
    [TestCase("[", "]", "nests more than 100 levels")]
    [TestCase("not ", "", "nests more than 100 levels")]
    [TestCase("- ", "", "nests more than 100 levels")]
    [TestCase("1 if 1 else ", "", "nests more than 100 levels")]
    [TestCase("{1: ", "}", "nests more than 100 levels")]
    public void Deep_expressions_are_refused(string open, string close, string message)
    {
        foreach (int levels in new[] { 200, 50_000 })
        {
            Assert.That(
                () => ChatTemplate.Parse("{{ " + string.Concat(Enumerable.Repeat(open, levels)) + "1" + string.Concat(Enumerable.Repeat(close, levels)) + " }}"),
                Throws.TypeOf<ChatTemplateException>().With.Message.Contains(message));
        }

        string allowed = "{{ " + string.Concat(Enumerable.Repeat(open, 40)) + "1" + string.Concat(Enumerable.Repeat(close, 40)) + " }}";
        Assert.That(() => ChatTemplate.Parse(allowed).Render([]), Throws.Nothing);
    }

    [TestCase("{% if 1 %}", "{% endif %}")]
    [TestCase("{% for x in [1] %}", "{% endfor %}")]
    [TestCase("{% filter upper %}", "{% endfilter %}")]
    [TestCase("{% macro f() %}", "{% endmacro %}")]
    [TestCase("{% set x %}", "{% endset %}")]
    public void Deep_blocks_are_refused(string open, string close)
    {
        Assert.That(
            () => ChatTemplate.Parse(string.Concat(Enumerable.Repeat(open, 5000)) + string.Concat(Enumerable.Repeat(close, 5000))),
            Throws.TypeOf<ChatTemplateException>().With.Message.Contains("nests more than 100 levels"));
        string allowed = string.Concat(Enumerable.Repeat(open, 50)) + string.Concat(Enumerable.Repeat(close, 50));
        Assert.That(() => ChatTemplate.Parse(allowed).Render([]), Throws.Nothing);
    }

    // These nest to the left without a level of the parser's own.
    [TestCase(" + 1")]
    [TestCase(" ~ 1")]
    [TestCase(" ** 1")]
    [TestCase(".a")]
    [TestCase("[0]")]
    [TestCase("|string")]
    [TestCase(" is string")]
    [TestCase(" and 1")]
    [TestCase(" is not string")]
    public void Long_chains_are_refused_when_they_are_rendered(string link)
    {
        ChatTemplate parsed = ChatTemplate.Parse("{{ 1" + string.Concat(Enumerable.Repeat(link, 20_000)) + " }}");
        Assert.That(() => parsed.Render([]), Throws.TypeOf<ChatTemplateException>().With.Message.Contains(Depth));
        Assert.That(() => ChatTemplate.Parse("{{ 1" + string.Concat(Enumerable.Repeat(link, 50)) + " }}").Render([]), Throws.Nothing);
    }

    [Test]
    public void Long_templates_are_refused()
    {
        Assert.That(
            () => ChatTemplate.Parse(new string('x', (1 << 20) + 1)),
            Throws.TypeOf<ChatTemplateException>().With.Message.Contains("the template has 1048577 characters; at most 1048576 are allowed"));
        Assert.That(ChatTemplate.Parse(new string('x', 1 << 20)).Render([]), Has.Length.EqualTo(1 << 20));
        Assert.That(
            () => ChatTemplate.Parse(string.Concat(Enumerable.Repeat("{{a}}", 150_000))),
            Throws.TypeOf<ChatTemplateException>().With.Message.Contains("the template has more than 200000 nodes"));
    }

    [Test]
    public void A_small_stack_is_enough()
    {
        Exception? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    Rendering_ends("{% macro f(x) %}{% if 1 %}{% for i in [1] %}{{ [f([x])] }}{% endfor %}{% endif %}{% endmacro %}{{ f(1) }}", Depth);
                    Deep_expressions_are_refused("(", ")", "nests more than 100 levels");
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            },
            maxStackSize: 1 << 20);
        thread.Start();
        thread.Join();
        Assert.That(failure, Is.Null);
    }

    [Test]
    public void Mutated_templates_render_or_say_what_is_wrong([Values("chatml", "llama2", "mistral", "zephyr", "deepseek")] string format)
    {
        const string pieces = "{%{{}}%}#-+'\"\\()[]|~.:,=* \n0x";
        string[] words = ["{% if x %}", "{% endif %}", "{% endfor %}", "{% set ", " in ", " is ", "loop", "messages", "none", "**", "{% raw %}"];
        string text = File.ReadAllText(TestData.PathOf($"tests/golden/chat/{format}.jinja"));
        Dictionary<string, string> tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };
        Random random = new(format.Length);
        int rendered = 0, refused = 0;
        for (int round = 0; round < 400; round++)
        {
            StringBuilder mutated = new(text);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int place = random.Next(mutated.Length), length = random.Next(0, 6);
                mutated.Remove(place, Math.Min(length, mutated.Length - place));
                mutated.Insert(Math.Min(place, mutated.Length), random.Next(3) switch
                {
                    0 => words[random.Next(words.Length)],
                    1 => pieces.Substring(random.Next(pieces.Length - 2), 2),
                    _ => "",
                });
            }

            try
            {
                ChatTemplate.Parse(mutated.ToString(), tokens).Render([new("system", "s"), new("user", "u"), new("assistant", "a")]);
                rendered++;
            }
            catch (ChatTemplateException)
            {
                refused++;
            }
        }

        Assert.That((rendered, refused), Is.Not.EqualTo((0, 400)).And.Not.EqualTo((400, 0)), $"{rendered} rendered, {refused} refused");
    }
}
