using Warpline.Transformers;

namespace Warpline.Interop.Tests.ExtensionsAI;

/// <summary>Makes a model say given texts, one in each answer: every step allows one token only.</summary>
internal sealed class Recitation : ILogitsProcessor
{
    private readonly PipelineTokenizer _tokenizer;
    private readonly int[][] _answers;
    private int _step;

    public Recitation(TransformerModel model, params string[] texts)
    {
        _tokenizer = (PipelineTokenizer)model.Tokenizer!;
        _answers = [.. texts.Select(text => (int[])[.. _tokenizer.Encode(text, addSpecialTokens: false), Storyteller.EndId])];
    }

    /// <summary>What the model was given before each answer.</summary>
    public List<string> Prompts { get; } = [];

    public void Process(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        if (_step == 0)
        {
            Prompts.Add(_tokenizer.Decode(tokens.ToArray()));
        }

        int[] answer = _answers[Prompts.Count - 1];
        logits.Fill(float.NegativeInfinity);
        logits[answer[_step]] = 0;
        _step = (_step + 1) % answer.Length;
    }
}
