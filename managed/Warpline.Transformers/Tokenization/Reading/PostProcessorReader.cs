using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Reads <c>post_processor</c>: the tokens before and behind a single text.</summary>
internal sealed class PostProcessorReader(string source) : PartReader(source)
{
    private const string _key = "post_processor";

    private int _processors;

    public List<int> Prefix { get; } = [];

    public List<int> Suffix { get; } = [];

    /// <summary>Fills both lists.</summary>
    public void Read(JsonElement element, Vocabulary vocabulary)
    {
        if (!IsNull(element))
        {
            Append(element);
        }

        foreach (int id in Prefix.Concat(Suffix))
        {
            if (vocabulary.TokenOf(id) is null)
            {
                throw new InvalidDataException($"{Source}: {_key} names the token id {id}, which has no token.");
            }
        }
    }

    private void Append(JsonElement element)
    {
        TokenizerPartFile part = Part(element, _key);
        switch (part.Type)
        {
            case "ByteLevel":
                // Concerns offsets only.
                return;
            case "RobertaProcessing" or "BertProcessing":
                RequireFirst(element);
                Prefix.Add(ReadToken(part.Cls, element));
                Suffix.Add(ReadToken(part.Sep, element));
                return;
            case "Sequence" when part.Processors is { } inner:
                ReadSequence(inner, Append, () => ++_processors, element, _key);
                return;
            case "TemplateProcessing" when part.Single is { } pieces:
                ReadTemplate(pieces, part, element);
                return;
            default:
                throw Refused(
                    _key, element, "null, ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing or a Sequence of them");
        }
    }

    private void ReadTemplate(TemplatePieceFile?[] pieces, TokenizerPartFile part, JsonElement element)
    {
        RequireFirst(element);
        if (pieces.Count(piece => piece?.Sequence?.Id == "A") != 1)
        {
            throw Refused(_key, element, "one template with the sequence A once");
        }

        List<int> side = Prefix;
        foreach (TemplatePieceFile? piece in pieces)
        {
            if (piece is { Sequence.Id: "A", SpecialToken: null })
            {
                side = Suffix;
                continue;
            }

            string? name = piece is { Sequence: null } ? piece.SpecialToken?.Id : null;
            int[]? ids = name is not null && part.SpecialTokens is { } tokens ? tokens.GetValueOrDefault(name)?.Ids : null;
            side.AddRange(ids ?? throw Refused(_key, element, "an entry of special_tokens for each special token"));
        }
    }

    private void RequireFirst(JsonElement element)
    {
        if (Prefix.Count + Suffix.Count > 0)
        {
            throw Refused(_key, element, "one TemplateProcessing, RobertaProcessing or BertProcessing at most");
        }
    }

    private int ReadToken(JsonElement pair, JsonElement element) =>
        pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
        && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetInt32(out int id)
            ? id
            : throw Refused(_key, element, "cls and sep as [text, id]");
}
