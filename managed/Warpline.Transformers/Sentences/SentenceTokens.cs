namespace Warpline.Transformers;

/// <summary>Texts to token ids, as sentence-transformers prepares them: prompt before the text, white space off both ends, lower
/// case where the checkpoint wants it, cut to the longest length with the template's tokens kept.</summary>
internal sealed class SentenceTokens(PipelineTokenizer tokenizer, bool lowerCase, int maxLength)
{
    /// <summary>The ids of a text behind a prompt, which may be empty.</summary>
    public int[] Encode(string prompt, string text)
    {
        IReadOnlyList<int> ids = tokenizer.Encode(Prepare(prompt + text), addSpecialTokens: false);
        ReadOnlySpan<int> prefix = tokenizer.Prefix, suffix = tokenizer.Suffix;
        int content = Math.Min(ids.Count, maxLength - prefix.Length - suffix.Length);
        int[] result = new int[prefix.Length + content + suffix.Length];
        prefix.CopyTo(result);
        for (int i = 0; i < content; i++)
        {
            result[prefix.Length + i] = ids[i];
        }

        suffix.CopyTo(result.AsSpan(prefix.Length + content));
        return result;
    }

    /// <summary>How many tokens at a sentence's start a prompt takes, the template's before it included.</summary>
    public int PromptLength(string prompt) =>
        prompt.Length == 0 ? 0 : Encode(prompt, "").Length - tokenizer.Suffix.Length;

    private string Prepare(string text)
    {
        string trimmed = text.Trim();
        return lowerCase ? Lowercase.Of(trimmed) : trimmed;
    }
}
