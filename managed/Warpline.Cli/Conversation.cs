using System.Runtime.CompilerServices;
using System.Text;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary>An answer of the model.</summary>
/// <param name="Text">What it said.</param>
/// <param name="Ids">The tokens of it.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="PromptTokens">Tokens of the conversation before it.</param>
/// <param name="CachedTokens">How many of those had been computed for earlier turns.</param>
internal sealed record Answer(string Text, IReadOnlyList<int> Ids, FinishReason FinishReason, int PromptTokens, int CachedTokens);

/// <summary>
/// A conversation with its history. Each turn is rendered anew, since templates may change earlier turns; of the session stays
/// what the new tokens begin with.
/// </summary>
internal sealed class Conversation : IAsyncDisposable
{
    private readonly TransformerModel _model;
    private readonly ChatTemplate _template;
    private readonly DecoderSession _session;
    private readonly GenerationOptions _options;
    private readonly TextGenerator _generator;
    private readonly ChatTurn[] _beginning;
    private readonly List<ChatTurn> _turns = [];

    public Conversation(TransformerModel model, ChatTemplate template, DecoderSession session, GenerationOptions options, string? system)
    {
        (_model, _template, _session, _options) = (model, template, session, options);
        _generator = new TextGenerator(model);
        _beginning = system is null ? [] : [new ChatTurn("system", system)];
        Reset();
    }

    /// <summary>The last answer.</summary>
    public Answer? Last { get; private set; }

    /// <summary>Forgets all turns but the system's.</summary>
    public void Reset()
    {
        _turns.Clear();
        _turns.AddRange(_beginning);
    }

    /// <summary>Answers a message, in pieces of text. Only a whole answer enters the history, with its message.</summary>
    public async IAsyncEnumerable<string> AnswerAsync(string message, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ChatTurn user = new("user", message);
        int[] ids = [.. _template.Encode(_model.Tokenizer!, [.. _turns, user])];
        if (ids.Length == 0 || ids.Length > _session.Capacity)
        {
            throw new InvalidOperationException(ids.Length == 0
                ? "The chat template makes no tokens of the conversation."
                : $"The conversation has {ids.Length} tokens; {_session.Capacity} fit. /reset forgets it, --context makes room.");
        }

        // At least one token must be run for the logits of the next one.
        int cached = Math.Min(_session.Tokens.CommonPrefixLength(ids), ids.Length - 1);
        _session.Truncate(cached);
        List<int> produced = [];
        StringBuilder text = new();
        FinishReason? reason = null;
        await foreach (GeneratedToken token in SamplingOptions
            .Start(() => _generator.GenerateAsync(_session, ids.AsMemory(cached), _options, cancellation)).ConfigureAwait(false))
        {
            produced.Add(token.Id);
            text.Append(token.Text);
            reason = token.FinishReason;
            yield return token.Text;
        }

        Last = new Answer(text.ToString(), produced, reason!.Value, ids.Length, cached);
        _turns.AddRange([user, new ChatTurn("assistant", Last.Text)]);
    }

    public ValueTask DisposeAsync() => _generator.DisposeAsync();
}
