using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// The alphabet of byte-level vocabularies: each of the 256 bytes has a printable character; those that are printable in
/// Latin-1 stand for themselves, the rest follow from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    private const int _maxBytesOfChar = 3;
    private const char _charOfBlank = '\u0120';

    private static readonly char[] _charOfByte = new char[256];
    private static readonly short[] _byteOfChar = new short[256 + 68];

    static ByteAlphabet()
    {
        Array.Fill(_byteOfChar, (short)-1);
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            int character = printable ? value : next++;
            _charOfByte[value] = (char)character;
            _byteOfChar[character] = (short)value;
        }
    }

    public static char CharOf(byte value) => _charOfByte[value];

    /// <summary>The bytes that a token stands for: by the alphabet, or its UTF-8 if any character is outside of it.</summary>
    public static byte[] BytesOf(ReadOnlySpan<char> token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            short value = token[i] < _byteOfChar.Length ? _byteOfChar[token[i]] : (short)-1;
            if (value < 0)
            {
                bytes = new byte[Encoding.UTF8.GetByteCount(token)];
                Encoding.UTF8.GetBytes(token, bytes);
                break;
            }

            bytes[i] = (byte)value;
        }

        return bytes;
    }

    /// <summary>At most how many characters a text is spelled with.</summary>
    public static int MaxLength(int textLength) => _maxBytesOfChar * textLength;

    /// <summary>Text as byte-level vocabularies spell it.</summary>
    public static string Spell(string text)
    {
        char[] spelled = new char[MaxLength(text.Length)];
        return new string(spelled, 0, Spell(text, spelled));
    }

    /// <summary>Spells a text into a span that has room for it.</summary>
    /// <returns>How many characters were written.</returns>
    public static int Spell(ReadOnlySpan<char> text, Span<char> spelled)
    {
        // Nearly all English words are printable ASCII with at most a blank before them, spelled as they are.
        int plain = 0;
        for (; plain < text.Length && text[plain] is >= ' ' and <= '~'; plain++)
        {
            spelled[plain] = text[plain] == ' ' ? _charOfBlank : text[plain];
        }

        int written = plain;
        Span<byte> utf8 = stackalloc byte[4];
        while (plain < text.Length)
        {
            int count = Characters.At(text, plain, out plain).EncodeToUtf8(utf8);
            foreach (byte value in utf8[..count])
            {
                spelled[written++] = _charOfByte[value];
            }
        }

        return written;
    }
}
