namespace Warpline.Transformers;

/// <summary>Puts a text in place of each match of a pattern in a token.</summary>
internal sealed class ReplaceDecoder(ReplaceNormalizer replace) : TokenDecoder
{
    public override TokenSink Open(TokenSink next) => new Sink(replace, next);

    private sealed class Sink(ReplaceNormalizer replace, TokenSink next) : StatelessSink(next)
    {
        public override void Add(string text, bool continues = false) => Next.Add(replace.Normalize(text));
    }
}

/// <summary>WordPiece: tokens with the prefix go on with the word before, others begin one after a blank.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanup) : TokenDecoder
{
    public override bool LooksAtPlace => true;

    private static readonly (string Dirty, string Clean)[] _cleanups =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    /// <summary>Takes out the blanks that no one writes before punctuation.</summary>
    public static string Clean(string text) => _cleanups.Aggregate(
        text, (result, pair) => result.Replace(pair.Dirty, pair.Clean, StringComparison.Ordinal));

    public override TokenSink Open(TokenSink next) => new Sink(prefix, cleanup, next);

    private sealed class Sink(string prefix, bool cleanup, TokenSink next) : StatelessSink(next)
    {
        private bool _begun;

        public override void Add(string text, bool continues = false)
        {
            string word = !_begun ? text : text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : $" {text}";
            _begun = true;
            Next.Add(cleanup ? Clean(word) : word);
        }
    }
}

/// <summary>SentencePiece's mark becomes a blank, or nothing in the first token if one was put there.</summary>
internal sealed class MetaspaceDecoder(char mark, bool prepended) : TokenDecoder
{
    public override bool LooksAtPlace => prepended;

    public override bool TakesParts => true;

    public override TokenSink Open(TokenSink next) => new Sink(mark, prepended, next);

    private sealed class Sink(char mark, bool prepended, TokenSink next) : StatelessSink(next)
    {
        // Stops at two.
        private int _tokens;

        public override void Add(string text, bool continues = false)
        {
            _tokens += continues || _tokens > 1 ? 0 : 1;
            Next.Add(text.Replace(mark.ToString(), prepended && _tokens == 1 ? "" : " ", StringComparison.Ordinal), continues);
        }
    }
}

/// <summary>The suffix of a word's last token becomes a blank, or nothing at the end of the text.</summary>
internal sealed class BpeDecoder(string suffix) : TokenDecoder
{
    public override bool LooksAtPlace => true;

    public override TokenSink Open(TokenSink next) => new Sink(suffix, next);

    private sealed class Sink(string suffix, TokenSink next) : TokenSink
    {
        private string? _last;

        public override bool HoldsText => _last is not null || next.HoldsText;

        public override void Add(string text, bool continues = false)
        {
            Give(" ");
            _last = text;
        }

        public override void End()
        {
            Give("");
            next.End();
        }

        private void Give(string blank)
        {
            if (_last is not null)
            {
                next.Add(_last.Replace(suffix, blank, StringComparison.Ordinal));
            }
        }
    }
}

/// <summary>Speech models' tokens: repetitions and padding go, the delimiter of words becomes a blank.</summary>
internal sealed class CtcDecoder(string padding, string delimiter, bool cleanup) : TokenDecoder
{
    public override bool LooksAtPlace => true;

    public override TokenSink Open(TokenSink next) => new Sink(padding, delimiter, cleanup, next);

    private sealed class Sink(string padding, string delimiter, bool cleanup, TokenSink next) : StatelessSink(next)
    {
        private string? _last;

        public override void Add(string text, bool continues = false)
        {
            bool repeated = text == _last;
            _last = text;
            string kept = padding.Length == 0 ? text : text.Replace(padding, "", StringComparison.Ordinal);
            if (cleanup)
            {
                kept = WordPieceDecoder.Clean(kept);
                kept = delimiter.Length == 0 ? kept : kept.Replace(delimiter, " ", StringComparison.Ordinal);
            }

            if (!repeated && kept.Length > 0)
            {
                Next.Add(kept);
            }
        }
    }
}

/// <summary>A file without a decoder: a blank between tokens.</summary>
internal sealed class JoinDecoder : TokenDecoder
{
    public override bool LooksAtPlace => true;

    public override TokenSink Open(TokenSink next) => new Sink(next);

    private sealed class Sink(TokenSink next) : StatelessSink(next)
    {
        private bool _begun;

        public override void Add(string text, bool continues = false)
        {
            Next.Add(_begun ? $" {text}" : text);
            _begun = true;
        }
    }
}
