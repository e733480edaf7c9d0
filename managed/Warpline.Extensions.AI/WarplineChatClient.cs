using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Warpline.Transformers;

namespace Warpline.Extensions.AI;

/// <summary>
/// A chat model as an <see cref="IChatClient"/>: messages become tokens by the model's chat template, the answer streams.
/// </summary>
/// <remarks>
/// <para>Options: temperature, top-p, top-k, output tokens, stop sequences, seed, penalties, instructions, functions as tools;
/// what is not set is the checkpoint's. <see cref="ChatOptions.RawRepresentationFactory"/> may make a
/// <see cref="GenerationOptions"/> that the others build on; <see cref="ChatOptions.AdditionalProperties"/> are variables of the
/// template. What is asked for but not done (images, JSON formats, conversation ids and so on) is a
/// <see cref="NotSupportedException"/> that names it.</para>
/// <para>Threads: any. As many calls run at once as there are <see cref="WarplineChatClientOptions.Sessions"/>, further ones wait
/// for their turn; a stream holds its session until its enumeration ends. A call goes on in the session that holds the beginning
/// of its conversation, so a turn costs what is new in it.</para>
/// </remarks>
public sealed class WarplineChatClient : IChatClient, IAsyncDisposable
{
    private readonly TransformerModel _model;
    private readonly ChatTemplate _template;
    private readonly TextGenerator _generator;
    private readonly SessionPool _sessions;
    private readonly ChatClientMetadata _metadata;
    private readonly bool _ownsModel;

    /// <summary>Makes a client of a model.</summary>
    /// <param name="model">The model, with a tokenizer; it stays the caller's and must live as long as the client.</param>
    /// <param name="template">The model's chat template.</param>
    /// <param name="options">How to run; null for the defaults.</param>
    /// <exception cref="ArgumentException">The model has no tokenizer, or an option is out of range.</exception>
    public WarplineChatClient(TransformerModel model, ChatTemplate template, WarplineChatClientOptions? options = null)
        : this(model, template, options ?? new WarplineChatClientOptions(), ownsModel: false)
    {
    }

    private WarplineChatClient(TransformerModel model, ChatTemplate template, WarplineChatClientOptions options, bool ownsModel)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(template);
        if (model.Tokenizer is null)
        {
            throw new ArgumentException(model.TokenizerError ?? "The model has no tokenizer.json, which a conversation needs.", nameof(model));
        }

        int most = model.Config.MaxPositions;
        Capacity = options.Capacity ?? Math.Min(TransformerModel.DefaultCapacity, most);
        if (Capacity < 1 || Capacity > most)
        {
            throw new ArgumentException($"Capacity must be in [1, {most}], the model's positions, but is {Capacity}.", nameof(options));
        }

        if (options.Sessions < 1)
        {
            throw new ArgumentException($"Sessions must be at least 1, but is {options.Sessions}.", nameof(options));
        }

