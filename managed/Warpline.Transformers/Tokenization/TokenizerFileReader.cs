using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.ML.Tokenizers;

namespace Warpline.Transformers;

/// <summary>
/// Builds a tokenizer from a <c>tokenizer.json</c>. What is not known is refused and quoted, so that a text is never
/// cut in another way than its model was trained on.
/// </summary>
internal sealed class TokenizerFileReader(TokenizerFile file, string source)
{
    private const int _maxQuoted = 300;

    /// <summary>Encoding recurses once for each step, so their number is bounded; files have one to three.</summary>
    private const int _maxSteps = 32;

    public ByteLevelBpeTokenizer Read()
    {
        ReadDecoder();
        Normalizer? normalizer = ReadNormalizer(file.Normalizer);
        List<SplitPreTokenizer.Step> steps = [];
        bool byteLevel = ReadPreTokenizer(file.PreTokenizer, steps);
        if (!byteLevel)
        {
            throw Refused("pre_tokenizer", file.PreTokenizer, "one that ends in ByteLevel");
        }

        TokenizerPartFile model = Part(file.Model, CheckpointJson.Default.TokenizerPartFile, "model");
        if (model.Type is not (null or "BPE"))
        {
            throw new InvalidDataException($"{source}: model.type is \"{model.Type}\"; \"BPE\" is required.");
        }

        BpeVocabulary vocabulary = BpeVocabulary.Read(Part(file.Model, CheckpointJson.Default.BpeModelFile, "model"), source);
        List<AddedToken> added = ReadAddedTokens(vocabulary);
        List<int> prefix = [];
        List<int> suffix = [];
        ReadPostProcessor(file.PostProcessor, prefix, suffix);
        foreach (int id in prefix.Concat(suffix))
        {
            if (!vocabulary.Tokens.ContainsKey(id))
            {
                throw new InvalidDataException($"{source}: post_processor names the token id {id}, which has no token.");
            }
        }

        return new ByteLevelBpeTokenizer(vocabulary, normalizer, new SplitPreTokenizer(steps), added, [.. prefix], [.. suffix]);
    }

    private Normalizer? ReadNormalizer(JsonElement element)
    {
        if (IsNull(element))
        {
            return null;
        }

        TokenizerPartFile part = Part(element, CheckpointJson.Default.TokenizerPartFile, "normalizer");
        return part.Type switch
        {
            "NFC" => NfcNormalizer.Instance,
            "Sequence" when part.Normalizers is [] => null,
            "Sequence" when part.Normalizers is [JsonElement only] => ReadNormalizer(only),
            _ => throw Refused("normalizer", element, "null or NFC"),
        };
    }

    // Appends the steps in order; true if the last one maps bytes.
    private bool ReadPreTokenizer(JsonElement element, List<SplitPreTokenizer.Step> steps)
    {
        TokenizerPartFile? part = IsNull(element) ? null : Part(element, CheckpointJson.Default.TokenizerPartFile, "pre_tokenizer");
        switch (part?.Type)
        {
            case "Sequence" when part.PreTokenizers is { Length: > 0 } inner:
                bool byteLevel = false;
                foreach (JsonElement child in inner)
                {
                    if (byteLevel)
                    {
                        throw Refused("pre_tokenizer", element, "nothing after ByteLevel");
                    }

                    byteLevel = ReadPreTokenizer(child, steps);
                    if (steps.Count > _maxSteps)
                    {
                        throw Refused("pre_tokenizer", element, $"a Sequence of at most {_maxSteps} steps");
                    }
                }

                return byteLevel;
            case "Split":
                steps.Add(new SplitPreTokenizer.Step(ReadSplit(part, element)));
                return false;
            case "Digits":
                bool individually = part.IndividualDigits ?? false;
                steps.Add(new SplitPreTokenizer.Step((text, start) => SplitPatterns.ScanDigits(text, start, individually)));
                return false;
            case "ByteLevel":
                if (part.AddPrefixSpace ?? true)
                {
                    steps.Add(new SplitPreTokenizer.Step(null));
                }

                if (part.UseRegex ?? true)
                {
                    steps.Add(new SplitPreTokenizer.Step(SplitPatterns.Gpt2));
                }

                return true;
            default:
                throw Refused("pre_tokenizer", element, "ByteLevel, Split, Digits or a Sequence of them");
        }
    }

    private SplitPatterns.Scanner ReadSplit(TokenizerPartFile part, JsonElement element)
    {
        // The known patterns leave no character out, so keeping only matches comes to the same as isolating them.
        bool whole = part switch
        {
            { Behavior: "Isolated", Invert: null or false } => true,
            { Behavior: "Removed", Invert: true } => true,
            _ => false,
        };
        if (!whole)
        {
            throw Refused("pre_tokenizer", element, "a Split that is Isolated, or Removed and inverted,");
        }

        return part.Pattern?.Regex is string regex && SplitPatterns.Find(regex) is { } scanner
            ? scanner
            : throw Refused("pre_tokenizer", element, "a Split by the pattern of gpt2, llama3 or qwen2");
    }

