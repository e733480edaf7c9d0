using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>A normalizer of whole texts.</summary>
internal abstract class TextNormalizer : Normalizer
{
    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
}

/// <summary>One normalizer after another.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> steps) : TextNormalizer
{
    public override string Normalize(string original) => steps.Aggregate(original, (text, step) => step.Normalize(text));
}

/// <summary>Lower case, character by character.</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    public override string Normalize(string original) => Lowercase.Of(original);
}

/// <summary>Puts a text before any that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string Normalize(string original) => original.Length == 0 ? original : prefix + original;
}

/// <summary>Takes white space off the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override string Normalize(string original)
    {
        ReadOnlySpan<char> text = original;
        text = left ? text.TrimStart() : text;
        return (right ? text.TrimEnd() : text).ToString();
    }
}

/// <summary>Spells a text in the alphabet of byte-level vocabularies.</summary>
internal sealed class ByteLevelNormalizer : TextNormalizer
{
    public override string Normalize(string original) => ByteAlphabet.Spell(original);
}
