using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>The normalizers as files state them.</summary>
internal sealed class NormalizerTests
{
    private static TextNormalizer Read(string json) => new NormalizerReader("t.json").Read(JsonElement.Parse(json))!;

    [TestCase("""{"type":"NFD"}""", "é가\uFB01", "e\u0301\u1100\u1161\uFB01")]
    [TestCase("""{"type":"NFKD"}""", "é가\uFB01", "e\u0301\u1100\u1161fi")]
    [TestCase("""{"type":"NFKC"}""", "e\u0301Ａ½…㍿\u1E9B\u0323", "éA1\u20442...株式会社\u1E69")]
    [TestCase("""{"type":"NFC"}""", "e\u0301\uFB01", "é\uFB01")]
    [TestCase("""{"type":"Lowercase"}""", "ÀΣ𐐀İSS ẞ", "àσ𐐨i\u0307ss ß")]
    [TestCase("""{"type":"StripAccents"}""", "e\u0301a\u0903b\u20DD", "eab")]
    [TestCase("""{"type":"Strip"}""", " \u3000a b\n", "a b")]
    [TestCase("""{"type":"Strip","strip_left":true,"strip_right":false}""", " a ", "a ")]
    [TestCase("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a ", " a")]
    [TestCase("""{"type":"Prepend","prepend":"▁"}""", "a", "▁a")]
    [TestCase("""{"type":"Prepend","prepend":"▁"}""", "", "")]
    [TestCase("""{"type":"Replace","pattern":{"String":"ab"},"content":"x"}""", "aababb", "axxb")]
    [TestCase("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}""", "a  b c   ", "a▁b c▁")]
    [TestCase("""{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "}""", "\ta\r\n\u3000b", " a b")]
    [TestCase("""{"type":"Nmt"}""", "a\u0001b\tc\u200Bd\uFEFF▁\u007F", "ab c d  ", TestName = "nmt, with control characters")]
    [TestCase("""{"type":"ByteLevel"}""", "é ", "Ã©Ġ")]
    [TestCase("""{"type":"BertNormalizer"}""", "Élan\u0000\u200D\u00AD\t日本x\uFFFD\u0085İ", "elan  日  本 xi", TestName = "bert, with a zero character")]
    [TestCase("""{"type":"BertNormalizer","lowercase":false}""", "É日\U00020000", "É 日  \U00020000 ")]
    [TestCase("""{"type":"BertNormalizer","lowercase":true,"strip_accents":false}""", "É", "é")]
    [TestCase("""{"type":"BertNormalizer","lowercase":false,"strip_accents":true,"clean_text":false,"handle_chinese_chars":false}""", "É\t日", "E\t日")]
    [TestCase("""{"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"StripAccents"},{"type":"Lowercase"},{"type":"Replace","pattern":{"String":"``"},"content":"\""}]}""",
        "``É\uFB01", "\"efi")]
    public void TextIsNormalized(string json, string text, string normalized)
    {
        Assert.That(Read(json).Normalize(text), Is.EqualTo(normalized));
        Assert.That(Read(json).Normalize(text.AsSpan()), Is.EqualTo(normalized));
    }

    [TestCase("null")]
    [TestCase("""{"type":"Sequence","normalizers":[]}""")]
    public void ThereMayBeNone(string json) => Assert.That(Read(json), Is.Null);

    // The shortest prefix decides for a whole grapheme of less than six bytes; longer ones go character by character.
    [TestCase("ﬁx", "fix")]
    [TestCase("ab\u00ADc", "abc")]
    [TestCase("\u00C5", "A\u030A")]
    [TestCase("\u00C5\u0301", "A\u030A", TestName = "a grapheme of four bytes loses its mark")]
    [TestCase("\u00C5\u0301\u0301", "A\u030A\u0301\u0301", TestName = "a grapheme of six bytes keeps its marks")]
    [TestCase("\u00C4 \u0301", "\u00C4 \u0301")]
    public void CompiledRulesAreApplied(string text, string normalized)
    {
        string map = Convert.ToBase64String(Map(("\uFB01", "fi"), ("\u00C5", "A\u030A"), ("\u00C5\u0301", "never reached"), ("\u00AD", "")));
        var json = new JsonObject { ["type"] = "Precompiled", ["precompiled_charsmap"] = map };
        Assert.That(Read(json.ToJsonString()).Normalize(text), Is.EqualTo(normalized));
    }

    [Test]
    public void DamagedRulesLeadNowhereElse()
    {
        byte[] map = Map(("\uFB01", "fi"), ("\u00C5", "A\u030A"), ("\u00AD", ""));
        var random = new Random(12);
        for (int round = 0; round < 5_000; round++)
        {
            byte[] damaged = [.. map];
            for (int i = random.Next(1, 9); i > 0; i--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            if (PrecompiledNormalizer.Read(damaged, out string? problem) is { } normalizer)
            {
                Assert.That(normalizer.Normalize("aﬁ\u00C5\u00AD\u00C5\u0301 b"), Is.Not.Null);
            }
            else
            {
                Assert.That(problem, Is.Not.Empty);
            }
        }
    }

    // A trie in SentencePiece's form, its nodes 256 units apart so that no two share a place.
    private static byte[] Map(params (string From, string To)[] rules)
    {
        var units = new List<uint> { 0 };
        var places = new Dictionary<string, int> { [""] = 0 };
        var values = new List<byte>();
        foreach ((string from, string to) in rules)
        {
            string path = "";
            foreach (byte label in Encoding.UTF8.GetBytes(from))
            {
                int parent = places[path];
                path += (char)label;
                if (!places.ContainsKey(path))
                {
                    places.Add(path, Base(parent) ^ label);
                    units[places[path]] = label;
                }
            }

            int leaf = Base(places[path]);
            units[places[path]] |= 0x100;
            units[leaf] = 0x80000000u | (uint)values.Count;
            values.AddRange([.. Encoding.UTF8.GetBytes(to), 0]);
        }

        byte[] map = new byte[sizeof(uint) * (1 + units.Count) + values.Count];
        BinaryPrimitives.WriteUInt32LittleEndian(map, sizeof(uint) * (uint)units.Count);
        for (int i = 0; i < units.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(sizeof(uint) * (i + 1)), units[i]);
        }

        values.CopyTo(map, sizeof(uint) * (1 + units.Count));
        return map;

        // Where a node's children lie, made the first time.
        int Base(int node)
        {
            if (units[node] >> 10 == 0)
            {
                int made = (units.Count + 255) & ~255;
                units.AddRange(new uint[made + 256 - units.Count]);
                units[node] |= (uint)(made ^ node) << 10;
            }

            return node ^ (int)(units[node] >> 10);
        }
    }
}
