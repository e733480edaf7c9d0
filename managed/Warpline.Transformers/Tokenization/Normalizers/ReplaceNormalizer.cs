using System.Text;

namespace Warpline.Transformers;

/// <summary>Puts a text in place of each match of a pattern.</summary>
internal sealed class ReplaceNormalizer(Pattern pattern, string content) : TextNormalizer
{
    public override string Normalize(string original)
    {
        StringBuilder? text = null;
        int copied = 0;
        for (int position = 0; pattern.TryFind(original, position, out int start, out int end); position = end)
        {
            text ??= new StringBuilder(original.Length);
            text.Append(original, copied, start - copied).Append(content);
            copied = end;
        }

        return text is null ? original : text.Append(original, copied, original.Length - copied).ToString();
    }
}
