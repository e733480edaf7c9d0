using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Reads <c>model</c>.</summary>
internal sealed class ModelReader(string source) : PartReader(source)
{
    private const string _key = "model";
    private const long _defaultMaxCharacters = 100;

    /// <summary>Reads the model.</summary>
    /// <param name="element">The model.</param>
    /// <param name="spellsBytes">Whether pieces are spelled in the alphabet of bytes.</param>
    public TokenModel Read(JsonElement element, bool spellsBytes)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Refused(_key, element, "an object");
        }

        return TypeOf(element) switch
        {
            "BPE" => ReadBpe(Part(element, CheckpointJson.Default.BpeModelFile, _key), element, spellsBytes),
            "WordPiece" => ReadWordPiece(Part(element, CheckpointJson.Default.WordModelFile, _key)),
            "WordLevel" => ReadWordLevel(Part(element, CheckpointJson.Default.WordModelFile, _key)),
            "Unigram" => ReadUnigram(Part(element, CheckpointJson.Default.UnigramModelFile, _key), element),
            string other => throw new InvalidDataException(
                $"{Source}: model.type is \"{other}\"; \"BPE\", \"WordPiece\", \"WordLevel\" or \"Unigram\" is required."),
        };
    }

    // Old files do not tell, and are told apart by what they have.
    private string TypeOf(JsonElement element)
    {
        if (element.TryGetProperty("type", out JsonElement type))
        {
            return type.ValueKind == JsonValueKind.String ? type.GetString()! : throw Refused("model.type", type, "a text");
        }

        return element.TryGetProperty("merges", out _) ? "BPE"
            : element.TryGetProperty("max_input_chars_per_word", out _) ? "WordPiece"
            : element.TryGetProperty("unk_id", out _) ? "Unigram"
            : element.TryGetProperty("unk_token", out _) ? "WordLevel"
            : throw Refused("model.type", default, "\"BPE\", \"WordPiece\", \"WordLevel\" or \"Unigram\"");
    }

    private BpeModel ReadBpe(BpeModelFile file, JsonElement element, bool spellsBytes)
    {
        Dictionary<string, int> ids = Required(file.Vocabulary);
        if (file.Dropout is > 0)
        {
            throw new InvalidDataException($"{Source}: model.dropout = {file.Dropout} is not supported; none is required.");
        }

        // Where every byte has a token nothing is unknown, and files name a token that they lack.
        bool spellsAll =
            (spellsBytes && Enumerable.Range(0, 256).All(value => ids.ContainsKey(ByteAlphabet.CharOf((byte)value).ToString())))
            || (file.ByteFallback == true && new ByteTokens(ids).IsComplete);
        if (file.UnknownToken is not null && !spellsAll)
        {
            RequireToken(ids, file.UnknownToken);
        }

        var settings = new BpeSettings
        {
            UnknownToken = file.UnknownToken,
            FuseUnknown = file.FuseUnknown ?? false,
            ByteFallback = file.ByteFallback ?? false,
            IgnoreMerges = file.IgnoreMerges ?? false,
            ContinuingSubwordPrefix = file.ContinuingSubwordPrefix ?? "",
            EndOfWordSuffix = file.EndOfWordSuffix ?? "",
        };
        return new BpeModel(ids, ReadMerges(element, ids, settings.ContinuingSubwordPrefix), settings);
    }

    private BpeMerger ReadMerges(JsonElement model, Dictionary<string, int> ids, string prefix)
    {
        if (!model.TryGetProperty("merges", out JsonElement merges) || merges.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException($"{Source}: model.merges must be an array.");
        }

        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> idOfText = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merger = new BpeMerger(merges.GetArrayLength());
        char[] joined = [];
        int place = 0;
        foreach (JsonElement merge in merges.EnumerateArray())
        {
            (string text, int blank) = ReadPair(merge, place);
            ReadOnlySpan<char> left = text.AsSpan(0, blank);
            ReadOnlySpan<char> right = text.AsSpan(blank + 1);
            ReadOnlySpan<char> rest = right.StartsWith(prefix) ? right[prefix.Length..] : right;
            if (joined.Length < text.Length)
            {
                joined = new char[2 * text.Length];
            }

            left.CopyTo(joined);
            rest.CopyTo(joined.AsSpan(left.Length));
            int merged = Find(joined.AsSpan(0, left.Length + rest.Length));
            if (!merger.TryAdd(Find(left), Find(right), merged))
            {
                throw new InvalidDataException($"{Source}: model.merges[{place}] \"{text}\" occurs twice.");
            }

            place++;

            int Find(ReadOnlySpan<char> token) => idOfText.TryGetValue(token, out int id) ? id : throw new InvalidDataException(
                $"{Source}: model.merges[{place}] \"{text}\" needs the token \"{token}\", which model.vocab lacks.");
        }

        return merger;
    }

    // As "left right" with one blank, or as [left, right]; given back with the place of the blank between them.
    private (string Text, int Blank) ReadPair(JsonElement merge, int place)
    {
        if (merge.ValueKind == JsonValueKind.String)
        {
            string text = merge.GetString()!;
            int blank = text.IndexOf(' ', StringComparison.Ordinal);
            if (blank > 0 && blank < text.Length - 1 && text.LastIndexOf(' ') == blank)
            {
                return (text, blank);
            }
        }
        else if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2
            && merge[0].ValueKind == JsonValueKind.String && merge[1].ValueKind == JsonValueKind.String)
        {
            string left = merge[0].GetString()!;
            string right = merge[1].GetString()!;
            if (left.Length > 0 && right.Length > 0)
            {
                return ($"{left} {right}", left.Length);
            }
        }

        throw new InvalidDataException(
            $"{Source}: model.merges[{place}] is {JsonFile.Quote(merge)}; two tokens are required, as \"left right\" or [left, right].");
    }

    private WordPieceModel ReadWordPiece(WordModelFile file)
    {
        Dictionary<string, int> ids = Required(file.Vocabulary);
        long most = file.MaxInputCharsPerWord ?? _defaultMaxCharacters;
        return most < 0
            ? throw new InvalidDataException($"{Source}: model.max_input_chars_per_word is {most}; a number from 0 on is required.")
            : new WordPieceModel(ids, file.ContinuingSubwordPrefix ?? "##", RequireToken(ids, file.UnknownToken ?? "[UNK]"), most);
    }

    private WordLevelModel ReadWordLevel(WordModelFile file)
    {
        Dictionary<string, int> ids = Required(file.Vocabulary);
        return new WordLevelModel(ids, RequireToken(ids, file.UnknownToken ?? "<unk>"));
    }

    private UnigramModel ReadUnigram(UnigramModelFile file, JsonElement model)
    {
        if (!model.TryGetProperty("vocab", out JsonElement vocabulary) || vocabulary.ValueKind != JsonValueKind.Array
            || vocabulary.GetArrayLength() == 0)
        {
            throw new InvalidDataException($"{Source}: model.vocab is missing or empty; an array of [token, score] is required.");
        }

        double[] scores = new double[vocabulary.GetArrayLength()];
        var ids = new Dictionary<string, int>(scores.Length, StringComparer.Ordinal);
        foreach (JsonElement entry in vocabulary.EnumerateArray())
        {
            int id = ids.Count;
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2 || entry[0].ValueKind != JsonValueKind.String
                || entry[1].ValueKind != JsonValueKind.Number || !entry[1].TryGetDouble(out scores[id]) || !double.IsFinite(scores[id]))
            {
                throw new InvalidDataException(
                    $"{Source}: model.vocab[{id}] is {JsonFile.Quote(entry)}; a token and a finite score are required, as [token, score].");
            }

            if (!ids.TryAdd(entry[0].GetString()!, id))
            {
                throw new InvalidDataException($"{Source}: model.vocab[{id}] \"{entry[0].GetString()}\" occurs twice.");
            }
        }

        return file.UnknownId is int unknown && unknown >= 0 && unknown < scores.Length
            ? new UnigramModel(ids, scores, unknown, file.ByteFallback ?? false)
            : throw new InvalidDataException(
                $"{Source}: model.unk_id is {file.UnknownId?.ToString() ?? "missing"}; an id in [0, {scores.Length}) is required.");
    }

    private Dictionary<string, int> Required(Dictionary<string, int>? vocabulary) => vocabulary is { Count: > 0 }
        ? vocabulary
        : throw new InvalidDataException($"{Source}: model.vocab is missing or empty; an object of token to id is required.");

    private int RequireToken(Dictionary<string, int> ids, string token) => ids.TryGetValue(token, out int id)
        ? id
        : throw new InvalidDataException(
            $"{Source}: model.unk_token is \"{token}\", which model.vocab lacks; one of its tokens is required.");
}
