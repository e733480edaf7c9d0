using Microsoft.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>An answer on its way: makes updates of tokens.</summary>
internal sealed class Answer(string? modelId, ToolCallReader reader)
{
    private readonly string _id = Guid.NewGuid().ToString("N");
    private readonly DateTimeOffset _created = DateTimeOffset.UtcNow;
    private int _tokens;
    private FinishReason? _reason;

    /// <summary>Adds a token; null where it releases nothing.</summary>
    public ChatResponseUpdate? Add(GeneratedToken token)
    {
        _tokens++;
        _reason = token.FinishReason;
        AIContent[] contents = [.. reader.Append(token.Text)];
        return contents.Length > 0 ? Update(contents) : null;
    }

    /// <summary>The last update.</summary>
    public ChatResponseUpdate End(int promptTokens, int cachedTokens)
    {
        ChatResponseUpdate update = Update([.. reader.Flush(), new UsageContent(new UsageDetails
        {
            InputTokenCount = promptTokens,
            CachedInputTokenCount = cachedTokens,
            OutputTokenCount = _tokens,
            TotalTokenCount = promptTokens + _tokens,
        })]);
        update.FinishReason = reader.Called ? ChatFinishReason.ToolCalls
            : _reason is FinishReason.Length or FinishReason.Capacity ? ChatFinishReason.Length
            : ChatFinishReason.Stop;
        return update;
    }

    private ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
    {
        ResponseId = _id,
        MessageId = _id,
        ModelId = modelId,
        CreatedAt = _created,
    };
}
