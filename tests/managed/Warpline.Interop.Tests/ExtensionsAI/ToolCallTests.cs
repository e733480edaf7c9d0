using System.Text.Json;
using Microsoft.Extensions.AI;
using NUnit.Framework;
using Warpline.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Interop.Tests.ExtensionsAI;

/// <summary>Functions as templates see them, and their calls in the text of answers. The model says what a test wants it to.</summary>
internal sealed class ToolCallTests
{
    private const string Call = """<tool_call>{"name": "now", "arguments": {"zone": "UTC"}}</tool_call>""";

    private static readonly AIFunction Now = AIFunctionFactory.Create((string zone) => $"12:00 {zone}", "now", "Tells the time.");

    private TransformerModel _model = null!;

    [OneTimeSetUp]
    public async Task Load() => _model = await TransformerModel.LoadAsync(Storyteller.Folder);

    [OneTimeTearDown]
    public void Free() => _model.Dispose();

    // What stands before " => " is the model's text, behind it what the client makes of it: texts, and calls in parentheses.
    [TestCase("Plain text. => Plain text.")]
    [TestCase("a < b <tool => a < b <tool")]
    [TestCase(Call + " => (now zone=UTC)")]
    [TestCase("Let me see.\n" + Call + "\n" + Call + "\n => Let me see.\n(now zone=UTC)(now zone=UTC)")]
    [TestCase(Call + " Done. => (now zone=UTC) Done.")]
    [TestCase("<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n => (now)")]
    [TestCase("<tool_call>{\"name\": \"rm\", \"arguments\": {}}</tool_call> => <tool_call>{\"name\": \"rm\", \"arguments\": {}}</tool_call>")]
    [TestCase("<tool_call>{\"name\": \"now\"}</tool_call>!" + Call + " => <tool_call>{\"name\": \"now\"}</tool_call>!(now zone=UTC)")]
    [TestCase("<tool_call>{\"name\": 7</tool_call> => <tool_call>{\"name\": 7</tool_call>")]
    [TestCase("<tool_call>[]</tool_call> => <tool_call>[]</tool_call>")]
    [TestCase("\n{\"name\": \"now\", \"parameters\": {\"zone\": \"CET\", \"n\": [1, 2]}} => (now zone=CET n=[1, 2])")]
    [TestCase("{\"name\": \"rm\", \"parameters\": {}} => {\"name\": \"rm\", \"parameters\": {}}")]
    [TestCase("{ is a brace => { is a brace")]
    [TestCase("<tool_call>{\"name\": \"\\ud800\", \"arguments\": {}}</tool_call> => <tool_call>{\"name\": \"\\ud800\", \"arguments\": {}}</tool_call>")]
    [TestCase("{\"name\": \"now\", \"parameters\": {\"\\udc00\": 1}} => {\"name\": \"now\", \"parameters\": {\"\\udc00\": 1}}")]
    public async Task Calls_are_found_in_text(string example)
    {
        (string text, string expected) = (example.Split(" => ")[0], example.Split(" => ")[1]);
        using WarplineChatClient client = new(_model, Storyteller.Template);
        ChatResponse response = await client.GetResponseAsync("x", Reciting(text));
        Assert.That(string.Concat(response.Messages.Single().Contents.Select(Show)), Is.EqualTo(expected));
        bool called = expected.Contains('(');
        Assert.That(response.FinishReason, Is.EqualTo(called ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop));
        ChatOptions without = Reciting(text);
        without.ToolMode = ChatToolMode.None;
        Assert.That((await client.GetResponseAsync("x", without)).Text, Is.EqualTo(text), "without tools text is text");
    }

    [Test]
    public async Task Text_is_held_back_only_while_it_could_become_a_call()
    {
        using WarplineChatClient client = new(_model, Storyteller.Template);
        List<string> pieces = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("x", Reciting("One two three <four " + Call)))
        {
            pieces.Add(string.Concat(update.Contents.Where(content => content is not UsageContent).Select(Show)));
        }

