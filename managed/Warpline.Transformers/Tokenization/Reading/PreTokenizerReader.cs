using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Reads <c>pre_tokenizer</c>.</summary>
internal sealed class PreTokenizerReader(string source) : PartReader(source)
{
    private const string _key = "pre_tokenizer";

    private readonly List<PreTokenizationStep> _steps = [];

    /// <summary>The steps in order, none for null.</summary>
    public IReadOnlyList<PreTokenizationStep> Read(JsonElement element)
    {
        if (!IsNull(element))
        {
            Append(element);
        }

        return _steps;
    }

    private static CutStep Cut(Scanner scanner, CutBehavior behavior, bool invert = false) => new(new Pattern(scanner), behavior, invert);

    private void Append(JsonElement element)
    {
        TokenizerPartFile part = Part(element, _key);
        switch (part.Type)
        {
            case "Sequence" when part.PreTokenizers is { } inner:
                ReadSequence(inner, Append, () => _steps.Count, element, _key);
                return;
            case "ByteLevel":
                AppendByteLevel(part, element);
                break;
            case "Split":
                _steps.Add(new CutStep(ReadPattern(part, element, _key), ReadBehavior(part, element), part.Invert ?? false));
                break;
            case "Metaspace":
                _steps.Add(ReadMetaspace(part, element));
                break;
            case "Digits":
                _steps.Add(Cut(
                    SplitPatterns.One(Characters.IsNumber), part.IndividualDigits ?? false ? CutBehavior.Isolated : CutBehavior.Contiguous));
                break;
            case "Punctuation":
                _steps.Add(Cut(
                    SplitPatterns.One(Characters.IsPunctuationOrAsciiSymbol),
                    part.Behavior is null ? CutBehavior.Isolated : ReadBehavior(part, element)));
                break;
            case "Whitespace":
                _steps.Add(Cut(WordScanners.Words, CutBehavior.Removed, invert: true));
                break;
            case "WhitespaceSplit":
                _steps.Add(Cut(SplitPatterns.One(Characters.IsSpace), CutBehavior.Removed));
                break;
            case "BertPreTokenizer":
                _steps.Add(Cut(SplitPatterns.One(Characters.IsSpace), CutBehavior.Removed));
                _steps.Add(Cut(SplitPatterns.One(Characters.IsPunctuationOrAsciiSymbol), CutBehavior.Isolated));
                break;
            case "CharDelimiterSplit" when part.Delimiter is { Length: > 0 } delimiter:
                _steps.Add(new CutStep(new Pattern(delimiter), CutBehavior.Removed));
                break;
            default:
                throw Refused(
                    _key, element,
                    "null, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer, "
                    + "CharDelimiterSplit or a Sequence of them");
        }
    }

    private void AppendByteLevel(TokenizerPartFile part, JsonElement element)
    {
        if (_steps.Any(step => step is ByteLevelStep))
        {
            throw Refused(_key, element, "one ByteLevel at most");
        }

        if (part.AddPrefixSpace ?? true)
        {
            _steps.Add(new PrefixSpaceStep());
        }

        if (part.UseRegex ?? true)
        {
            _steps.Add(Cut(SplitPatterns.Gpt2, CutBehavior.Isolated));
        }

        _steps.Add(new ByteLevelStep());
    }

    private CutBehavior ReadBehavior(TokenizerPartFile part, JsonElement element) => part.Behavior switch
    {
        "Isolated" => CutBehavior.Isolated,
        "Removed" => CutBehavior.Removed,
        "Contiguous" => CutBehavior.Contiguous,
        "MergedWithPrevious" => CutBehavior.MergedWithPrevious,
        "MergedWithNext" => CutBehavior.MergedWithNext,
        _ => throw Refused(_key, element, "the behavior Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext"),
    };

    private MetaspaceStep ReadMetaspace(TokenizerPartFile part, JsonElement element)
    {
        char mark = ReadMark(part.Replacement, element, _key);
        MetaspacePrepend prepend = (part.PrependScheme, part.AddPrefixSpace) switch
        {
            ("never", _) or (null, false) => MetaspacePrepend.Never,
            ("always", not false) or (null, _) => MetaspacePrepend.Always,
            ("first", not false) => MetaspacePrepend.First,
            _ => throw Refused(_key, element, "the prepend_scheme always, first or never, which add_prefix_space agrees with"),
        };
        CutStep? cut = part.Split ?? true ? new CutStep(new Pattern(mark.ToString()), CutBehavior.MergedWithNext) : null;
        return new MetaspaceStep(mark, prepend, cut);
    }
}
