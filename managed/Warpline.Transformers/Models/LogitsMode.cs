namespace Warpline.Transformers;

/// <summary>Which logits <see cref="DecoderSession.Forward"/> returns.</summary>
public enum LogitsMode
{
    /// <summary>Those after the last token: one row.</summary>
    Last,

    /// <summary>Those after each token: one row a token.</summary>
    All,

    /// <summary>None: the tokens only enter the cache.</summary>
    None,
}
