using System.Text;
using Microsoft.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>Messages of the abstractions as the turns that a chat template sees.</summary>
internal static class ChatTurns
{
    /// <summary>Translates; instructions go before the system's message, which is made where there is none.</summary>
    /// <exception cref="NotSupportedException">A message holds what is no text; the message names it.</exception>
    public static IReadOnlyList<ChatTurn> Create(IEnumerable<ChatMessage> messages, string? instructions)
    {
        List<ChatTurn> turns = [];
        Dictionary<string, string> calls = [];
        foreach (ChatMessage message in messages)
        {
            Add(message ?? throw new ArgumentException("A message is null.", nameof(messages)), turns, calls);
        }

        if (!string.IsNullOrEmpty(instructions))
        {
            bool joins = turns is [{ Role: "system" }, ..];
            ChatTurn system = joins ? turns[0] with { Content = $"{instructions}\n{turns[0].Content}" } : new ChatTurn("system", instructions);
            turns.RemoveRange(0, joins ? 1 : 0);
            turns.Insert(0, system);
        }

        return turns;
    }

    private static void Add(ChatMessage message, List<ChatTurn> turns, Dictionary<string, string> calls)
    {
        StringBuilder text = new(), reasoning = new();
        List<ChatToolCall> asked = [];
        List<ChatTurn> results = [];
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text.Append(part.Text);
                    break;
                case TextReasoningContent part:
                    reasoning.Append(part.Text);
                    break;
                case FunctionCallContent call:
                    asked.Add(new ChatToolCall(call.Name, JsonValues.OfMap(call.Arguments), call.CallId));
                    calls[call.CallId] = call.Name;
                    break;
                case FunctionResultContent result:
                    results.Add(new ChatTurn("tool", JsonValues.Text(result.Result))
                    {
                        ToolCallId = result.CallId,
                        Name = calls.GetValueOrDefault(result.CallId),
                    });
                    break;
                case UsageContent:
                    // What an answer cost is no part of the conversation.
                    break;
                default:
                    throw new NotSupportedException($"A message of the role {message.Role} holds {Name(content)}, which is not supported; text is.");
            }
        }

        if (text.Length > 0 || asked.Count > 0 || results.Count == 0)
        {
            turns.Add(new ChatTurn(message.Role.Value, text.ToString())
            {
                Name = message.AuthorName,
                ReasoningContent = reasoning.Length > 0 ? reasoning.ToString() : null,
                ToolCalls = asked,
            });
        }

        turns.AddRange(results);
    }

    private static string Name(AIContent? content) => content switch
    {
        DataContent data => $"{nameof(DataContent)} of the type {data.MediaType}",
        UriContent uri => $"{nameof(UriContent)} of the type {uri.MediaType}",
        null => "null",
        _ => content.GetType().Name,
    };
}
