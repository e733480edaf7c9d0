using System.Buffers;
using System.Globalization;
using System.Text;

namespace Warpline.Transformers;

/// <summary>Tokens in the alphabet of bytes: all of them are one text in UTF-8, with U+FFFD for what is not valid.</summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    public override TokenSink Open(TokenSink next) => new Sink(next);

    private sealed class Sink(TokenSink next) : TokenSink
    {
        // The start of a character that is not a whole one yet.
        private byte[] _pending = [];
        private bool _continues;

        public override bool HoldsText => _pending.Length > 0 || next.HoldsText;

        public override void Add(string text, bool continues = false)
        {
            byte[] bytes = ByteAlphabet.BytesOf(text);
            byte[] joined = _pending.Length == 0 ? bytes : [.. _pending, .. bytes];
            ReadOnlySpan<byte> rest = joined;
            int whole = rest.Length - UnfinishedLength(rest);
            if (whole > 0)
            {
                // Invalid bytes come back as U+FFFD, once for each longest start of a character, as in whole decoding.
                next.Add(Encoding.UTF8.GetString(rest[..whole]), _continues);
                _continues = true;
            }

            _pending = rest[whole..].ToArray();
        }

        public override void End()
        {
            if (_pending.Length > 0)
            {
                next.Add("\uFFFD", _continues);
            }

            next.End();
        }

        // How many bytes at the end begin a character and do not end it.
        private static int UnfinishedLength(ReadOnlySpan<byte> bytes)
        {
            for (int length = 1; length <= Math.Min(3, bytes.Length); length++)
            {
                if (Rune.DecodeFromUtf8(bytes[^length..], out _, out int consumed) == OperationStatus.NeedMoreData && consumed == length)
                {
                    return length;
                }
            }

            return 0;
        }
    }
}

/// <summary>
/// Tokens &lt;0x00&gt; to &lt;0xFF&gt;: a run of them is one text if it is valid UTF-8, else as many U+FFFD as there are bytes. So a run
/// is held back until it ends.
/// </summary>
internal sealed class ByteFallbackDecoder : TokenDecoder
{
    public override TokenSink Open(TokenSink next) => new Sink(next);

    private sealed class Sink(TokenSink next) : TokenSink
    {
        private readonly List<byte> _run = [];

        public override bool HoldsText => _run.Count > 0 || next.HoldsText;

        public override void Add(string text, bool continues = false)
        {
            if (text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal) && text[5] == '>'
                && byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                _run.Add(value);
                return;
            }

            EndRun();
            next.Add(text);
        }

        public override void End()
        {
            EndRun();
            next.End();
        }

        private void EndRun()
        {
            if (_run.Count == 0)
            {
                return;
            }

            byte[] bytes = [.. _run];
            _run.Clear();
            if (System.Text.Unicode.Utf8.IsValid(bytes))
            {
                next.Add(Encoding.UTF8.GetString(bytes));
                return;
            }

            foreach (byte _ in bytes)
            {
                next.Add("\uFFFD");
            }
        }
    }
}
