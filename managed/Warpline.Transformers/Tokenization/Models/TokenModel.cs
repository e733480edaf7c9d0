namespace Warpline.Transformers;

/// <summary>A token of a piece, with the characters of the piece that it stands for.</summary>
internal readonly record struct ModelToken(int Id, int Start, int End);

/// <summary>Turns pieces of text into tokens. Immutable and safe from any thread.</summary>
internal abstract class TokenModel
{
    /// <summary>The model's own tokens, without the added ones.</summary>
    public abstract Dictionary<string, int> Ids { get; }

    /// <summary>Appends the tokens of a piece, which is not empty and has no half of a surrogate pair.</summary>
    public abstract void Encode(ReadOnlySpan<char> piece, List<ModelToken> tokens);
}
