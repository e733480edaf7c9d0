using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Reads <c>normalizer</c>.</summary>
internal sealed class NormalizerReader(string source) : PartReader(source)
{
    private const string _key = "normalizer";

    private readonly List<TextNormalizer> _steps = [];

    /// <summary>The normalizer, or null for none.</summary>
    public TextNormalizer? Read(JsonElement element)
    {
        if (!IsNull(element))
        {
            Append(element);
        }

        return _steps switch
        {
            [] => null,
            [TextNormalizer only] => only,
            _ => new SequenceNormalizer(_steps),
        };
    }

    private void Append(JsonElement element)
    {
        TokenizerPartFile part = Part(element, _key);
        if (part is { Type: "Sequence", Normalizers: { } inner })
        {
            ReadSequence(inner, Append, () => _steps.Count, element, _key);
            return;
        }

        _steps.Add(part.Type switch
        {
            "NFC" => UnicodeNormalizer.Nfc,
            "NFD" => UnicodeNormalizer.Nfd,
            "NFKC" => UnicodeNormalizer.Nfkc,
            "NFKD" => UnicodeNormalizer.Nfkd,
            "Lowercase" => new LowercaseNormalizer(),
            "StripAccents" => new StripAccentsNormalizer(),
            "Strip" => new StripNormalizer(part.StripLeft ?? true, part.StripRight ?? true),
            "Nmt" => new NmtNormalizer(),
            "ByteLevel" => new ByteLevelNormalizer(),
            "Prepend" when part.Prepend is string prefix => new PrependNormalizer(prefix),
            "Replace" when part.Content is string content => ReadReplace(part, content, element, _key),
            "BertNormalizer" => new BertNormalizer(
                part.CleanText ?? true, part.HandleChineseCharacters ?? true,
                part.StripAccents ?? part.Lowercase ?? true, part.Lowercase ?? true),
            "Precompiled" when part.PrecompiledMap is string map => ReadPrecompiled(map, element),
            _ => throw Refused(
                _key, element,
                "null, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Nmt, ByteLevel, Prepend, Replace, BertNormalizer, "
                + "Precompiled or a Sequence of them"),
        });
    }

    private PrecompiledNormalizer ReadPrecompiled(string base64, JsonElement element)
    {
        byte[] map = new byte[base64.Length];
        return !Convert.TryFromBase64String(base64, map, out int length)
            ? throw Refused(_key, element, "a precompiled_charsmap in base64")
            : PrecompiledNormalizer.Read(map.AsSpan(0, length), out string? problem)
                ?? throw new InvalidDataException($"{Source}: {_key}.precompiled_charsmap has {problem} is required.");
    }
}
