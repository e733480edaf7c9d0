using System.Text;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>
/// Finds a checkpoint's chat templates and control tokens: chat_template.jinja (with additional_chat_templates), else
/// chat_template.json, else tokenizer_config.json; control tokens from the latter, else from special_tokens_map.json.
/// </summary>
internal sealed class ChatTemplateFiles(string directory)
{
    private const string DefaultName = "default";
    private const string TemplateFile = "chat_template.jinja";
    private const string MoreTemplates = "additional_chat_templates";
    private const string LegacyFile = "chat_template.json";
    private const string ConfigFile = "tokenizer_config.json";
    private const string TokensFile = "special_tokens_map.json";
    private const long MaxBytes = 64 << 20;

    /// <summary>The templates by name, each with what messages call it; empty where there are none.</summary>
    public Dictionary<string, (string Text, string Source)> FindTemplates()
    {
        Dictionary<string, (string, string)> found = new(StringComparer.Ordinal);
        string file = Path.Combine(directory, TemplateFile), folder = Path.Combine(directory, MoreTemplates);
        if (File.Exists(file))
        {
            found[DefaultName] = (ReadText(file), file);
            foreach (string other in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.jinja") : [])
            {
                found[Path.GetFileNameWithoutExtension(other)] = (ReadText(other), other);
            }

            return found;
        }

        foreach (string name in new[] { LegacyFile, ConfigFile })
        {
            if (found.Count == 0 && Read(name).TryGetValue("chat_template", out JsonElement element))
            {
                AddTemplates(element, Path.Combine(directory, name), found);
            }
        }

        return found;
    }

    /// <summary>A template from a file of one's own.</summary>
    public static Dictionary<string, (string Text, string Source)> ReadTemplate(string file) => new() { [DefaultName] = (ReadText(file), file) };

    /// <summary>The control tokens by the names that templates know: bos_token, eos_token and so on.</summary>
    public Dictionary<string, string> FindTokens()
    {
        Dictionary<string, string> tokens = new(StringComparer.Ordinal);
        Dictionary<string, JsonElement> config = Read(ConfigFile);
        IEnumerable<KeyValuePair<string, JsonElement>> more =
            config.TryGetValue("extra_special_tokens", out JsonElement extra) && extra.ValueKind == JsonValueKind.Object
                ? extra.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, property.Value))
                : [];
        foreach ((string name, JsonElement value) in config.Concat(more).Concat(Read(TokensFile)))
        {
            // Written as the text, or as an object that has it as content.
            bool whole = value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out _);
            JsonElement content = whole ? value.GetProperty("content") : value;
            if (name.EndsWith("_token", StringComparison.Ordinal) && content.ValueKind == JsonValueKind.String)
            {
                tokens.TryAdd(name, content.GetString()!);
            }
        }

        return tokens;
    }

    private static void AddTemplates(JsonElement element, string source, Dictionary<string, (string, string)> found)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Null:
                return;
            case JsonValueKind.String:
                found[DefaultName] = (element.GetString()!, $"{source}: chat_template");
                return;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    if (item.ValueKind != JsonValueKind.Object || Text(item, "name") is not string name || Text(item, "template") is not string text)
                    {
                        throw new InvalidDataException(
                            $"{source}: an element of chat_template is {JsonFile.Quote(item)}; an object with the strings name and template is required.");
                    }

                    found[name] = (text, $"{source}: chat_template \"{name}\"");
                }

                return;
            default:
                throw new InvalidDataException(
                    $"{source}: chat_template is {JsonFile.Quote(element)}; a string or a list of named templates is required.");
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string ReadText(string path)
    {
        byte[] bytes = JsonFile.ReadBytes(path, MaxBytes);
        return Encoding.UTF8.GetString(bytes.AsSpan(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0));
    }

    private Dictionary<string, JsonElement> Read(string name)
    {
        string path = Path.Combine(directory, name);
        return File.Exists(path)
            ? JsonFile.ParseKeys(JsonFile.ReadBytes(path, MaxBytes), path)
            : [];
    }
}