        (_model, _template, _ownsModel) = (model, template, ownsModel);
        _generator = new TextGenerator(model);
        _sessions = new SessionPool(model, options.Sessions, Capacity);
        _metadata = new ChatClientMetadata("warpline", providerUri: null, options.ModelId);
    }

    /// <summary>The model's name; null where none was given.</summary>
    public string? ModelId => _metadata.DefaultModelId;

    /// <summary>Most tokens of a conversation, answer included.</summary>
    public int Capacity { get; }

    /// <summary>Loads a checkpoint in Hugging Face layout; the client owns the model.</summary>
    /// <param name="directory">The checkpoint's folder.</param>
    /// <param name="template">A template in place of the checkpoint's; required where that has none.</param>
    /// <param name="modelOptions">How to compute; null for the defaults.</param>
    /// <param name="options">How to run; null for the defaults. Without a name the model has the folder's.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <returns>The client, the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The checkpoint has no template or no tokenizer, or an option is out of range.</exception>
    /// <exception cref="ChatTemplateException">The checkpoint's template is wrong.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">A file breaks its format, or the architecture is not known.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="WarplineException">The device does not exist, or memory is exhausted.</exception>
    public static async Task<WarplineChatClient> LoadAsync(
        string directory,
        ChatTemplate? template = null,
        ModelOptions? modelOptions = null,
        WarplineChatClientOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        options ??= new WarplineChatClientOptions();
        template ??= ChatTemplate.Load(directory)
            ?? throw new ArgumentException($"{directory}: the checkpoint has no chat template, so one must be given.", nameof(template));
        TransformerModel model = await TransformerModel.LoadAsync(directory, modelOptions, null, cancellationToken).ConfigureAwait(false);
        try
        {
            return new WarplineChatClient(
                model, template, options with { ModelId = options.ModelId ?? FolderName.Of(directory) }, ownsModel: true);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Answers a conversation.</summary>
    /// <param name="messages">The whole conversation.</param>
    /// <param name="options">How to answer; null for the checkpoint's own settings.</param>
    /// <param name="cancellationToken">Ends the wait or the answer.</param>
    /// <returns>One message, with its finish reason and the tokens it took.</returns>
    /// <exception cref="ArgumentException">The conversation has no tokens or more than fit, or an option is out of range.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that the client does not do; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, or the client disposed meanwhile.</exception>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);
    }

    /// <summary>Answers a conversation in pieces.</summary>
    /// <param name="messages">The whole conversation.</param>
    /// <param name="options">How to answer; null for the checkpoint's own settings.</param>
    /// <param name="cancellationToken">Ends the wait or the answer.</param>
    /// <returns>The pieces; the last one has the finish reason and the tokens it took.</returns>
    /// <exception cref="ArgumentException">From the enumeration, as all that follow: the conversation has no tokens or more than
    /// fit, or an option is out of range.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that the client does not do; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, or the client disposed meanwhile.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    /// <summary>Asks for an object behind the client: its metadata, the model, the template, itself.</summary>
    /// <param name="serviceType">The object's type.</param>
    /// <param name="serviceKey">Null; nothing has a key.</param>
    /// <returns>The object; null where there is none of this type.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null ? new object[] { _metadata, this, _model, _template }.FirstOrDefault(serviceType.IsInstanceOfType) : null;
    }

    /// <summary>Cancels the calls that run, waits for their threads and frees the sessions, and the model if the client owns it.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Cancels the calls that run, waits for their threads and frees the sessions, and the model if the client owns it.</summary>
    /// <returns>The end of it.</returns>
    public async ValueTask DisposeAsync()
    {
        await _generator.DisposeAsync().ConfigureAwait(false);
        _sessions.Dispose();
        if (_ownsModel)
        {
            _model.Dispose();
        }
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ChatRequest request = ChatRequest.Create(this, messages, options);
        int[] prompt = [.. _template.Encode(_model.Tokenizer!, request.Turns, request.Template)];
        if (prompt.Length == 0 || prompt.Length > Capacity)
        {
            throw new ArgumentException(
                prompt.Length == 0
                    ? "The chat template makes no tokens of the conversation."
                    : $"The conversation has {prompt.Length} tokens; {Capacity} fit.",
                nameof(messages));
        }

        DecoderSession session = await _sessions.TakeAsync(prompt, cancellation).ConfigureAwait(false);
        try
        {
            int cached = session.Position;
            Answer answer = new(ModelId, new ToolCallReader(request.Tools));
            await foreach (GeneratedToken token in _generator
                .GenerateAsync(session, prompt.AsMemory(cached), request.Generation, cancellation).ConfigureAwait(false))
            {
                if (answer.Add(token) is ChatResponseUpdate update)
                {
                    yield return update;
                }
            }

            yield return answer.End(prompt.Length, cached);
        }
        finally
        {
            _sessions.Return(session);
        }
    }
}
