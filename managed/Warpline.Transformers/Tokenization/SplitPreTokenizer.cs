using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// The pre-tokenizer of a byte-level tokenizer: scanners, each cutting the pieces of the one before it. The blank that
/// add_prefix_space puts before a piece changes the text, so the tokenizer does that; here it is only known.
/// </summary>
internal sealed class SplitPreTokenizer(IReadOnlyList<SplitPreTokenizer.Step> steps) : PreTokenizer
{
    /// <summary>One step: put a blank before the piece unless it begins with one, or else cut it.</summary>
    public readonly record struct Step(SplitPatterns.Scanner? Scanner)
    {
        public bool IsPrefix => Scanner is null;
    }

    public IReadOnlyList<Step> Steps => steps;

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Pieces(text);
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => Pieces(text);

    private List<(int Offset, int Length)> Pieces(ReadOnlySpan<char> text)
    {
        List<(int Offset, int Length)> pieces = text.IsEmpty ? [] : [(0, text.Length)];
        foreach (Step step in steps)
        {
            if (step.Scanner is not { } scanner)
            {
                continue;
            }

            List<(int Offset, int Length)> cut = [];
            foreach ((int offset, int length) in pieces)
            {
                ReadOnlySpan<char> piece = text.Slice(offset, length);
                for (int start = 0; start < length;)
                {
                    int end = scanner(piece, start);
                    cut.Add((offset + start, end - start));
                    start = end;
                }
            }

            pieces = cut;
        }

        return pieces;
    }
}
