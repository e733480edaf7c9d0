using System.Text;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>How much is wanted of a text's tokens; each more than the one before.</summary>
internal enum EncodeDetail
{
    Ids,

    /// <summary>Also the text as the model saw it.</summary>
    Text,

    /// <summary>Also each token's place in that text.</summary>
    Places,
}

/// <summary>Collects the ids of a text and what else is wanted.</summary>
internal sealed class EncodeOutput(Vocabulary vocabulary, EncodeDetail detail)
{
    public List<int> Ids { get; } = [];

    /// <summary>The tokens with their places, if places are wanted.</summary>
    public List<EncodedToken> Tokens { get; } = [];

    /// <summary>The text as the model saw it, if it is wanted.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Adds one token that stands for a stretch of text, empty if it stands for none.</summary>
    public void AddToken(int id, ReadOnlySpan<char> text)
    {
        Ids.Add(id);
        if (detail == EncodeDetail.Places)
        {
            Tokens.Add(new EncodedToken(id, vocabulary.TokenOf(id)!, new Range(Text.Length, Text.Length + text.Length)));
        }

        AddGap(text);
    }

    /// <summary>Adds text that no token stands for.</summary>
    public void AddGap(ReadOnlySpan<char> text)
    {
        if (detail != EncodeDetail.Ids)
        {
            Text.Append(text);
        }
    }

    /// <summary>Adds the tokens of a piece.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="spellsBytes">Whether the piece is spelled in the alphabet of bytes.</param>
    public void AddPiece(ReadOnlySpan<char> piece, ReadOnlySpan<ModelToken> tokens, bool spellsBytes)
    {
        foreach (ModelToken token in tokens)
        {
            Ids.Add(token.Id);
        }

        if (detail == EncodeDetail.Ids)
        {
            return;
        }

        string text = spellsBytes ? Encoding.UTF8.GetString(ByteAlphabet.BytesOf(piece)) : piece.ToString();
        if (detail == EncodeDetail.Places)
        {
            AddPlaces(text, tokens, spellsBytes);
        }

        Text.Append(text);
    }

    private void AddPlaces(string text, ReadOnlySpan<ModelToken> tokens, bool spellsBytes)
    {
        int[]? charOfByte = spellsBytes ? CharOfByte(text) : null;
        foreach (ModelToken token in tokens)
        {
            // A token of bytes covers the characters that its first and its last byte belong to.
            (int start, int end) = charOfByte is null
                ? (token.Start, token.End)
                : (charOfByte[token.Start], EndOfCharacter(text, charOfByte[token.End - 1]));
            Tokens.Add(new EncodedToken(token.Id, vocabulary.TokenOf(token.Id)!, new Range(Text.Length + start, Text.Length + end)));
        }
    }

    private static int EndOfCharacter(string text, int start)
    {
        Characters.At(text, start, out int end);
        return end;
    }

    private static int[] CharOfByte(string text)
    {
        int[] charOfByte = new int[Encoding.UTF8.GetByteCount(text)];
        int filled = 0;
        for (int start = 0, next; start < text.Length; start = next)
        {
            int count = Characters.At(text, start, out next).Utf8SequenceLength;
            charOfByte.AsSpan(filled, count).Fill(start);
            filled += count;
        }

        return charOfByte;
    }
}
