using System.CommandLine;
using System.Text.Json;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary><c>warpline chat</c>: a conversation, a line of input for each message.</summary>
internal sealed class ChatCommand
{
    private readonly SharedOptions _shared;
    private readonly SamplingOptions _sampling = new();
    private readonly Option<string?> _system = new("--system") { Description = "What the model is told before the conversation." };
    private readonly Option<FileInfo?> _template = new("--chat-template")
    {
        Description = "A Jinja template in place of the checkpoint's.",
    };

    private readonly Option<int?> _context = NumberOption.Create<int>(
        "--context", $"Most tokens of the conversation; the model's positions, {TransformerModel.DefaultCapacity} at most, if not given.");

    private readonly Terminal _terminal;

    private ChatCommand(Terminal terminal) => (_terminal, _shared) = (terminal, new SharedOptions(terminal));

    public static Command Create(Terminal terminal)
    {
        ChatCommand self = new(terminal);
        Command command = new("chat", """
            Talks with a chat model: every line of the input is a message, and the answer streams. The checkpoint's chat template
            turns the conversation into the model's text; control tokens in messages stay text. What was computed for earlier
            turns is kept, so each turn costs what is new in it. Sampling settings are those of generate.

            The line /reset forgets the conversation, but not --system; /exit, or the end of the input, ends with exit code 0.
            Blank lines are passed over. With --json each answer is one line: text, finish_reason, prompt_tokens, cached_tokens
            (those that were not computed again) and ids. Where the output is a terminal, a message that fails is reported and
            the conversation goes on; elsewhere it ends with exit code 1.

            Examples:
              warpline chat MODEL --system "Answer in one sentence."
              warpline chat MODEL --chat-template my.jinja --temperature 0.7 --seed 7
              printf '%s\n' "Hello" "And in French?" | warpline chat MODEL --json
            """)
        {
            self._shared.Model, self._system, self._template, self._context, self._shared.Pack, self._shared.Type, self._shared.Device,
            self._shared.Json,
        };
        self._sampling.AddTo(command);
        command.SetAction(self.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        _shared.ReadDevice(parsed);
        string directory = parsed.GetValue(_shared.Model)!.FullName;
        ChatTemplate template = ChatTemplate.Load(directory, parsed.GetValue(_template)?.FullName)
            ?? throw new UsageException($"{directory}: the checkpoint has no chat template; give one with --chat-template FILE.");
        using TransformerModel model = await _shared.LoadAsync(parsed, cancellation).ConfigureAwait(false);
        SharedOptions.RequireTokenizer(model, "a conversation needs it");
        using DecoderSession session = SamplingOptions.Start(() => model.CreateSession(parsed.GetValue(_context)));
        await using Conversation conversation = new(model, template, session, _sampling.Read(parsed), parsed.GetValue(_system));
        bool json = parsed.GetValue(_shared.Json);
        while (await ReadLineAsync(cancellation).ConfigureAwait(false) is string line && line != "/exit")
        {
            if (line == "/reset")
            {
                conversation.Reset();
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                await AnswerAsync(conversation, line, json, cancellation).ConfigureAwait(false);
            }
        }

        return ExitCode.Done;
    }

    private Task<string?> ReadLineAsync(CancellationToken cancellation)
    {
        if (_terminal.Interactive && !_terminal.Quiet)
        {
            _terminal.Output.Write("> ");
            _terminal.Output.Flush();
        }

        // A console's reader does not look at the cancellation while it waits.
        return Task.Run(_terminal.Input.ReadLine, cancellation).WaitAsync(cancellation);
    }

    private async Task AnswerAsync(Conversation conversation, string message, bool json, CancellationToken cancellation)
    {
        try
        {
            await foreach (string text in conversation.AnswerAsync(message, cancellation).ConfigureAwait(false))
            {
                if (!json)
                {
                    _terminal.Output.Write(text);
                    _terminal.Output.Flush();
                }
            }
        }
        catch (Exception exception) when (_terminal.Interactive && exception is ChatTemplateException or InvalidOperationException)
        {
            _terminal.Complain(exception.Message);
            return;
        }

        Answer answer = conversation.Last!;
        if (json)
        {
            _terminal.WriteJson(writer => Write(writer, answer), indented: false);
            return;
        }

        _terminal.Output.WriteLine();
        if (_terminal.Interactive)
        {
            _terminal.Note(
                $"[{answer.PromptTokens} + {answer.Ids.Count} tokens, {answer.CachedTokens} of them from before, {answer.FinishReason}]");
        }
    }

    private static void Write(Utf8JsonWriter writer, Answer answer)
    {
        writer.WriteStartObject();
        writer.WriteString("text", answer.Text);
        writer.WriteString("finish_reason", answer.FinishReason.ToString());
        writer.WriteNumber("prompt_tokens", answer.PromptTokens);
        writer.WriteNumber("cached_tokens", answer.CachedTokens);
        writer.WriteNumberList("ids", answer.Ids);
        writer.WriteEndObject();
    }
}
