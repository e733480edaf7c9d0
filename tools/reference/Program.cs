// Computes the float64 reference for the first ten held-out stories of the storyteller and writes reference10.json.
// First it proves itself: all greedy continuations of expected.json must come out, token for token.
// With --all it also scores all of heldout.txt against expected.json (minutes).
using System.Text.Json;
using Microsoft.ML.Tokenizers;
using Warpline.Reference;
using Warpline.Transformers;

if (args.Length is 0 or > 2 || (args.Length == 2 && args[1] != "--all"))
{
    Console.Error.WriteLine("usage: Warpline.Reference MODEL_DIRECTORY [--all]");
    return 2;
}

string directory = args[0];
Float64Llama model = new(directory);
Tokenizer tokenizer = HuggingFaceTokenizer.Load(directory);
using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "expected.json")));
foreach (JsonElement row in expected.RootElement.GetProperty("greedy").EnumerateArray())
{
    int[] ids = Ids(row.GetProperty("ids")), greedy = Ids(row.GetProperty("greedy"));
    model.Reset();
    double[] logits = [];
    foreach (int id in ids)
    {
        logits = model.Step(id);
    }

    for (int step = 0; step < greedy.Length; step++)
    {
        int best = Array.IndexOf(logits, logits.Max());
        if (best != greedy[step])
        {
            Console.Error.WriteLine($"\"{row.GetProperty("prompt")}\": token {step} is {best}; expected.json says {greedy[step]}.");
            return 1;
        }

        logits = model.Step(best);
    }

    Console.WriteLine($"{greedy.Length} greedy tokens reproduced after {ids.Length} tokens of prompt");
}

string[] stories = File.ReadAllText(Path.Combine(directory, "heldout.txt"))
    .Split("<|end|>\n", StringSplitOptions.RemoveEmptyEntries)
    .Select(story => story.EndsWith('\n') ? story[..^1] : story)
    .ToArray();
const int Count = 10, End = 1; // End is the id of <|end|>.
(double loss, int tokens) = Score(stories.Take(Count));
double mean = loss / tokens;
Console.WriteLine($"{Count} stories: {tokens} tokens, loss a token {mean:R}, perplexity {Math.Exp(mean):R}");

string output = Path.Combine(directory, "reference10.json");
using (FileStream file = File.Create(output))
using (Utf8JsonWriter writer = new(file, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
{
    writer.WriteStartObject();
    writer.WriteString("description", "Float64 score of the first stories of heldout.txt, each alone, <|begin|> first and "
        + "<|end|> last; written by tools/reference, which first reproduces the greedy tokens of expected.json.");
    writer.WriteNumber("stories", Count);
    writer.WriteNumber("tokens", tokens);
    writer.WriteNumber("nll_per_token", mean);
    writer.WriteNumber("perplexity", Math.Exp(mean));
    writer.WriteEndObject();
}

if (args.Length == 2)
{
    (loss, tokens) = Score(stories);
    Console.WriteLine($"{stories.Length} stories: {tokens} tokens, loss a token {loss / tokens:R}; "
        + $"expected.json says {expected.RootElement.GetProperty("heldout_tokens")} tokens, "
        + $"{expected.RootElement.GetProperty("heldout_nll_per_token")}");
}

return 0;

static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];

(double Loss, int Tokens) Score(IEnumerable<string> texts)
{
    double total = 0;
    int scored = 0;
    foreach (string text in texts)
    {
        // The tokenizer puts <|begin|> first.
        int[] story = [.. tokenizer.EncodeToIds(text), End];
        model.Reset();
        for (int i = 0; i + 1 < story.Length; i++)
        {
            double[] logits = model.Step(story[i]);
            double largest = logits.Max();
            total += largest + Math.Log(logits.Sum(logit => Math.Exp(logit - largest))) - logits[story[i + 1]];
            scored++;
        }
    }

    return (total, scored);
}
