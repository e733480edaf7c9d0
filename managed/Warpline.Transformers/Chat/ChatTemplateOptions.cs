using System.Collections.ObjectModel;
using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>What a chat template is given besides the conversation.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>Whether the text ends where the assistant's answer begins (add_generation_prompt).</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The functions that the model may call (tools), each as a template expects it: as a rule an object of type
    /// "function" whose function has a name, a description and parameters as a JSON schema. Empty: tools is none.</summary>
    public IReadOnlyList<JsonElement> Tools { get; init; } = [];

    /// <summary>Variables of a template's own, enable_thinking for example.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = ReadOnlyDictionary<string, JsonElement>.Empty;

    /// <summary>Which of several templates to use. Null: "tool_use" if there are tools and such a template, else "default".</summary>
    public string? TemplateName { get; init; }

    /// <summary>Tells the time to templates that print the date.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
