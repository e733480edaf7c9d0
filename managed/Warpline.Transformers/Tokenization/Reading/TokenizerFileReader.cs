namespace Warpline.Transformers;

/// <summary>Builds a tokenizer from a <c>tokenizer.json</c>.</summary>
internal sealed class TokenizerFileReader(TokenizerFile file, string source)
{
    public PipelineTokenizer Read()
    {
        TextNormalizer? normalizer = new NormalizerReader(source).Read(file.Normalizer);
        IReadOnlyList<PreTokenizationStep> steps = new PreTokenizerReader(source).Read(file.PreTokenizer);
        IReadOnlyList<TokenDecoder> decoders = new DecoderReader(source).Read(file.Decoder);
        bool spellsBytes = normalizer is ByteLevelNormalizer || steps.Any(step => step is ByteLevelStep);
        TokenModel model = new ModelReader(source).Read(file.Model, spellsBytes);
        var vocabulary = new Vocabulary(model.Ids, source);
        List<AddedToken> added = ReadAddedTokens(vocabulary);
        var template = new PostProcessorReader(source);
        template.Read(file.PostProcessor, vocabulary);
        return new PipelineTokenizer(new TokenizerParts
        {
            Model = model,
            Vocabulary = vocabulary,
            Normalizer = normalizer,
            Steps = steps,
            Decoders = decoders,
            Added = added,
            Prefix = template.Prefix,
            Suffix = template.Suffix,
        });
    }

    private List<AddedToken> ReadAddedTokens(Vocabulary vocabulary)
    {
        var added = new List<AddedToken>();
        var contents = new HashSet<string>(StringComparer.Ordinal);
        foreach (AddedTokenFile? entry in file.AddedTokens ?? [])
        {
            if (entry is not { Id: >= 0 and int id, Content: { Length: > 0 } content })
            {
                throw new InvalidDataException(
                    $"{source}: added_tokens[{added.Count}] has id {entry?.Id} and content \"{entry?.Content}\"; "
                    + "an id from 0 on and a text are required.");
            }

            if (!contents.Add(content))
            {
                throw new InvalidDataException($"{source}: added_tokens[{added.Count}] \"{content}\" occurs twice.");
            }

            vocabulary.Add(content, id, source);
            added.Add(new AddedToken(
                id, content, entry.Special, entry.LeftStrip, entry.RightStrip, entry.SingleWord, entry.Normalized ?? !entry.Special));
        }

        return added;
    }
}
