namespace Warpline.Transformers;

/// <summary>What becomes of the matches of a cut.</summary>
internal enum CutBehavior
{
    /// <summary>Each is a piece.</summary>
    Isolated,

    /// <summary>Each belongs to no piece.</summary>
    Removed,

    /// <summary>Neighbouring matches are one piece.</summary>
    Contiguous,

    /// <summary>Each ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>Each begins the piece after it.</summary>
    MergedWithNext,
}

/// <summary>Cuts pieces at the matches of a pattern, or, inverted, at what lies between them.</summary>
internal sealed class CutStep(Pattern pattern, CutBehavior behavior, bool invert = false) : PreTokenizationStep
{
    public override void Apply(ReadOnlySpan<char> piece, bool first, PieceReceiver next)
    {
        var parts = new Parts(piece, first, behavior, next);
        int position = 0;
        while (position < piece.Length && pattern.TryFind(piece, position, out int start, out int end))
        {
            if (start > position)
            {
                parts.Add(position, start, invert);
            }

            parts.Add(start, end, !invert);
            position = end;
        }

        if (position < piece.Length)
        {
            parts.Add(position, piece.Length, invert);
        }

        parts.End();
    }

    /// <summary>Matches and what lies between, in order; the last part is kept back while the one after may join it.</summary>
    private ref struct Parts(ReadOnlySpan<char> piece, bool first, CutBehavior behavior, PieceReceiver next)
    {
        private readonly ReadOnlySpan<char> _piece = piece;
        private int _start = -1;
        private int _end;
        private bool _isMatch;

        public void Add(int start, int end, bool isMatch)
        {
            if (behavior == CutBehavior.Isolated)
            {
                next.Piece(_piece[start..end], first && start == 0);
                return;
            }

            if (behavior == CutBehavior.Removed)
            {
                if (isMatch)
                {
                    next.Gap(_piece[start..end]);
                }
                else
                {
                    next.Piece(_piece[start..end], first && start == 0);
                }

                return;
            }

            bool joins = _start >= 0 && behavior switch
            {
                CutBehavior.Contiguous => isMatch == _isMatch,
                CutBehavior.MergedWithPrevious => isMatch && !_isMatch,
                _ => !isMatch && _isMatch,
            };
            if (!joins)
            {
                End();
                _start = start;
            }

            (_end, _isMatch) = (end, isMatch);
        }

        public void End()
        {
            if (_start >= 0)
            {
                next.Piece(_piece[_start.._end], first && _start == 0);
                _start = -1;
            }
        }
    }
}
