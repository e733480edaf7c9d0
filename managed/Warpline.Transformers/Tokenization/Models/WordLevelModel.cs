namespace Warpline.Transformers;

/// <summary>Each piece is a token, or unknown.</summary>
internal sealed class WordLevelModel(Dictionary<string, int> ids, int unknown) : TokenModel
{
    public override Dictionary<string, int> Ids => ids;

    public override void Encode(ReadOnlySpan<char> piece, List<ModelToken> tokens)
    {
        int id = ids.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out int known) ? known : unknown;
        tokens.Add(new ModelToken(id, 0, piece.Length));
    }
}
