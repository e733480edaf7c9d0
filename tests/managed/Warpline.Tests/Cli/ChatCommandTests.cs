using System.Text.Json;
using NUnit.Framework;
using Warpline.Cli;
using Warpline.Transformers;

namespace Warpline.Tests.Cli;

/// <summary>The verb chat, on the storyteller with a template of one's own: it knows stories and no turns.</summary>
public sealed class ChatCommandTests
{
    private const string Template = "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ '\\n' }}{% endfor %}";

    private string _folder = null!;
    private string _template = null!;

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("warpline-chat").FullName;
        _template = Path.Combine(_folder, "template.jinja");
        File.WriteAllText(_template, Template);
    }

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task Turns_go_on_from_the_cache_as_from_a_fresh_start()
    {
        string[] messages = ["Once upon a time there was a clever goat", "What was the goat called?", "Zoe was a curious <|end|> hen."];
        (int code, string output, string error) = await Chat(string.Join('\n', messages), "--json", "--max-tokens", "10", "--system", "Stories.");
        Assert.That(code, Is.Zero, error);
        JsonElement[] answers = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];
        Assert.That(answers, Has.Length.EqualTo(3));

        // The reference: each turn rendered, encoded and run anew.
        using TransformerModel model = await TransformerModel.LoadAsync(TestData.Storyteller);
        await using TextGenerator generator = new(model);
        ChatTemplate template = ChatTemplate.Load(TestData.Storyteller, _template)!;
        List<ChatTurn> turns = [new("system", "Stories.")];
        int before = 0;
        foreach ((string message, JsonElement answer) in messages.Zip(answers))
        {
            turns.Add(new ChatTurn("user", message));
            int[] prompt = [.. template.Encode(model.Tokenizer!, turns)];
            Assert.That(prompt.Count(id => id < 2), Is.EqualTo(1), "one control token: the beginning");
            List<GeneratedToken> tokens = [];
            await foreach (GeneratedToken token in generator.GenerateAsync(prompt, new GenerationOptions { MaxOutputTokens = 10 }))
            {
                tokens.Add(token);
            }

            string text = string.Concat(tokens.Select(token => token.Text));
            Assert.That(answer.GetProperty("text").GetString(), Is.EqualTo(text));
            Assert.That(answer.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), Is.EqualTo(tokens.Select(token => token.Id)));
            Assert.That(answer.GetProperty("finish_reason").GetString(), Is.EqualTo(tokens[^1].FinishReason.ToString()));
            Assert.That(answer.GetProperty("prompt_tokens").GetInt32(), Is.EqualTo(prompt.Length));
            Assert.That(answer.GetProperty("cached_tokens").GetInt32(), before == 0 ? Is.Zero : Is.AtLeast(before).And.LessThan(prompt.Length));
            before = prompt.Length;
            turns.Add(new ChatTurn("assistant", text));
        }
    }

    [Test]
    public async Task Lines_are_messages_and_two_of_them_commands()
    {
        (int code, string output, string error) = await Chat("Once upon a time\n\n  \n/reset\nOnce upon a time\n/exit\nno more", "-n", "8");
        Assert.That(code, Is.Zero, error);
        string half = output[..(output.Length / 2)];
        Assert.That(half, Has.Length.GreaterThan(10).And.EndsWith("\n"));
        Assert.That(output, Is.EqualTo(half + half), "after /reset the same again, and nothing for blank lines and after /exit");
        Assert.That((await Chat("", "-n", "8")).Output, Is.Empty);
    }

    [Test]
    public async Task A_person_sees_prompts_and_can_go_on_after_an_error()
    {
        await File.WriteAllTextAsync(_template, Template + "{% if 'bad' in messages[-1].content %}{{ raise_exception('No.') }}{% endif %}");
        (int code, string output, string error) = await Run(interactive: true, "bad\nOnce\n/exit", "-n", "2");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.StartWith("> > ").And.Match(@"\n\[\d+ \+ 2 tokens, 0 of them from before, Length\]\n> $"));
        Assert.That(error, Does.Contain("the template refuses: No.").And.Not.Contain("\n\n"));
        (code, output, error) = await Chat("bad\nOnce", "-n", "2");
        Assert.That((code, output), Is.EqualTo((ExitCode.Failed, "")));
        Assert.That(error, Does.StartWith($"warpline: {_template}: line 1, column "));
    }

    [Test]
    public async Task A_conversation_that_does_not_fit_is_refused_with_the_numbers()
    {
        (int code, _, string error) = await Chat("Once upon a time there was a clever goat", "--context", "4");
        Assert.That(code, Is.EqualTo(ExitCode.Failed));
        Assert.That(error, Does.Match(@"^warpline: The conversation has \d+ tokens; 4 fit\. /reset forgets it, --context makes room\.\n$"));
        (code, _, error) = await Chat("x", "--context", "0");
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, "warpline: The capacity must be in [1, 2048], the model's positions, but is 0.\n")));
        (code, _, error) = await Chat("x", "--top-p", "7");
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage, "warpline: TopP must be in (0, 1], but is 7.\n")));
    }

    [Test]
    public async Task A_model_without_a_template_needs_one()
    {
        (int code, _, string error) = await CommandRun.Run(["chat", TestData.Storyteller]);
        Assert.That((code, error), Is.EqualTo((ExitCode.Usage,
            $"warpline: {TestData.Storyteller}: the checkpoint has no chat template; give one with --chat-template FILE.\n")));
        await File.WriteAllTextAsync(_template, "{% if");
        Assert.That((await Chat("x")).Error, Does.StartWith($"warpline: {_template}: line 1, column 1: the tag is not closed"));
        await File.WriteAllTextAsync(_template, "");
        Assert.That((await Chat("x")).Error, Is.EqualTo("warpline: The chat template makes no tokens of the conversation.\n"));
        Assert.That((await Chat("x", "--chat-template", Path.Combine(_folder, "none"))).Code, Is.EqualTo(ExitCode.Failed));
    }

    private Task<(int Code, string Output, string Error)> Chat(string input, params string[] options) => Run(interactive: false, input, options);

    private Task<(int Code, string Output, string Error)> Run(bool interactive, string input, params string[] options)
    {
        string[] template = options.Contains("--chat-template") ? [] : ["--chat-template", _template];
        return CommandRun.Run(["chat", TestData.Storyteller, .. template, .. options], input, interactive);
    }
}
