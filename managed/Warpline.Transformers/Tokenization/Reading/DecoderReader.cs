using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Reads <c>decoder</c>.</summary>
internal sealed class DecoderReader(string source) : PartReader(source)
{
    private const string _key = "decoder";

    private readonly List<TokenDecoder> _steps = [];

    /// <summary>The steps in order.</summary>
    public IReadOnlyList<TokenDecoder> Read(JsonElement element)
    {
        if (IsNull(element))
        {
            return [new JoinDecoder()];
        }

        Append(element);
        return Arranged();
    }

    private void Append(JsonElement element)
    {
        TokenizerPartFile part = Part(element, _key);
        if (part is { Type: "Sequence", Decoders: { } inner })
        {
            ReadSequence(inner, Append, () => _steps.Count, element, _key);
            return;
        }

        _steps.Add(part.Type switch
        {
            "ByteLevel" => new ByteLevelDecoder(),
            "ByteFallback" => new ByteFallbackDecoder(),
            "Fuse" => new FuseDecoder(givesParts: true),
            "Metaspace" => new MetaspaceDecoder(
                ReadMark(part.Replacement, element, _key),
                prepended: part.PrependScheme is null ? part.AddPrefixSpace ?? true : part.PrependScheme != "never"),
            "Replace" when part.Content is string content => new ReplaceDecoder(ReadReplace(part, content, element, _key)),
            "Strip" when part is { Content: string content, Start: >= 0 and int start, Stop: >= 0 and int stop } =>
                new StripDecoder(ReadMark(content, element, _key), start, stop),
            "WordPiece" => new WordPieceDecoder(part.Prefix ?? "##", part.Cleanup ?? true),
            "BPEDecoder" when part.Suffix is { Length: > 0 } suffix => new BpeDecoder(suffix),
            "CTC" => new CtcDecoder(part.PaddingToken ?? "<pad>", part.WordDelimiterToken ?? "|", part.Cleanup ?? true),
            _ => throw Refused(
                _key, element,
                "null, ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip, WordPiece, BPEDecoder, CTC or a Sequence of them"),
        });
    }

    // From the end: a step that joins tokens may give parts of them only to one that takes parts.
    private List<TokenDecoder> Arranged()
    {
        var arranged = new List<TokenDecoder>();
        bool takesParts = true;
        foreach (TokenDecoder step in _steps.AsEnumerable().Reverse())
        {
            if (step is ByteLevelDecoder && !takesParts)
            {
                arranged.Add(new FuseDecoder(givesParts: false));
            }

            arranged.Add(step is FuseDecoder ? new FuseDecoder(givesParts: takesParts) : step);
            takesParts = step is FuseDecoder || (step.TakesParts && takesParts);
        }

        arranged.Reverse();
        return arranged;
    }
}
