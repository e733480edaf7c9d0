using Microsoft.ML.Tokenizers;
using NUnit.Framework;
using Warpline.Tests.Tokenization;
using Warpline.Transformers;

namespace Warpline.Tests.Chat;

/// <summary>What becomes of control tokens: the template's are tokens, those that data spells are text.</summary>
public sealed class ChatEncodingTests
{
    private const string Begin = """{"content":"<b>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}""";
    private const string End = """{"content":"<e>","special":true,"single_word":false,"lstrip":false,"rstrip":true,"normalized":false}""";
    private const string Normal = """{"content":"<n>","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":true}""";
    private const string Word = """{"content":"<think>","special":false,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}""";

    private static readonly Dictionary<string, string> Tokens = new() { ["bos_token"] = "<b>" };

    private static PipelineTokenizer Tiny() => TinyTokenizer.Json(["a b"], Begin, End, Normal, Word).Load();

    [TestCase("<b>{{ messages[0].content }}<e>", "x<e>y", "<b>|x|<|e|>|y|<e>")]
    [TestCase("{{ bos_token + messages[0].content }}", "<b>", "<b>|<|b|>")]
    [TestCase("{{ (messages[0].content | trim) ~ '<e>' }}", " <e> ", "<|e|>|<e>")]
    [TestCase("{{ messages[0].content.replace('q', '<e>') }}", "<b>q<e>", "<|b|>|<e>|<|e|>")]
    [TestCase("{{ messages[0].content.replace('b', 'e') }}", "<b>", "<|e|>")]
    [TestCase("{{ messages[0].content.split('|')[1] }}<e>", "x|<e>", "<|e|>|<e>")]
    [TestCase("{{ messages[0].content[2:] }}{{ messages[0].content[::-1] }}<b>", "> <b>", "<|b|>|>|b|<|Ġ|>|<b>")]
    [TestCase("{{ messages[0].content | upper | lower | title | lower }}", "<e>", "<|e|>")]
    [TestCase("{{ [messages[0].content, '<e>'] | join('<b>') }}", "<e>", "<|e|>|<b>|<e>")]
    [TestCase("{{ messages[0].content | tojson }}<e>", "<e>", "\"|<|e|>|\"|<e>")]
    [TestCase("{{ {'k': messages[0].content} }}", "<e>", "{|'|k|'|:|Ġ|'|<|e|>|'|}")]
    [TestCase("{{ messages[0].content | list | join }}<e>", "<e>", "<|e|>|<e>")]
    [TestCase("{% set x %}{{ messages[0].content }}<e>{% endset %}{{ x }}{{ x }}", "<e>", "<|e|>|<e>|<|e|>|<e>")]
    [TestCase("{% macro m(a) %}<b>{{ a }}{% endmacro %}{{ m(messages[0].content) | indent }}", "<e>", "<b>|<|e|>")]
    [TestCase("{{ messages[0].content }}e>{{ messages[0].content }}<e>", "<", "<|e|>|<|<e>")]
    [TestCase("<{{ messages[0].content }}>", "e", "<|e|>")]
    [TestCase("{{ messages[0] | tojson }}", "<b>", "{|\"|r|o|l|e|\"|:|Ġ|\"|u|s|e|r|\"|,|Ġ|\"|c|o|n|t|e|n|t|\"|:|Ġ|\"|<|b|>|\"|}")]
    [TestCase("<n>{{ messages[0].content }}<n>", "<n>", "<n>|<|n|>|<n>")]
    [TestCase("a{{ messages[0].content }}", "b", "ab")]
    [TestCase("<e>{{ messages[0].content }}", "  x", "<e>|x")]
    [TestCase("{{ messages[0].content }}", "a<think>b", "a|<think>|b")]
    public void Data_stays_text(string template, string content, string tokens)
    {
        PipelineTokenizer tokenizer = Tiny();
        IReadOnlyList<int> ids = ChatTemplate.Parse(template, Tokens).Encode(tokenizer, [new ChatTurn("user", content)]);
        Assert.That(tokenizer.Tokens(ids), Is.EqualTo(tokens));
    }

    [TestCase("\u0065\u0301<n>e\u0301", "{|n|}")]
    [TestCase("e\u0301e\u0301 <n><b>", "")]
    public void A_normalizer_does_not_move_what_is_data(string content, string _)
    {
        PipelineTokenizer tokenizer = TinyTokenizer.Json([], Begin, End, Normal).With("normalizer", """{"type":"NFC"}""").Load();
        ChatTemplate template = ChatTemplate.Parse("e\u0301e\u0301e\u0301<n>{{ messages[0].content }}e\u0301<n>e\u0301");
        IReadOnlyList<int> ids = template.Encode(tokenizer, [new ChatTurn("user", content)]);
        Assert.That(ids.Count(tokenizer.IsSpecial), Is.EqualTo(2));
        Assert.That(tokenizer.Decode(ids), Is.EqualTo(template.Render([new ChatTurn("user", content)]).Normalize()
            .Replace("e\u0301", "\u00e9", StringComparison.Ordinal)));
        IReadOnlyList<int> plain = template.Encode(tokenizer, [new ChatTurn("user", "e\u0301")]);
        Assert.That(plain, Is.EqualTo(tokenizer.Encode(template.Render([new ChatTurn("user", "e\u0301")]), addSpecialTokens: false)));
    }

    [Test]
    public void The_beginning_of_a_sequence_occurs_once()
    {
        Tokenizer tokenizer = HuggingFaceTokenizer.Load(TestData.GoldenTokenizer("llama3"));
        ChatTurn[] turns = [new("user", "Once <|begin|> upon <|end|>")];
        IReadOnlyList<int> ids = ChatTemplate.Parse("<|begin|>{{ messages[0].content }}").Encode(tokenizer, turns);
        Assert.That(tokenizer.EncodeToIds("x")[0], Is.Zero, "the tokenizer puts <|begin|> before a text");
        Assert.That(ids.Count(id => id == 0), Is.EqualTo(1));
        Assert.That(ids[0], Is.Zero);
        Assert.That(ids, Has.None.EqualTo(1));
        Assert.That(tokenizer.Decode(ids), Is.EqualTo("<|begin|>Once <|begin|> upon <|end|>"));
        Assert.That(ChatTemplate.Parse("{{ messages[0].content }}").Encode(tokenizer, turns), Has.None.EqualTo(0), "the template prints none");
    }

    [Test]
    public void Ids_are_those_of_the_text([Values("llama3", "qwen", "gpt2")] string kind)
    {
        var tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(TestData.GoldenTokenizer(kind));
        ChatTurn[] turns = [new("system", "Zażółć\n\n gęślą"), new("user", "  I'm 12345 <|x|> ﬃ \u0065\u0301 "), new("assistant", "\n")];
        foreach (string format in new[] { "chatml", "zephyr", "deepseek" })
        {
            ChatTemplate template = ChatFormatTests.Load(format);
            Assert.That(
                template.Encode(tokenizer, turns), Is.EqualTo(tokenizer.Encode(template.Render(turns), addSpecialTokens: false)), format);
        }
    }

    [Test]
    public void Another_tokenizer_is_refused()
    {
        Tokenizer other = BpeTokenizer.Create(new BpeOptions([new("a", 0)]));
        Assert.That(() => ChatTemplate.Parse("a").Encode(other, []), Throws.ArgumentException.With.Message.StartsWith(
            "BpeTokenizer cannot keep control tokens in a text apart; one from HuggingFaceTokenizer.Load is required."));
    }
}
