using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// Makes one token of all. Where what follows takes parts, the parts are given on as they come; else all is held back.
/// </summary>
internal sealed class FuseDecoder(bool givesParts) : TokenDecoder
{
    public override bool TakesParts => true;

    public override TokenSink Open(TokenSink next) => givesParts ? new PartsSink(next) : new WholeSink(next);

    private sealed class PartsSink(TokenSink next) : StatelessSink(next)
    {
        private bool _continues;

        public override void Add(string text, bool continues = false)
        {
            Next.Add(text, _continues);
            _continues = true;
        }
    }

    private sealed class WholeSink(TokenSink next) : TokenSink
    {
        private readonly StringBuilder _text = new();

        public override bool HoldsText => _text.Length > 0 || next.HoldsText;

        public override void Add(string text, bool continues = false) => _text.Append(text);

        public override void End()
        {
            next.Add(_text.ToString());
            next.End();
        }
    }
}

/// <summary>Takes a character off the start and the end of each token, up to so many times.</summary>
internal sealed class StripDecoder(char content, int start, int stop) : TokenDecoder
{
    public override bool LooksAtPlace => true;

    public override bool TakesParts => true;

    public override TokenSink Open(TokenSink next) => new Sink(content, start, stop, next);

    private sealed class Sink(char content, int start, int stop, TokenSink next) : TokenSink
    {
        // How many more may be taken off the start, and how many at the end so far wait for what follows.
        private int _left;
        private int _waiting;
        private bool _given;

        public override bool HoldsText => _waiting > 0 || next.HoldsText;

        public override void Add(string text, bool continues = false)
        {
            if (!continues)
            {
                (_left, _waiting, _given) = (start, 0, false);
            }

            ReadOnlySpan<char> rest = text;
            while (_left > 0 && rest.Length > 0 && rest[0] == content)
            {
                rest = rest[1..];
                _left--;
            }

            _left = rest.Length > 0 ? 0 : _left;
            ReadOnlySpan<char> body = rest.TrimEnd(content);
            int trailing = rest.Length - body.Length + (body.Length == 0 ? _waiting : 0);
            string before = body.Length == 0 ? "" : new string(content, _waiting);
            _waiting = Math.Min(trailing, stop);
            next.Add(string.Concat(before, body, new string(content, trailing - _waiting)), _given);
            _given = true;
        }

        public override void End() => next.End();
    }
}