    private void ReadPostProcessor(JsonElement element, List<int> prefix, List<int> suffix)
    {
        if (IsNull(element))
        {
            return;
        }

        TokenizerPartFile part = Part(element, CheckpointJson.Default.TokenizerPartFile, "post_processor");
        switch (part.Type)
        {
            case "ByteLevel":
                // Concerns offsets only.
                return;
            case "RobertaProcessing":
                RequireFirst(prefix, suffix, element);
                prefix.Add(RobertaToken(part.Cls, element));
                suffix.Add(RobertaToken(part.Sep, element));
                return;
            case "Sequence" when part.Processors is { Length: <= _maxSteps } inner:
                foreach (JsonElement child in inner)
                {
                    ReadPostProcessor(child, prefix, suffix);
                }

                return;
            case "TemplateProcessing" when part.Single is { } pieces:
                ReadTemplate(pieces, part, element, prefix, suffix);
                return;
            default:
                throw Refused(
                    "post_processor", element,
                    $"null, ByteLevel, TemplateProcessing, RobertaProcessing or a Sequence of at most {_maxSteps} of them");
        }
    }

    private void ReadTemplate(
        TemplatePieceFile?[] pieces, TokenizerPartFile part, JsonElement element, List<int> prefix, List<int> suffix)
    {
        RequireFirst(prefix, suffix, element);
        if (pieces.Count(piece => piece?.Sequence?.Id == "A") != 1)
        {
            throw Refused("post_processor", element, "one template with the sequence A once");
        }

        List<int> side = prefix;
        foreach (TemplatePieceFile? piece in pieces)
        {
            if (piece is { Sequence.Id: "A", SpecialToken: null })
            {
                side = suffix;
                continue;
            }

            string? name = piece is { Sequence: null } ? piece.SpecialToken?.Id : null;
            int[]? ids = name is not null && part.SpecialTokens is { } tokens ? tokens.GetValueOrDefault(name)?.Ids : null;
            side.AddRange(ids ?? throw Refused("post_processor", element, "an entry of special_tokens for each special token"));
        }
    }

    private void RequireFirst(List<int> prefix, List<int> suffix, JsonElement element)
    {
        if (prefix.Count + suffix.Count > 0)
        {
            throw Refused("post_processor", element, "one TemplateProcessing or RobertaProcessing at most");
        }
    }

    private int RobertaToken(JsonElement pair, JsonElement element) =>
        pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
        && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetInt32(out int id)
            ? id
            : throw Refused("post_processor", element, "cls and sep as [text, id]");

    private void ReadDecoder()
    {
        TokenizerPartFile? part = IsNull(file.Decoder) ? null : Part(file.Decoder, CheckpointJson.Default.TokenizerPartFile, "decoder");
        if (part is { Type: "Sequence", Decoders: [JsonElement only] })
        {
            part = Part(only, CheckpointJson.Default.TokenizerPartFile, "decoder");
        }

        if (part?.Type != "ByteLevel")
        {
            throw Refused("decoder", file.Decoder, "ByteLevel");
        }
    }

    private List<AddedToken> ReadAddedTokens(BpeVocabulary vocabulary)
    {
        var added = new List<AddedToken>();
        var contents = new HashSet<string>(StringComparer.Ordinal);
        foreach (AddedTokenFile? entry in file.AddedTokens ?? [])
        {
            if (entry is not { Id: >= 0 and int id, Content: { Length: > 0 } content })
            {
                throw new InvalidDataException(
                    $"{source}: added_tokens[{added.Count}] has id {entry?.Id} and content \"{entry?.Content}\"; "
                    + "an id from 0 on and a text are required.");
            }

            if (!contents.Add(content))
            {
                throw new InvalidDataException($"{source}: added_tokens[{added.Count}] \"{content}\" occurs twice.");
            }

            vocabulary.Add(content, id, source);
            added.Add(new AddedToken(
                id, content, entry.Special, entry.LeftStrip, entry.RightStrip, entry.SingleWord, entry.Normalized ?? !entry.Special));
        }

        return added;
    }

    private T Part<T>(JsonElement element, JsonTypeInfo<T> type, string key)
        where T : class
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Refused(key, element, "an object");
        }

        try
        {
            return element.Deserialize(type)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{source}: {key}: {e.Message}", e);
        }
    }

    private InvalidDataException Refused(string key, JsonElement element, string requirement)
    {
        string text = element.ValueKind == JsonValueKind.Undefined ? "missing" : element.GetRawText();
        text = text.Length <= _maxQuoted ? text : text[.._maxQuoted] + "...";
        return new InvalidDataException($"{source}: {key} is {text}; {requirement} is required.");
    }

    private static bool IsNull(JsonElement element) => element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
}
