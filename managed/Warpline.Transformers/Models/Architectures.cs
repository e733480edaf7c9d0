namespace Warpline.Transformers;

/// <summary>The families, each a declaration of what it adds to the common decoder.</summary>
internal static class Architectures
{
    private static readonly Dictionary<string, Func<ModelConfig, ArchitectureSpec>> Families = new(StringComparer.Ordinal)
    {
        ["llama"] = config => Common(config) with
        {
            QueryKeyValueBias = config.AttentionBias,
            AttentionOutputBias = config.AttentionBias,
            MlpBias = config.MlpBias,
        },
        ["mistral"] = Common,
        ["qwen2"] = config => Common(config) with { QueryKeyValueBias = true },
        ["qwen3"] = config => Common(config) with
        {
            QueryKeyValueBias = config.AttentionBias,
            AttentionOutputBias = config.AttentionBias,
            QueryKeyNorm = true,
        },
    };

    /// <summary>The architecture of a configuration.</summary>
    /// <exception cref="NotSupportedException">No family has the configuration's model type.</exception>
    public static ArchitectureSpec Describe(ModelConfig config) =>
        Families.TryGetValue(config.ModelType, out Func<ModelConfig, ArchitectureSpec>? family)
            ? family(config)
            : throw new NotSupportedException(
                $"The model type is \"{config.ModelType}\"; one of {string.Join(", ", Families.Keys)} is required.");

    private static ArchitectureSpec Common(ModelConfig config) => new()
    {
        LayerCount = config.LayerCount,
        HiddenSize = config.HiddenSize,
        IntermediateSize = config.IntermediateSize,
        QueryHeads = config.HeadCount,
        KeyValueHeads = config.KeyValueHeadCount,
        HeadSize = config.HeadDimension,
        VocabularySize = config.VocabularySize,
        MaxPositions = config.MaxPositions,
        NormEpsilon = (float)config.NormEpsilon,
        Rope = config.Rope,
        Activation = config.Activation.ToOp(),
        TiedEmbeddings = config.TieWordEmbeddings,
        Windows = [.. Enumerable.Range(0, config.LayerCount).Select(config.WindowOf)],
    };
}