        Assert.That(string.Concat(pieces), Is.EqualTo("One two three <four (now zone=UTC)"));
        Assert.That(pieces.TakeWhile(piece => !piece.Contains('<')).Count(), Is.GreaterThanOrEqualTo(3));
    }

    [Test]
    public async Task A_function_is_called_and_its_result_answered()
    {
        using IChatClient client = new WarplineChatClient(_model, ChatTemplate.Parse("{{ tools | tojson }} {{ messages | tojson }}")).AsBuilder()
            .UseFunctionInvocation()
            .Build();
        Recitation recitation = new(_model, Call, "It is noon.");
        ChatOptions options = Options(recitation);
        options.Instructions = "Be exact.";
        ChatResponse response = await client.GetResponseAsync("Time?", options);
        Assert.That(response.Text, Is.EqualTo("It is noon."));
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
        string id = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Single().CallId;
        Assert.That(id, Does.Match("^[0-9a-z]{9}$"));
        const string talk = """{"role": "system", "content": "Be exact."}, {"role": "user", "content": "Time?"}""";
        Assert.That(recitation.Prompts[0], Does.EndWith($" [{talk}]"));
        Assert.That(recitation.Prompts[0], Does.StartWith(
            """[{"type": "function", "function": {"name": "now", "description": "Tells the time.", "parameters": {"""));
        using JsonDocument tools = JsonDocument.Parse(recitation.Prompts[0][..^(talk.Length + 3)]);
        JsonElement parameters = tools.RootElement[0].GetProperty("function").GetProperty("parameters");
        Assert.That(JsonElement.DeepEquals(parameters, Now.JsonSchema), Is.True);
        string call = """{"type": "function", "id": "ID", "function": {"name": "now", "arguments": {"zone": "UTC"}}}""".Replace("ID", id);
        string result = """{"role": "tool", "content": "12:00 UTC", "tool_call_id": "ID", "name": "now"}""".Replace("ID", id);
        Assert.That(
            recitation.Prompts[1], Does.EndWith($$""" [{{talk}}, {"role": "assistant", "content": "", "tool_calls": [{{call}}]}, {{result}}]"""));
    }

    [Test]
    public async Task Messages_become_the_turns_of_the_template()
    {
        using WarplineChatClient client = new(
            _model, ChatTemplate.Parse("{{ messages | tojson }} {{ enable_thinking }} {{ level }} {{ tools is none }}"));
        Recitation recitation = new(_model, "x");
        ChatMessage[] messages =
        [
            new(ChatRole.System, "a"),
            new(ChatRole.User, [new TextContent("b"), new TextContent("c")]) { AuthorName = "Zoe" },
            new(ChatRole.Assistant, [new TextReasoningContent("d"), new TextContent("e"), new UsageContent(new UsageDetails())]),
            new(ChatRole.Tool, [new FunctionResultContent("1", new Dictionary<string, object?> { ["f"] = 1 }), new FunctionResultContent("2", null)]),
            new(new ChatRole("critic"), ""),
        ];
        await client.GetResponseAsync(messages, new ChatOptions
        {
            Instructions = "First:",
            AdditionalProperties = new() { ["enable_thinking"] = false, ["level"] = "high" },
            RawRepresentationFactory = _ => new GenerationOptions { LogitsProcessor = recitation },
        });
        Assert.That(recitation.Prompts.Single(), Is.EqualTo(
            """[{"role": "system", "content": "First:\na"}, {"role": "user", "content": "bc", "name": "Zoe"}, """
            + """{"role": "assistant", "content": "e", "reasoning_content": "d"}, """
            + """{"role": "tool", "content": "{\"f\":1}", "tool_call_id": "1"}, {"role": "tool", "content": "null", "tool_call_id": "2"}, """
            + """{"role": "critic", "content": ""}] False high True"""));
    }

    private ChatOptions Reciting(string text) => Options(new Recitation(_model, text));

    private static ChatOptions Options(Recitation recitation) => new()
    {
        Tools = [Now],
        RawRepresentationFactory = _ => new GenerationOptions { LogitsProcessor = recitation },
    };

    private static string Show(AIContent content) => content switch
    {
        TextContent text => text.Text,
        FunctionCallContent call => $"({call.Name}{string.Concat(call.Arguments!.Select(item => $" {item.Key}={item.Value}"))})",
        _ => content.GetType().Name,
    };
}
