using System.Text;
using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Chat;

/// <summary>Five documented formats, written as templates under tests/golden/chat; what they print is written here by hand.</summary>
public sealed class ChatFormatTests
{
    private static readonly ChatTurn[] Talk =
    [
        new("system", "Be brief."), new("user", " Hi "), new("assistant", "Hello."), new("user", "Bye"),
    ];

    private static readonly ChatTurn[] Calls =
    [
        new("user", "Time?"),
        new("assistant", "") { ToolCalls = [new ChatToolCall("now", JsonElement.Parse("""{"zone":"UTC","n":[1,2.50]}"""), "abcdefghi")] },
        new("tool", "{\"t\": \"12:00\"}") { ToolCallId = "abcdefghi" },
    ];

    private static readonly ChatTemplateOptions NoPrompt = new() { AddGenerationPrompt = false };

    [Test]
    public void ChatML()
    {
        ChatTemplate template = Load("chatml");
        const string text =
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
            + "<|im_start|>user\nBye<|im_end|>\n";
        Assert.That(template.Render(Talk, NoPrompt), Is.EqualTo(text));
        Assert.That(template.Render(Talk), Is.EqualTo(text + "<|im_start|>assistant\n"));
        Assert.That(
            template.Render([], NoPrompt), Is.EqualTo("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"));
        ChatTurn parts = new("user", null)
        {
            Fields = new Dictionary<string, JsonElement>
            {
                ["content"] = JsonElement.Parse("""[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]"""),
            },
        };
        Assert.That(template.Render([parts], NoPrompt), Does.EndWith("<|im_start|>user\na\nb<|im_end|>\n"));
    }

    [Test]
    public void Llama_2()
    {
        ChatTemplate template = Load("llama2");
        Assert.That(template.Render(Talk), Is.EqualTo(
            "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello. </s><s>[INST] Bye [/INST]"));
        Refuses(() => template.Render([Talk[0], Talk[2]]), 10, "Conversation roles must alternate user/assistant/user/assistant/...");
    }

    [Test]
    public void Mistral_with_functions()
    {
        ChatTemplate template = Load("mistral");
        Assert.That(template.Render(Talk), Is.EqualTo("<s>[INST]  Hi [/INST] Hello.</s>[INST] Be brief.\n\nBye[/INST]"));
        ChatTemplateOptions options = new()
        {
            Tools = [JsonElement.Parse("""{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{}}}}""")],
        };
        Assert.That(template.Render(Calls, options), Is.EqualTo(
            "<s>[AVAILABLE_TOOLS] [{\"type\": \"function\", \"function\": {\"name\": \"now\", \"parameters\": {\"type\": \"object\", "
            + "\"properties\": {}}}}][/AVAILABLE_TOOLS][INST] Time?[/INST][TOOL_CALLS] [{\"name\": \"now\", \"arguments\": "
            + "{\"zone\": \"UTC\", \"n\": [1, 2.5]}, \"id\": \"abcdefghi\"}]</s>[TOOL_RESULTS] {\"content\": "
            + "\"{\\\"t\\\": \\\"12:00\\\"}\", \"call_id\": \"abcdefghi\"}[/TOOL_RESULTS]"));
        ChatTurn unnamed = Calls[1] with { ToolCalls = [Calls[1].ToolCalls[0] with { Id = null }] };
        Refuses(() => template.Render([Calls[0], unnamed]), 25, "Tool call IDs must be 9 characters long.");
    }

    [Test]
    public void Zephyr()
    {
        ChatTemplate template = Load("zephyr");
        const string text = "<|system|>\nBe brief.</s>\n<|user|>\n Hi </s>\n<|assistant|>\nHello.</s>\n<|user|>\nBye</s>\n";
        Assert.That(template.Render(Talk, NoPrompt), Is.EqualTo(text));
        Assert.That(template.Render(Talk), Is.EqualTo(text + "<|assistant|>\n"));
    }

    [Test]
    public void DeepSeek()
    {
        ChatTemplate template = Load("deepseek");
        Assert.That(template.Render([.. Talk[..2], new ChatTurn("assistant", "<think>\nHm.\n</think>\n\nHello."), Talk[3]]), Is.EqualTo(
            "<s>Be brief.<｜User｜> Hi <｜Assistant｜>\n\nHello.</s><｜User｜>Bye<｜Assistant｜>"));
        Assert.That(template.Render(Calls), Is.EqualTo(
            "<s><｜User｜>Time?<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n"
            + "{\n  \"zone\": \"UTC\",\n  \"n\": [\n    1,\n    2.5\n  ]\n}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜></s>"
            + "<｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>{\"t\": \"12:00\"}<｜tool▁output▁end｜><｜tool▁outputs▁end｜>"));
        ChatTemplateOptions thinking = new() { Variables = new Dictionary<string, JsonElement> { ["thinking"] = JsonElement.Parse("true") } };
        Assert.That(template.Render([Talk[3]], thinking), Is.EqualTo("<s><｜User｜>Bye<｜Assistant｜><think>\n"));
    }

    [Test]
    public void Turns_are_read_from_JSON()
    {
        IReadOnlyList<ChatTurn> turns = ChatTurn.ParseList(
            """[{"content":"a","role":"user","name":"Zoe","content_type":1},{"role":"assistant","content":null,"tool_calls":[{"x":1}]}]"""u8);
        Assert.That(turns.Select(turn => (turn.Role, turn.Content)), Is.EqualTo(new[] { ("user", "a"), ("assistant", (string?)null) }));
        ChatTemplate template = ChatTemplate.Parse("{% for m in messages %}{{ m | tojson }} {{ m.content is none }} {% endfor %}");
        Assert.That(template.Render(turns), Is.EqualTo(
            """{"role": "user", "content": "a", "name": "Zoe", "content_type": 1} False """
            + """{"role": "assistant", "content": null, "tool_calls": [{"x": 1}]} True """));
        ChatTurn own = new("assistant", null) { ReasoningContent = "r", ToolCallId = "i", Name = "n" };
        Assert.That(template.Render([own]), Does.StartWith(
            """{"role": "assistant", "reasoning_content": "r", "tool_call_id": "i", "name": "n"} False"""));
    }

    [TestCase("{}", "turns: ")]
    [TestCase("[1]", "turns: element 0 has no role; an object with the string \"role\" is required.")]
    [TestCase("[{\"role\":\"user\"},{\"role\":7}]", "turns: element 1 has no role; an object with the string \"role\" is required.")]
    [TestCase("[{\"role\":\"user\",\"role\":\"user\"}", "turns: ")]
    public void Turns_that_are_none_are_named(string json, string message) => Assert.That(
        () => ChatTurn.ParseList(Encoding.UTF8.GetBytes(json), "turns"),
        Throws.TypeOf<InvalidDataException>().With.Message.StartsWith(message));

    internal static ChatTemplate Load(string format) => ChatTemplate.Parse(
        File.ReadAllText(TestData.PathOf($"tests/golden/chat/{format}.jinja")),
        new Dictionary<string, string> { ["bos_token"] = "<s>", ["eos_token"] = "</s>" }, format);

    private static void Refuses(Action render, int line, string message)
    {
        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(render)!;
        Assert.That(exception.Line, Is.EqualTo(line), exception.Message);
        Assert.That(exception.Message, Does.Contain($": the template refuses: {message}, at \""));
    }
}
