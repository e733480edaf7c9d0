namespace Warpline.Transformers;

/// <summary>A tokenizer that can tell where in a text special tokens may stand and where their spelling is just text.</summary>
internal interface IMarkedTextEncoder
{
    /// <summary>Encodes a text as it is, without the tokens that the file's template puts around one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mayBeSpecial">Whether the characters from a start to before an end may become a special token.</param>
    IReadOnlyList<int> Encode(string text, Func<int, int, bool> mayBeSpecial);
}
