using System.Text.Json;

namespace Warpline.Cli.Demo;

/// <summary>What lies beside the storyteller: float64 references, questions with answers and held-out stories.</summary>
internal sealed class StorytellerFiles
{
    public StorytellerFiles(string directory)
    {
        Directory = directory;
        using JsonDocument expected = Read("expected.json");
        JsonElement root = expected.RootElement;
        QuestionsRight = root.GetProperty("questions_right_greedy").GetInt32();
        HeldOutTokens = root.GetProperty("heldout_tokens").GetInt32();
        HeldOutPerplexity = root.GetProperty("heldout_perplexity").GetDouble();
        Continuations = [.. root.GetProperty("greedy").EnumerateArray().Select(row => new Continuation(
            row.GetProperty("prompt").GetString()!, Ids(row, "ids"), Ids(row, "greedy"),
            [.. row.GetProperty("margin").EnumerateArray().Select(margin => margin.GetDouble())],
            row.GetProperty("text").GetString()!))];
        using JsonDocument questions = Read("questions.json");
        Questions = [.. questions.RootElement.EnumerateArray().Select(row => new Question(
            row.GetProperty("prompt").GetString()!, row.GetProperty("answer").GetString()!))];
        using JsonDocument reference = Read("reference10.json");
        ReferenceStories = reference.RootElement.GetProperty("stories").GetInt32();
        ReferencePerplexity = reference.RootElement.GetProperty("perplexity").GetDouble();
        Stories = [.. File.ReadAllText(Path.Combine(directory, "heldout.txt"))
            .Split("<|end|>\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(story => story.EndsWith('\n') ? story[..^1] : story)];
    }

    public string Directory { get; }

    /// <summary>How many of all questions the float64 reference answers rightly.</summary>
    public int QuestionsRight { get; }

    public int HeldOutTokens { get; }

    /// <summary>The float64 reference's perplexity on all stories.</summary>
    public double HeldOutPerplexity { get; }

    public IReadOnlyList<Continuation> Continuations { get; }

    public IReadOnlyList<Question> Questions { get; }

    public IReadOnlyList<string> Stories { get; }

    /// <summary>So many of the first stories have a reference of their own.</summary>
    public int ReferenceStories { get; }

    public double ReferencePerplexity { get; }

    private JsonDocument Read(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Directory, name)));

    private static int[] Ids(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    /// <summary>A prompt with the float64 reference's greedy tokens and how clear each choice was.</summary>
    internal sealed record Continuation(string Prompt, int[] Ids, int[] Greedy, double[] Margins, string Text);

    /// <summary>A story with a question about it, and the right answer.</summary>
    internal sealed record Question(string Prompt, string Answer)
    {
        private int Break => Prompt.IndexOf('\n', StringComparison.Ordinal);

        public string Story => Prompt[..Break];

        public string Text => Prompt[(Break + 1)..];
    }
}
