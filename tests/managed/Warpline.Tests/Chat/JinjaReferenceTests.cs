using System.Text.Json;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Chat;

/// <summary>
/// The language itself: tests/golden/chat/jinja.json holds templates with what Python's Jinja 3.1.6 makes of them, set up as
/// transformers does (trim_blocks, lstrip_blocks, loop controls, its tojson).
/// </summary>
public sealed class JinjaReferenceTests
{
    [TestCaseSource(nameof(Cases))]
    public void Text_is_what_Python_prints(string template, string text)
    {
        ChatTemplateOptions options = new()
        {
            Variables = new Dictionary<string, JsonElement> { ["d"] = JsonElement.Parse("""{"a": 1, "b": null, "c": [1.5, true]}""") },
        };
        Assert.That(ChatTemplate.Parse(template).Render([new ChatTurn("user", null)], options), Is.EqualTo(text));
    }

    private static IEnumerable<TestCaseData> Cases()
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(TestData.PathOf("tests/golden/chat/jinja.json")));
        int number = 0;
        foreach (JsonElement item in json.RootElement.EnumerateArray())
        {
            string template = item.GetProperty("template").GetString()!;
            yield return new TestCaseData(template, item.GetProperty("text").GetString()!)
                .SetName($"Text_is_what_Python_prints({number++})");
        }
    }
}
