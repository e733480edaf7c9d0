using System.Text.Json;
using System.Text.Json.Serialization;

namespace Warpline.Transformers;

/// <summary>
/// The parts of <c>tokenizer.json</c>. <c>truncation</c> and <c>padding</c> are left out on purpose: they say how the
/// file's maker called the tokenizer last, not what the text's tokens are.
/// </summary>
internal sealed class TokenizerFile
{
    [JsonPropertyName("added_tokens")]
    public AddedTokenFile?[]? AddedTokens { get; init; }

    [JsonPropertyName("normalizer")]
    public JsonElement Normalizer { get; init; }

    [JsonPropertyName("pre_tokenizer")]
    public JsonElement PreTokenizer { get; init; }

    [JsonPropertyName("post_processor")]
    public JsonElement PostProcessor { get; init; }

    [JsonPropertyName("decoder")]
    public JsonElement Decoder { get; init; }

    [JsonPropertyName("model")]
    public JsonElement Model { get; init; }
}

/// <summary>An entry of <c>added_tokens</c>.</summary>
internal sealed class AddedTokenFile
{
    [JsonPropertyName("id")]
    public int? Id { get; init; }

    [JsonPropertyName("content")]
    public string? Content { get; init; }

    [JsonPropertyName("single_word")]
    public bool SingleWord { get; init; }

    [JsonPropertyName("lstrip")]
    public bool LeftStrip { get; init; }

    [JsonPropertyName("rstrip")]
    public bool RightStrip { get; init; }

    [JsonPropertyName("normalized")]
    public bool? Normalized { get; init; }

    [JsonPropertyName("special")]
    public bool Special { get; init; }
}

/// <summary>The <c>model</c> of a tokenizer.json, where its type is BPE; the merges, which are large, are read in place.</summary>
internal sealed class BpeModelFile
{
    [JsonPropertyName("dropout")]
    public double? Dropout { get; init; }

    [JsonPropertyName("unk_token")]
    public string? UnknownToken { get; init; }

    [JsonPropertyName("continuing_subword_prefix")]
    public string? ContinuingSubwordPrefix { get; init; }

    [JsonPropertyName("end_of_word_suffix")]
    public string? EndOfWordSuffix { get; init; }

    [JsonPropertyName("byte_fallback")]
    public bool? ByteFallback { get; init; }

    [JsonPropertyName("fuse_unk")]
    public bool? FuseUnknown { get; init; }

    [JsonPropertyName("ignore_merges")]
    public bool? IgnoreMerges { get; init; }

    [JsonPropertyName("vocab")]
    public Dictionary<string, int>? Vocabulary { get; init; }
}

/// <summary>The <c>model</c> of a tokenizer.json, where its type is WordPiece or WordLevel.</summary>
internal sealed class WordModelFile
{
    [JsonPropertyName("unk_token")]
    public string? UnknownToken { get; init; }

    [JsonPropertyName("continuing_subword_prefix")]
    public string? ContinuingSubwordPrefix { get; init; }

    [JsonPropertyName("max_input_chars_per_word")]
    public long? MaxInputCharsPerWord { get; init; }

    [JsonPropertyName("vocab")]
    public Dictionary<string, int>? Vocabulary { get; init; }
}

/// <summary>The <c>model</c> of a tokenizer.json, where its type is Unigram; the vocabulary is read in place.</summary>
internal sealed class UnigramModelFile
{
    [JsonPropertyName("unk_id")]
    public int? UnknownId { get; init; }

    [JsonPropertyName("byte_fallback")]
    public bool? ByteFallback { get; init; }
}

/// <summary>A pre-tokenizer, normaliser, decoder or post-processor; which keys count depends on the type.</summary>
internal sealed class TokenizerPartFile
{
    [JsonPropertyName("type")]
    public string? Type { get; init; }

    [JsonPropertyName("add_prefix_space")]
    public bool? AddPrefixSpace { get; init; }

    [JsonPropertyName("use_regex")]
    public bool? UseRegex { get; init; }

