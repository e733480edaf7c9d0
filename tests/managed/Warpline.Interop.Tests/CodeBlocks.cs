namespace Warpline.Interop.Tests;

/// <summary>A fenced block of a Markdown file: its language, its text, and the line of its opening fence.</summary>
internal sealed record CodeBlock(string Language, string Text, int Line)
{
    public static IReadOnlyList<CodeBlock> ReadAll(string path)
    {
        var blocks = new List<CodeBlock>();
        string[] lines = File.ReadAllLines(path);
        for (int start = 0; start < lines.Length; start++)
        {
            if (!lines[start].StartsWith("```", StringComparison.Ordinal))
            {
                continue;
            }

            int end = Array.IndexOf(lines, "```", start + 1);
            if (end < 0)
            {
                throw new InvalidDataException($"{path}: the block that opens in line {start + 1} is not closed.");
            }

            blocks.Add(new CodeBlock(lines[start][3..].Trim(), string.Join('\n', lines[(start + 1)..end]), start + 1));
            start = end;
        }

        return blocks;
    }

    /// <summary>What a page says that a block prints: the text block after it, without white space around it; else null.</summary>
    public static string? OutputOf(IReadOnlyList<CodeBlock> page, CodeBlock block)
    {
        CodeBlock? next = page.SkipWhile(other => other != block).ElementAtOrDefault(1);
        return next?.Language == "text" ? next.Text.Trim() : null;
    }
}
