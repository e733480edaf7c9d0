using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Interop.Tests;

/// <summary>The published split patterns, which are scanners by hand, against a regular-expression engine on random texts.</summary>
internal sealed class SplitPatternTests
{
    private const string Contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Lead = @"[^\r\n\p{L}\p{N}]?";

    private static readonly string[] Patterns =
    [
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        @"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        Contraction + "|" + Lead + @"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces,
        Contraction + "|" + Lead + @"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces,
        Contraction + "|" + Lead + @"\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces,
        Contraction + "|" + Lead + @"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + Spaces,
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        Lead + Upper + "*" + Lower + "+" + Contraction + "?|" + Lead + Upper + "+" + Lower + "*" + Contraction
            + @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + Spaces,
        Lead + Upper + "*" + Lower + "+|" + Lead + Upper + "+" + Lower + @"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + Spaces,
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + Spaces,
        @"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
        @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
        @"\w+|[^\w\s]+",
        " {2,}",
        @"\s+",
        @"[\r\n]",
        @"\p{N}{1,3}",
        "[0-9][0-9][0-9]",
        @"[!\""\#\$%\&'\(\)\*\+,\-\.:;=\?@\[\\\]^_`\{\|\}\~]",
        @"\s?\p{L}+",
        @"\s?\p{P}+",
        "[一-龥぀-ゟ゠-ヿ]+",
        "[一-龥ࠀ-一가-퟿]+",
        @" ?[^(\s|[.,!?…。，、।۔،])]+",
    ];

    [Test]
    public void Patterns_cut_where_a_regular_expression_engine_does([ValueSource(nameof(Patterns))] string pattern)
    {
        NodeOracle.RequireNode();
        IReadOnlyList<string> texts = RandomTexts.Make(2_000, pattern.Length);
        Tokenizer tokenizer = HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(new JsonObject
        {
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject { ["Regex"] = pattern },
                ["behavior"] = "Isolated",
                ["invert"] = false,
            },
            ["model"] = new JsonObject { ["type"] = "WordLevel", ["unk_token"] = "?", ["vocab"] = new JsonObject { ["?"] = 0 } },
        }.ToJsonString()));
        using JsonDocument expected = NodeOracle.Run("split.mjs", [pattern], texts);
        Assert.That(expected.RootElement.EnumerateArray().Sum(pieces => pieces.GetArrayLength()), Is.GreaterThan(texts.Count), "it cuts");
        foreach ((string text, JsonElement pieces) in texts.Zip(expected.RootElement.EnumerateArray()))
        {
            string[] cut = [.. tokenizer.EncodeToTokens(text, out _).Select(token => text[token.Offset])];
            string[] wanted = [.. pieces.EnumerateArray().Select(piece => piece.GetString()!)];
            if (!cut.SequenceEqual(wanted))
            {
                Assert.That(cut, Is.EqualTo(wanted), JsonSerializer.Serialize(text));
            }
        }
    }
}
