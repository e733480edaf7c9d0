using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>The vocabulary and the merges of a BPE model, checked: ids are unique, and a merge joins two tokens into a third.</summary>
internal sealed class BpeVocabulary
{
    private readonly Dictionary<int, string> _tokens;

    private BpeVocabulary(Dictionary<string, int> ids, Dictionary<int, string> tokens, List<string> merges, bool ignoreMerges)
    {
        _tokens = tokens;
        Ids = ids;
        ModelIds = new Dictionary<string, int>(ids, StringComparer.Ordinal);
        Merges = merges;
        IgnoreMerges = ignoreMerges;
        IdsOfBytes = [.. Enumerable.Range(0, 256).Select(value => ids.GetValueOrDefault(ByteAlphabet.CharOf((byte)value).ToString(), -1))];
    }

    /// <summary>Ids of all tokens, the added ones included.</summary>
    public Dictionary<string, int> Ids { get; }

    /// <summary>Ids of the model's own tokens.</summary>
    public Dictionary<string, int> ModelIds { get; }

    /// <summary>The id of each byte's own token, -1 where it has none.</summary>
    public IReadOnlyList<int> IdsOfBytes { get; }

    /// <summary>Tokens by id, the added ones included.</summary>
    public IReadOnlyDictionary<int, string> Tokens => _tokens;

    /// <summary>Pairs as "left right", first to be merged first.</summary>
    public IReadOnlyList<string> Merges { get; }

    /// <summary>Whether a piece that is a token is that token, whatever the merges would give.</summary>
    public bool IgnoreMerges { get; }

    public static BpeVocabulary Read(BpeModelFile model, string source)
    {
        if (model.Vocabulary is not { Count: > 0 } ids)
        {
            throw new InvalidDataException($"{source}: model.vocab is missing or empty; an object of token to id is required.");
        }

        RequireAbsent(model.Dropout is > 0, "dropout", model.Dropout, source);
        RequireAbsent(
            !string.IsNullOrEmpty(model.ContinuingSubwordPrefix), "continuing_subword_prefix", model.ContinuingSubwordPrefix, source);
        RequireAbsent(!string.IsNullOrEmpty(model.EndOfWordSuffix), "end_of_word_suffix", model.EndOfWordSuffix, source);
        RequireAbsent(model.ByteFallback == true, "byte_fallback", model.ByteFallback, source);
        bool hasAllBytes = Enumerable.Range(0, 256).All(value => ids.ContainsKey(ByteAlphabet.CharOf((byte)value).ToString()));
        RequireAbsent(
            !hasAllBytes && !string.IsNullOrEmpty(model.UnknownToken), "unk_token (where bytes lack a token)", model.UnknownToken, source);
        var tokens = new Dictionary<int, string>(ids.Count);
        foreach ((string token, int id) in ids)
        {
            AddId(tokens, token, id, source);
        }

        return new BpeVocabulary(ids, tokens, ReadMerges(model.Merges, ids, source), model.IgnoreMerges ?? false);
    }

    /// <summary>Adds an added token, which may be one of the model's under the same id.</summary>
    public void Add(string token, int id, string source)
    {
        if (!Ids.TryGetValue(token, out int known))
        {
            AddId(_tokens, token, id, source);
            Ids.Add(token, id);
        }
        else if (known != id)
        {
            throw new InvalidDataException($"{source}: the added token \"{token}\" has id {id}, but model.vocab gives it {known}.");
        }
    }

    private static void AddId(Dictionary<int, string> tokens, string token, int id, string source)
    {
        if (id < 0 || !tokens.TryAdd(id, token))
        {
            string other = id < 0 ? "an id from 0 on is required" : $"\"{tokens[id]}\" has it already";
            throw new InvalidDataException($"{source}: the token \"{token}\" has id {id}; {other}.");
        }
    }

    private static void RequireAbsent(bool present, string key, object? value, string source)
    {
        if (present)
        {
            throw new InvalidDataException($"{source}: model.{key} = {value} is not supported in a byte-level BPE; none is required.");
        }
    }

    private static List<string> ReadMerges(JsonElement element, Dictionary<string, int> ids, string source)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException($"{source}: model.merges must be an array.");
        }

        var merges = new List<string>(element.GetArrayLength());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonElement merge in element.EnumerateArray())
        {
            string? pair = ReadPair(merge);
            if (pair is null)
            {
                throw new InvalidDataException(
                    $"{source}: model.merges[{merges.Count}] is {merge.GetRawText()}; "
                    + "two tokens without blanks are required, as \"left right\" or [left, right].");
            }

            int blank = pair.IndexOf(' ', StringComparison.Ordinal);
            string joined = pair.Remove(blank, 1);
            string? missing = new[] { pair[..blank], pair[(blank + 1)..], joined }.FirstOrDefault(token => !ids.ContainsKey(token));
            if (missing is not null)
            {
                throw new InvalidDataException(
                    $"{source}: model.merges[{merges.Count}] \"{pair}\" needs the token \"{missing}\", which model.vocab lacks.");
            }

            if (!seen.Add(pair))
            {
                throw new InvalidDataException($"{source}: model.merges[{merges.Count}] \"{pair}\" occurs twice.");
            }

            merges.Add(pair);
        }

        return merges;
    }

    private static string? ReadPair(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.String)
        {
            return Checked(merge.GetString()!);
        }

        return merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2
            && merge[0].ValueKind == JsonValueKind.String && merge[1].ValueKind == JsonValueKind.String
            ? Checked($"{merge[0].GetString()} {merge[1].GetString()}")
            : null;
    }

    private static string? Checked(string pair)
    {
        int blank = pair.IndexOf(' ', StringComparison.Ordinal);
        return blank > 0 && blank < pair.Length - 1 && pair.LastIndexOf(' ') == blank ? pair : null;
    }
}