    [JsonPropertyName("individual_digits")]
    public bool? IndividualDigits { get; init; }

    [JsonPropertyName("pattern")]
    public PatternFile? Pattern { get; init; }

    [JsonPropertyName("behavior")]
    public string? Behavior { get; init; }

    [JsonPropertyName("invert")]
    public bool? Invert { get; init; }

    /// <summary>Metaspace's mark.</summary>
    [JsonPropertyName("replacement")]
    public string? Replacement { get; init; }

    [JsonPropertyName("prepend_scheme")]
    public string? PrependScheme { get; init; }

    [JsonPropertyName("split")]
    public bool? Split { get; init; }

    [JsonPropertyName("delimiter")]
    public string? Delimiter { get; init; }

    /// <summary>What Replace puts in, or what the decoder Strip takes off.</summary>
    [JsonPropertyName("content")]
    public string? Content { get; init; }

    [JsonPropertyName("prepend")]
    public string? Prepend { get; init; }

    [JsonPropertyName("strip_left")]
    public bool? StripLeft { get; init; }

    [JsonPropertyName("strip_right")]
    public bool? StripRight { get; init; }

    [JsonPropertyName("clean_text")]
    public bool? CleanText { get; init; }

    [JsonPropertyName("handle_chinese_chars")]
    public bool? HandleChineseCharacters { get; init; }

    [JsonPropertyName("strip_accents")]
    public bool? StripAccents { get; init; }

    [JsonPropertyName("lowercase")]
    public bool? Lowercase { get; init; }

    [JsonPropertyName("precompiled_charsmap")]
    public string? PrecompiledMap { get; init; }

    [JsonPropertyName("prefix")]
    public string? Prefix { get; init; }

    [JsonPropertyName("suffix")]
    public string? Suffix { get; init; }

    [JsonPropertyName("cleanup")]
    public bool? Cleanup { get; init; }

    [JsonPropertyName("start")]
    public int? Start { get; init; }

    [JsonPropertyName("stop")]
    public int? Stop { get; init; }

    [JsonPropertyName("pad_token")]
    public string? PaddingToken { get; init; }

    [JsonPropertyName("word_delimiter_token")]
    public string? WordDelimiterToken { get; init; }

    [JsonPropertyName("pretokenizers")]
    public JsonElement[]? PreTokenizers { get; init; }

    [JsonPropertyName("normalizers")]
    public JsonElement[]? Normalizers { get; init; }

    [JsonPropertyName("processors")]
    public JsonElement[]? Processors { get; init; }

    [JsonPropertyName("decoders")]
    public JsonElement[]? Decoders { get; init; }

    /// <summary>The first token of BertProcessing and RobertaProcessing, as [text, id].</summary>
    [JsonPropertyName("cls")]
    public JsonElement Cls { get; init; }

    /// <summary>Their last token, as [text, id].</summary>
    [JsonPropertyName("sep")]
    public JsonElement Sep { get; init; }

    [JsonPropertyName("single")]
    public TemplatePieceFile?[]? Single { get; init; }

    [JsonPropertyName("special_tokens")]
    public Dictionary<string, TemplateTokenFile?>? SpecialTokens { get; init; }
}

/// <summary>What Split and Replace look for: a text or a regular expression.</summary>
internal sealed class PatternFile
{
    public string? String { get; init; }

    public string? Regex { get; init; }
}

/// <summary>One piece of a TemplateProcessing: a special token or the sequence.</summary>
internal sealed class TemplatePieceFile
{
    public TemplateReferenceFile? SpecialToken { get; init; }

    public TemplateReferenceFile? Sequence { get; init; }
}

/// <summary>What a piece of a template refers to.</summary>
internal sealed class TemplateReferenceFile
{
    [JsonPropertyName("id")]
    public string? Id { get; init; }
}

/// <summary>The ids of a template's special token.</summary>
internal sealed class TemplateTokenFile
{
    [JsonPropertyName("ids")]
    public int[]? Ids { get; init; }
}
