using System.Text;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>Collects the ids of a text and, where wanted, each token with its place in the text as it was normalised.</summary>
internal sealed class EncodeOutput
{
    public List<int> Ids { get; } = [];

    /// <summary>The tokens with their places; null if only ids are wanted.</summary>
    public List<EncodedToken>? Tokens { get; init; }

    /// <summary>The text as it was normalised, kept only along with <see cref="Tokens"/>.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Adds one token that stands for a stretch of text, empty if it stands for none.</summary>
    public void AddToken(int id, string token, ReadOnlySpan<char> text)
    {
        Ids.Add(id);
        if (Tokens is not null)
        {
            Tokens.Add(new EncodedToken(id, token, new Range(Text.Length, Text.Length + text.Length)));
            Text.Append(text);
        }
    }

    /// <summary>Adds the tokens of a piece.</summary>
    public void AddPiece(ReadOnlySpan<char> piece, IReadOnlyList<int> ids, ByteLevelBpeTokenizer tokenizer)
    {
        Ids.AddRange(ids);
        if (Tokens is null)
        {
            return;
        }

        // A token covers the characters that its first and its last byte belong to.
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(piece)];
        int[] charOfByte = new int[bytes.Length];
        int[] charEndOfByte = new int[bytes.Length];
        int filled = 0;
        for (int start = 0; start < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[start..], out Rune rune, out int length);
            int count = rune.EncodeToUtf8(bytes.AsSpan(filled));
            charOfByte.AsSpan(filled, count).Fill(start);
            charEndOfByte.AsSpan(filled, count).Fill(start + length);
            filled += count;
            start += length;
        }

        // Bytes without a token of their own are left out by the model, and their neighbours may merge across the gap; a
        // piece that is a token as a whole has none left out.
        byte[][] tokens = [.. ids.Select(id => tokenizer.BytesOf(id, skipSpecialTokens: false))];
        if (tokens.Sum(token => token.Length) != filled)
        {
            int kept = 0;
            for (int i = 0; i < filled; i++)
            {
                if (tokenizer.HasTokenOf(bytes[i]))
                {
                    (charOfByte[kept], charEndOfByte[kept]) = (charOfByte[i], charEndOfByte[i]);
                    kept++;
                }
            }
        }

        int position = 0;
        for (int i = 0; i < ids.Count; i++)
        {
            int id = ids[i];
            int begin = Text.Length + charOfByte[position];
            position += tokens[i].Length;
            tokenizer.TryGetToken(id, out string? spelled);
            Tokens.Add(new EncodedToken(id, spelled!, new Range(begin, Text.Length + charEndOfByte[position - 1])));
        }

        Text.Append(piece);
    }
}
