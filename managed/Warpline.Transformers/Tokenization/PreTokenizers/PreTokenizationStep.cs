using System.Buffers;

namespace Warpline.Transformers;

/// <summary>Takes the pieces of a text in order: the next step, or the model.</summary>
internal abstract class PieceReceiver
{
    /// <summary>Takes a piece.</summary>
    /// <param name="piece">Its text, not empty.</param>
    /// <param name="first">Whether it begins where the whole text begins.</param>
    public abstract void Piece(ReadOnlySpan<char> piece, bool first);

    /// <summary>Takes text that belongs to no piece.</summary>
    public abstract void Gap(ReadOnlySpan<char> text);
}

/// <summary>A step of pre-tokenization: cuts a piece, or changes its text. Immutable.</summary>
internal abstract class PreTokenizationStep
{
    /// <summary>Gives the next one what becomes of a piece.</summary>
    public abstract void Apply(ReadOnlySpan<char> piece, bool first, PieceReceiver next);

    /// <summary>A receiver that applies this step and hands on.</summary>
    public PieceReceiver Before(PieceReceiver next) => new Link(this, next);

    private sealed class Link(PreTokenizationStep step, PieceReceiver next) : PieceReceiver
    {
        public override void Piece(ReadOnlySpan<char> piece, bool first) => step.Apply(piece, first, next);

        public override void Gap(ReadOnlySpan<char> text) => next.Gap(text);
    }
}

/// <summary>ByteLevel's add_prefix_space: a blank before each piece that does not begin with one.</summary>
internal sealed class PrefixSpaceStep : PreTokenizationStep
{
    public override void Apply(ReadOnlySpan<char> piece, bool first, PieceReceiver next) =>
        next.Piece(piece[0] == ' ' ? piece : $" {piece}", first);
}

/// <summary>Spells each piece in the alphabet of byte-level vocabularies.</summary>
internal sealed class ByteLevelStep : PreTokenizationStep
{
    private const int _onStack = 512;

    public override void Apply(ReadOnlySpan<char> piece, bool first, PieceReceiver next)
    {
        int most = ByteAlphabet.MaxLength(piece.Length);
        if (most <= _onStack)
        {
            Span<char> spelled = stackalloc char[_onStack];
            next.Piece(spelled[..ByteAlphabet.Spell(piece, spelled)], first);
            return;
        }

        char[] rented = ArrayPool<char>.Shared.Rent(most);
        next.Piece(rented.AsSpan(0, ByteAlphabet.Spell(piece, rented)), first);
        ArrayPool<char>.Shared.Return(rented);
    }
}

/// <summary>SentencePiece's blanks: each becomes a mark, a mark is put before, and the text is cut before each mark.</summary>
/// <param name="mark">What stands for a blank, U+2581 in all known files.</param>
/// <param name="prepend">Before which pieces a mark is put that do not begin with one.</param>
/// <param name="cut">The step that cuts, or null.</param>
internal sealed class MetaspaceStep(char mark, MetaspacePrepend prepend, CutStep? cut) : PreTokenizationStep
{
    public override void Apply(ReadOnlySpan<char> piece, bool first, PieceReceiver next)
    {
        bool prefixed = prepend switch
        {
            MetaspacePrepend.Always => true,
            MetaspacePrepend.First => first,
            _ => false,
        } && piece[0] != mark && piece[0] != ' ';
        char[] rented = ArrayPool<char>.Shared.Rent(piece.Length + 1);
        int start = prefixed ? 1 : 0;
        rented[0] = mark;
        piece.Replace(rented.AsSpan(start), ' ', mark);
        ReadOnlySpan<char> marked = rented.AsSpan(0, start + piece.Length);
        if (cut is null)
        {
            next.Piece(marked, first);
        }
        else
        {
            cut.Apply(marked, first, next);
        }

        ArrayPool<char>.Shared.Return(rented);
    }
}

/// <summary>Where Metaspace puts a mark.</summary>
internal enum MetaspacePrepend
{
    Always,
    First,
    Never,
}
