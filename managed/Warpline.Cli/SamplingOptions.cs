using System.CommandLine;
using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary>Options of the verbs that generate: how tokens are chosen and when to end.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int?> _maxTokens = NumberOption.Create<int>("--max-tokens", "Most tokens to produce.", "-n");
    private readonly Option<float?> _temperature = NumberOption.Create<float>("--temperature", "Divides the logits; 0 is greedy.");
    private readonly Option<int?> _topK = NumberOption.Create<int>("--top-k", "Keep the k most probable tokens.");
    private readonly Option<float?> _topP = NumberOption.Create<float>("--top-p", "Keep the most probable tokens up to this mass.");
    private readonly Option<float?> _minP = NumberOption.Create<float>("--min-p", "Drop tokens below this share of the best one.");
    private readonly Option<float?> _repetition = NumberOption.Create<float>("--repetition-penalty", "Of used tokens; 1 is none.");
    private readonly Option<float?> _frequency = NumberOption.Create<float>("--frequency-penalty", "Subtracted for each occurrence.");
    private readonly Option<float?> _presence = NumberOption.Create<float>("--presence-penalty", "Subtracted if a token occurred.");
    private readonly Option<long?> _seed = NumberOption.Create<long>("--seed", "Same seed, same tokens, when sampling.");
    private readonly Option<string[]> _stop = new("--stop") { Description = "End before this text; may be given several times." };
    private readonly Option<bool> _ignoreEnd = new("--ignore-eos") { Description = "Go on past end-of-sequence tokens." };

    /// <summary>Gives a verb these options.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _maxTokens, _temperature, _topK, _topP, _minP, _repetition, _frequency, _presence, _seed, _stop, _ignoreEnd,
        })
        {
            command.Add(option);
        }
    }

    /// <summary>What was given.</summary>
    public GenerationOptions Read(ParseResult parsed) => new()
    {
        MaxOutputTokens = parsed.GetValue(_maxTokens),
        Temperature = parsed.GetValue(_temperature),
        TopK = parsed.GetValue(_topK),
        TopP = parsed.GetValue(_topP),
        MinP = parsed.GetValue(_minP),
        RepetitionPenalty = parsed.GetValue(_repetition),
        FrequencyPenalty = parsed.GetValue(_frequency),
        PresencePenalty = parsed.GetValue(_presence),
        Seed = parsed.GetValue(_seed),
        StopSequences = parsed.GetValue(_stop) ?? [],
        IgnoreEndOfSequence = parsed.GetValue(_ignoreEnd),
    };

    /// <summary>Starts a generation or a session; options that the library refuses are wrong usage.</summary>
    public static T Start<T>(Func<T> start)
    {
        try
        {
            return start();
        }
        catch (ArgumentException exception)
        {
            string message = WarplineCommand.Explain(exception);
            throw new UsageException(exception is ArgumentOutOfRangeException { ActualValue: { } value } ? $"{message[..^1]}, but is {value}." : message);
        }
    }
}
