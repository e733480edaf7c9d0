using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// The alphabet of byte-level vocabularies: each of the 256 bytes has a printable character; those that are printable in
/// Latin-1 stand for themselves, the rest follow from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
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
    public static byte[] BytesOf(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            short value = token[i] < _byteOfChar.Length ? _byteOfChar[token[i]] : (short)-1;
            if (value < 0)
            {
                return Encoding.UTF8.GetBytes(token);
            }

            bytes[i] = (byte)value;
        }

        return bytes;
    }

    /// <summary>Text as byte-level vocabularies spell it.</summary>
    public static string Spell(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(bytes.Length, bytes, static (chars, source) =>
        {
            for (int i = 0; i < chars.Length; i++)
            {
                chars[i] = _charOfByte[source[i]];
            }
        });
    }
}
