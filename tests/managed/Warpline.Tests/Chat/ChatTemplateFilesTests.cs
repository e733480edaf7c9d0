using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Chat;

/// <summary>Where a checkpoint keeps its template and its control tokens.</summary>
public sealed class ChatTemplateFilesTests
{
    private string _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("warpline-chat").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void The_newest_layout_comes_first()
    {
        Assert.That(ChatTemplate.Load(_folder), Is.Null);
        Write("tokenizer_config.json", """{"chat_template": null}""");
        Assert.That(ChatTemplate.Load(_folder), Is.Null);
        Write("tokenizer_config.json", """{"chat_template": "config"}""");
        Assert.That(Render(), Is.EqualTo("config"));
        Write("chat_template.json", """{"chat_template": "json"}""");
        Assert.That(Render(), Is.EqualTo("json"));
        Write("chat_template.jinja", "\uFEFFjinja\n");
        Assert.That(Render(), Is.EqualTo("jinja"));
        Directory.CreateDirectory(Path.Combine(_folder, "additional_chat_templates"));
        Write("additional_chat_templates/rag.jinja", "rag");
        Assert.That(ChatTemplate.Load(_folder)!.Names, Is.EquivalentTo(new[] { "default", "rag" }));
        Assert.That(Render(new ChatTemplateOptions { TemplateName = "rag" }), Is.EqualTo("rag"));
        Write("own.jinja", "own");
        Assert.That(ChatTemplate.Load(_folder, Path.Combine(_folder, "own.jinja"))!.Render([]), Is.EqualTo("own"));
    }

    [Test]
    public void Of_several_templates_the_one_for_tools_is_taken_where_there_are_tools()
    {
        Write("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]}""");
        ChatTemplateOptions tools = new() { Tools = [System.Text.Json.JsonElement.Parse("{}")] };
        Assert.That(Render(), Is.EqualTo("d"));
        Assert.That(Render(tools), Is.EqualTo("t"));
        Assert.That(Render(tools with { TemplateName = "default" }), Is.EqualTo("d"));
        Assert.That(() => Render(new ChatTemplateOptions { TemplateName = "x" }), Throws.ArgumentException.With.Message.StartsWith(
            "The template's name is \"x\"; one of default, tool_use is required."));
    }

    [Test]
    public void Control_tokens_are_strings_or_objects()
    {
        Write("tokenizer_config.json", """
            {"chat_template": "{{ bos_token }} {{ eos_token }} {{ pad_token }} {{ image_token }} {{ unk_token is defined }}",
             "bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "unk_token": null, "add_bos_token": true,
             "extra_special_tokens": {"image_token": "<image>"}}
            """);
        Write("special_tokens_map.json", """{"bos_token": "other", "pad_token": {"content": "<pad>"}}""");
        Assert.That(Render(), Is.EqualTo("<s> </s> <pad> <image> False"));
    }

    [TestCase("{\"chat_template\": 7}", "chat_template is 7; a string or a list of named templates is required.")]
    [TestCase("{\"chat_template\": [{\"name\": \"x\"}]}", "an element of chat_template is {\"name\": \"x\"}; an object with the strings name and template is required.")]
    [TestCase("[]", "tokenizer_config.json: ")]
    public void A_file_that_breaks_its_format_is_named(string text, string message)
    {
        Write("tokenizer_config.json", text);
        Assert.That(() => ChatTemplate.Load(_folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("tokenizer_config.json: ")
            .And.Message.Contains(message));
    }

    [Test]
    public void A_template_that_is_none_is_named_with_its_file()
    {
        Write("tokenizer_config.json", """{"chat_template": "{% if"}""");
        Assert.That(() => ChatTemplate.Load(_folder), Throws.TypeOf<ChatTemplateException>().With.Message.EqualTo(
            $"{Path.Combine(_folder, "tokenizer_config.json")}: chat_template: line 1, column 1: the tag is not closed, at \"{{% if\"."));
        Assert.That(() => ChatTemplate.Load(Path.Combine(_folder, "none")), Throws.TypeOf<DirectoryNotFoundException>());
    }

    private string Render(ChatTemplateOptions? options = null) => ChatTemplate.Load(_folder)!.Render([], options);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
