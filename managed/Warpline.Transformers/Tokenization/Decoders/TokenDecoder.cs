using System.Text;

namespace Warpline.Transformers;

/// <summary>A step of decoding, as a file states it. Immutable; <see cref="Open"/> makes what does the work.</summary>
internal abstract class TokenDecoder
{
    /// <summary>Starts on a new sequence of tokens.</summary>
    /// <param name="next">What takes the tokens that come out.</param>
    public abstract TokenSink Open(TokenSink next);

    /// <summary>Whether a token means something else at the start or the end of a text than in it.</summary>
    public virtual bool LooksAtPlace => false;

    /// <summary>Whether tokens may come in parts, as <see cref="FuseDecoder"/> gives them.</summary>
    public virtual bool TakesParts => false;
}

/// <summary>Takes tokens in order, as text, and gives on what becomes of them as soon as later ones cannot change it.</summary>
internal abstract class TokenSink
{
    /// <summary>Whether text is held back that depends on what follows.</summary>
    public abstract bool HoldsText { get; }

    /// <summary>Takes a token, or the next part of one.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="continues">Whether it goes on with the token before.</param>
    public abstract void Add(string text, bool continues = false);

    /// <summary>Ends the sequence.</summary>
    public abstract void End();
}

/// <summary>A sink that looks at one token at a time and keeps nothing.</summary>
internal abstract class StatelessSink(TokenSink next) : TokenSink
{
    public override bool HoldsText => next.HoldsText;

    protected TokenSink Next => next;

    public override void End() => next.End();
}

/// <summary>The end of the steps: joins the tokens.</summary>
internal sealed class TextSink : TokenSink
{
    private readonly StringBuilder _text = new();

    public override bool HoldsText => false;

    public override void Add(string text, bool continues = false) => _text.Append(text);

    public override void End()
    {
    }

    /// <summary>The text since the last call.</summary>
    public string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}
