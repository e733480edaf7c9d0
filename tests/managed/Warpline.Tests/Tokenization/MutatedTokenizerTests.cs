using System.Text;
using NUnit.Framework;
using Warpline.Tests.Weights;
using Warpline.Transformers;

namespace Warpline.Tests.Tokenization;

/// <summary>Files of each kind with random damage: refused as documented, or a tokenizer that works.</summary>
internal sealed class MutatedTokenizerTests
{
    private const string _added = """
        "added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":50,"content":"<s>","special":true,"lstrip":true,"normalized":false},
          {"id":51,"content":"x y","normalized":true,"single_word":true},{"id":52,"content":"\n","rstrip":true}],
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"ids":[50]}}}
        """;

    private static readonly Dictionary<string, string> _files = new()
    {
        ["byte-level BPE"] = """
            "normalizer":{"type":"NFC"},
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel","add_prefix_space":true}]},
            "decoder":{"type":"ByteLevel"},
            "model":{"type":"BPE","unk_token":"<unk>","ignore_merges":true,"vocab":{"<unk>":0,"a":1,"b":2,"c":3,"ab":4,"Ġ":5,"Ġab":6,"abc":7},"merges":["a b","Ġ ab"]}
            """,
        ["SentencePiece BPE"] = """
            "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
            "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true},
            "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
            "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":{"<unk>":0,"a":1,"b":2,"▁":3,"ab":4,"▁ab":5,"<0xC3>":6,"<0xA9>":7},"merges":[["a","b"],["▁","ab"]]}
            """,
        ["WordPiece"] = """
            "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
            "pre_tokenizer":{"type":"BertPreTokenizer"},
            "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
            "model":{"type":"WordPiece","unk_token":"<unk>","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"<unk>":0,"a":1,"##b":2,"##c":3,"e":4,".":5}}
            """,
        ["Unigram"] = """
            "normalizer":{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"CAAAAAAAAAAAAAAAYQA="},{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}]},
            "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},
            "model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["a",-1.5],["b",-2],["ab",-2.5],["▁",-3],["▁ab",-1e3],["<0xC3>",-7],["<0xA9>",-8]]}
            """,
        ["WordLevel"] = """
            "normalizer":{"type":"Sequence","normalizers":[{"type":"Strip","strip_left":true,"strip_right":true},{"type":"Lowercase"},{"type":"NFKD"},{"type":"StripAccents"}]},
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"Punctuation","behavior":"MergedWithPrevious"},{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}"},"behavior":"MergedWithNext","invert":true}]},
            "decoder":null,
            "model":{"type":"WordLevel","unk_token":"<unk>","vocab":{"<unk>":0,"abc":1,"ab":2}}
            """,
    };

    [Test]
    public void NothingElseIsThrown([ValueSource(nameof(Kinds))] string kind)
    {
        byte[] seed = Encoding.UTF8.GetBytes($"{{{_files[kind]},{_added}}}");
        Use(HuggingFaceTokenizer.Parse(seed));
        var random = new Random(5);
        int accepted = 0;
        for (int round = 0; round < 3_000; round++)
        {
            Microsoft.ML.Tokenizers.Tokenizer tokenizer;
            try
            {
                tokenizer = HuggingFaceTokenizer.Parse(Mutation.Of(seed, random));
            }
            catch (InvalidDataException)
            {
                // The one exception that the reader documents.
                continue;
            }

            accepted++;
            Use(tokenizer);
        }

        Assert.That(accepted, Is.GreaterThan(0), "some mutations, such as of an id, are harmless");
    }

    private static string[] Kinds() => [.. _files.Keys];

    private static void Use(Microsoft.ML.Tokenizers.Tokenizer loaded)
    {
        var tokenizer = (PipelineTokenizer)loaded;
        IReadOnlyList<int> ids = tokenizer.Encode("abc ab<s> x y é\u0301 12  日本.\n\ud800 ab\U0001F600");
        Assert.That(tokenizer.EncodeToTokens("abc ab<s> x y é\u0301 12  日本.\n\ud800 ab\U0001F600", out _).Select(token => token.Id), Is.EqualTo(ids));
        string whole = tokenizer.Decode(ids);
        var stream = new TokenStreamDecoder(tokenizer);
        Assert.That(string.Concat(ids.Select(stream.Append)) + stream.Flush(), Is.EqualTo(whole));
    }
}
