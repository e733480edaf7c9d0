namespace Warpline.Transformers;

/// <summary>All tokens of a tokenizer: the model's own and the added ones.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _modelIds;
    private readonly Dictionary<string, int> _addedIds = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _tokens;

    /// <summary>Takes the model's tokens.</summary>
    /// <exception cref="InvalidDataException">Two tokens have one id, or an id is negative.</exception>
    public Vocabulary(Dictionary<string, int> modelIds, string source)
    {
        _modelIds = modelIds;
        _tokens = new Dictionary<int, string>(modelIds.Count);
        foreach ((string token, int id) in modelIds)
        {
            AddId(token, id, source);
        }
    }

    public int Count => _tokens.Count;

    /// <summary>Adds an added token, which may be one of the model's under the same id.</summary>
    /// <exception cref="InvalidDataException">Another token has the id, or the token another id.</exception>
    public void Add(string token, int id, string source)
    {
        if (!_modelIds.TryGetValue(token, out int known))
        {
            AddId(token, id, source);
            _addedIds.Add(token, id);
        }
        else if (known != id)
        {
            throw new InvalidDataException($"{source}: the added token \"{token}\" has id {id}, but model.vocab gives it {known}.");
        }
    }

    public bool TryGetId(string token, out int id) => _modelIds.TryGetValue(token, out id) || _addedIds.TryGetValue(token, out id);

    public string? TokenOf(int id) => _tokens.GetValueOrDefault(id);

    private void AddId(string token, int id, string source)
    {
        if (id < 0 || !_tokens.TryAdd(id, token))
        {
            string other = id < 0 ? "an id from 0 on is required" : $"\"{_tokens[id]}\" has it already";
            throw new InvalidDataException($"{source}: the token \"{token}\" has id {id}; {other}.");
        }
    }
}
