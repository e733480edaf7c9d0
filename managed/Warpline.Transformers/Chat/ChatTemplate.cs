using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// Turns a conversation into the text that a chat model was trained on, by the checkpoint's template (a Jinja program), and
/// into that text's tokens. Immutable and safe from any thread.
/// </summary>
/// <remarks>
/// Templates of models from elsewhere are programs of strangers: text, syntax tree, depth, steps and output are bounded, and a
/// template reaches nothing but what it is given.
/// </remarks>
public sealed class ChatTemplate
{
    private const string DefaultName = "default";
    private const string ToolName = "tool_use";

    private readonly Dictionary<string, JinjaTemplate> _templates;
    private readonly IReadOnlyDictionary<string, string> _tokens;

    private ChatTemplate(IReadOnlyDictionary<string, (string Text, string Source)> templates, IReadOnlyDictionary<string, string> tokens)
    {
        _templates = templates.ToDictionary(item => item.Key, item => JinjaTemplate.Parse(item.Value.Text, item.Value.Source));
        _tokens = tokens;
    }

    /// <summary>The names of the templates; most checkpoints have one, "default".</summary>
    public IReadOnlyCollection<string> Names => _templates.Keys;

    /// <summary>Loads a checkpoint's template: chat_template.jinja (and additional_chat_templates), else chat_template.json,
    /// else tokenizer_config.json. Control tokens that templates name come from tokenizer_config.json, else from
    /// special_tokens_map.json.</summary>
    /// <param name="directory">The checkpoint's directory.</param>
    /// <param name="templateFile">A template in place of the checkpoint's.</param>
    /// <returns>The template; null where the checkpoint has none.</returns>
    /// <exception cref="ChatTemplateException">The text is no template; the message names line and column.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format; the message names it.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ChatTemplate? Load(string directory, string? templateFile = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"{directory}: a checkpoint's folder is required, but there is none of this name.");
        }

        var files = new ChatTemplateFiles(directory);
        Dictionary<string, (string, string)> found =
            templateFile is null ? files.FindTemplates() : ChatTemplateFiles.ReadTemplate(templateFile);
        return found.Count > 0 ? new ChatTemplate(found, files.FindTokens()) : null;
    }

    /// <summary>Makes a template from its text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="specialTokens">The control tokens by the names that the template knows, as bos_token; null for none.</param>
    /// <param name="source">What messages call it.</param>
    /// <returns>The template.</returns>
    /// <exception cref="ChatTemplateException">The text is no template; the message names line and column.</exception>
    public static ChatTemplate Parse(
        string text, IReadOnlyDictionary<string, string>? specialTokens = null, string source = "chat template")
    {
        ArgumentNullException.ThrowIfNull(text);
        return new ChatTemplate(
            new Dictionary<string, (string, string)> { [DefaultName] = (text, source) }, specialTokens ?? new Dictionary<string, string>());
    }

    /// <summary>Writes a conversation as the model's text.</summary>
    /// <param name="turns">The conversation.</param>
    /// <param name="options">What else the template is given; null for the defaults.</param>
    /// <returns>The text, control tokens spelled out.</returns>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails or breaks a bound, or a text in JSON is
    /// half a surrogate pair.</exception>
    /// <exception cref="ArgumentException">A turn is null, or there is no template of the name asked for.</exception>
    public string Render(IReadOnlyList<ChatTurn> turns, ChatTemplateOptions? options = null) => RenderText(turns, options).Value;

    /// <summary>
    /// Writes a conversation as the model's tokens. Special tokens come from the template alone: where a turn, a tool or a
    /// variable spells one, it stays text. Nothing is put around the text, so that the beginning of a sequence, which templates
    /// print themselves, occurs once.
    /// </summary>
    /// <param name="tokenizer">The checkpoint's tokenizer, loaded by <see cref="HuggingFaceTokenizer"/>.</param>
    /// <param name="turns">The conversation.</param>
    /// <param name="options">What else the template is given; null for the defaults.</param>
    /// <returns>The ids; those of the text where no data spells a special token.</returns>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails or breaks a bound, or a text in JSON is
    /// half a surrogate pair.</exception>
    /// <exception cref="ArgumentException">The tokenizer is of another kind, a turn is null, or there is no template of the name asked for.</exception>
    public IReadOnlyList<int> Encode(Tokenizer tokenizer, IReadOnlyList<ChatTurn> turns, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        IMarkedTextEncoder encoder = tokenizer as IMarkedTextEncoder ?? throw new ArgumentException(
            $"{tokenizer.GetType().Name} cannot keep control tokens in a text apart; one from HuggingFaceTokenizer.Load is required.",
            nameof(tokenizer));
        JinjaText text = RenderText(turns, options);
        return encoder.Encode(text.Value, (start, end) => !text.HasData(start, end));
    }

    private JinjaText RenderText(IReadOnlyList<ChatTurn> turns, ChatTemplateOptions? options)
    {
        ArgumentNullException.ThrowIfNull(turns);
        for (int i = 0; i < turns.Count; i++)
        {
            _ = turns[i] ?? throw new ArgumentException($"turns[{i}] is null; a turn is required.", nameof(turns));
        }

        options ??= new ChatTemplateOptions();
        return Choose(options).Render(
            (variables, budget) =>
            {
                foreach ((string name, string token) in _tokens)
                {
                    variables.Set(name, JinjaText.OfTemplate(token));
                }

                foreach ((string name, JsonElement value) in options.Variables)
                {
                    variables.Set(name, JinjaData.Read(value, budget));
                }

                variables.Set("messages", new JinjaList([.. turns.Select(turn => turn.ToValue(budget))]));
                variables.Set("tools", options.Tools.Count == 0
                    ? JinjaValue.None
                    : new JinjaList([.. options.Tools.Select(tool => JinjaData.Read(tool, budget))]));
                variables.Set("add_generation_prompt", JinjaBoolean.Of(options.AddGenerationPrompt));
            },
            options.Time);
    }

    private JinjaTemplate Choose(ChatTemplateOptions options)
    {
        string name = options.TemplateName ?? (options.Tools.Count > 0 && _templates.ContainsKey(ToolName) ? ToolName : DefaultName);
        return _templates.GetValueOrDefault(name) ?? throw new ArgumentException(
            $"The template's name is \"{name}\"; one of {string.Join(", ", _templates.Keys)} is required.", nameof(options));
    }
}
