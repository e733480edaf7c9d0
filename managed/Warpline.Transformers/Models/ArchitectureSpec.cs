using System.Collections.Immutable;

namespace Warpline.Transformers;

/// <summary>
/// All that the decoder's one forward pass needs to know of an architecture, as data:
/// x = embedding; in each layer x += output(attention(rotate(norm?(query, key)), value)) and x += down(act(gate) * up), both
/// of a normed x; logits = head(norm(x)). Norms are RMS norms, positions rotary, projections separate, the feed-forward
/// layer gated. A family is a row of <see cref="Architectures"/>, not a class.
/// </summary>
internal sealed record ArchitectureSpec
{
    public required int LayerCount { get; init; }

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int QueryHeads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadSize { get; init; }

    public required int VocabularySize { get; init; }

    public required int MaxPositions { get; init; }

    /// <summary>Of all norms, which are RMS norms.</summary>
    public required float NormEpsilon { get; init; }

    public required RopeConfig Rope { get; init; }

    /// <summary>Of the gated pair.</summary>
    public required Activation Activation { get; init; }

    /// <summary>Whether the logits come from the embedding's matrix.</summary>
    public required bool TiedEmbeddings { get; init; }

    /// <summary>Keys that a token sees, its own included, for each layer; null for all.</summary>
    public required ImmutableArray<int?> Windows { get; init; }

    /// <summary>Factor of query times key; null for 1/sqrt(head size).</summary>
    public float? AttentionScale { get; init; }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    public bool AttentionOutputBias { get; init; }

    public bool MlpBias { get; init; }

    /// <summary>Whether each head of queries and keys is normed before its rotation.</summary>
    public bool QueryKeyNorm { get; init; }

    public WeightNames Names { get; init; } = new();
}
