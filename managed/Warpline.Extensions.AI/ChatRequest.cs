using System.Text.Json;
using Microsoft.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>Messages and options of the abstractions in the runtime's terms.</summary>
internal sealed record ChatRequest(IReadOnlyList<ChatTurn> Turns, ChatTemplateOptions Template, GenerationOptions Generation, IReadOnlySet<string> Tools)
{
    /// <summary>Translates.</summary>
    /// <exception cref="NotSupportedException">Something asks for what the client does not do; the message names it.</exception>
    public static ChatRequest Create(WarplineChatClient client, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        options ??= new ChatOptions();
        Refuse(client, options);
        AIFunctionDeclaration[] tools = options.ToolMode is NoneChatToolMode ? [] : [.. (options.Tools ?? []).Select(RequireFunction)];
        return new ChatRequest(
            ChatTurns.Create(messages, options.Instructions),
            new ChatTemplateOptions { Tools = [.. tools.Select(Describe)], Variables = ReadVariables(options) },
            ReadGeneration(client, options),
            tools.Select(tool => tool.Name).ToHashSet());
    }

    private static void Refuse(WarplineChatClient client, ChatOptions options)
    {
        if (options.ModelId is string model && model != client.ModelId)
        {
            throw new NotSupportedException($"ModelId is \"{model}\"; this client serves {client.ModelId ?? "one model without a name"}.");
        }

        Require(options.ConversationId is null, nameof(options.ConversationId), "the client keeps no conversations: pass all messages");
        Require(options.ResponseFormat is null or ChatResponseFormatText, nameof(options.ResponseFormat), "answers are text");
        Require(options.ToolMode is not RequiredChatToolMode, nameof(options.ToolMode), "the model decides whether to call a tool");
        Require(options.AllowMultipleToolCalls is not false, nameof(options.AllowMultipleToolCalls), "the model decides how many tools it calls");
        Require(options.Reasoning is null, nameof(options.Reasoning), "templates have variables for it: AdditionalProperties sets them");
    }

    private static void Require(bool holds, string option, string reason)
    {
        if (!holds)
        {
            throw new NotSupportedException($"ChatOptions.{option} is set, which is not supported; {reason}.");
        }
    }

    private static AIFunctionDeclaration RequireFunction(AITool? tool) => tool switch
    {
        AIFunctionDeclaration function => function,
        null => throw new ArgumentException("ChatOptions.Tools holds null; functions are required."),
        _ => throw new NotSupportedException($"The tool {tool.Name} is a {tool.GetType().Name}, which is not supported; functions are."),
    };

    /// <summary>A function as chat templates expect it.</summary>
    private static JsonElement Describe(AIFunctionDeclaration tool) => JsonElement.Parse(JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        writer.WriteString("name", tool.Name);
        writer.WriteString("description", tool.Description);
        writer.WritePropertyName("parameters");
        tool.JsonSchema.WriteTo(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }));

    private static Dictionary<string, JsonElement> ReadVariables(ChatOptions options) =>
        (options.AdditionalProperties ?? []).ToDictionary(item => item.Key, item => JsonValues.Of(item.Value));

    private static GenerationOptions ReadGeneration(WarplineChatClient client, ChatOptions options)
    {
        GenerationOptions own = options.RawRepresentationFactory?.Invoke(client) switch
        {
            null => new GenerationOptions(),
            GenerationOptions generation => generation,
            object other => throw new NotSupportedException(
                $"RawRepresentationFactory makes a {other.GetType()}; {typeof(GenerationOptions)} is supported."),
        };
        return own with
        {
            Temperature = options.Temperature ?? own.Temperature,
            TopP = options.TopP ?? own.TopP,
            TopK = options.TopK ?? own.TopK,
            MaxOutputTokens = options.MaxOutputTokens ?? own.MaxOutputTokens,
            FrequencyPenalty = options.FrequencyPenalty ?? own.FrequencyPenalty,
            PresencePenalty = options.PresencePenalty ?? own.PresencePenalty,
            Seed = options.Seed ?? own.Seed,
            StopSequences = options.StopSequences is null ? own.StopSequences : [.. options.StopSequences],
        };
    }
}
