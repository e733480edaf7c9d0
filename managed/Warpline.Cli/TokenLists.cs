using System.Text.Json;

namespace Warpline.Cli;

/// <summary>Reads a JSON list of lists of token ids.</summary>
internal static class TokenLists
{
    /// <exception cref="InvalidDataException">The file holds something else; the message says where.</exception>
    public static int[][] Load(string path)
    {
        using JsonDocument document = Parse(path);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() == 0)
        {
            throw new InvalidDataException($"{path}: a list of at least one list of token ids is required, as [[1, 2], [3]].");
        }

        int[][] lists = new int[root.GetArrayLength()][];
        int i = 0;
        foreach (JsonElement list in root.EnumerateArray())
        {
            if (list.ValueKind != JsonValueKind.Array)
            {
                throw new InvalidDataException($"{path}: element {i} is {Quote(list)}; a list of token ids is required.");
            }

            int position = 0;
            lists[i] = new int[list.GetArrayLength()];
            foreach (JsonElement item in list.EnumerateArray())
            {
                if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out lists[i][position]))
                {
                    throw new InvalidDataException(
                        $"{path}: element {position} of list {i} is {Quote(item)}; a token id is required.");
                }

                position++;
            }

            i++;
        }

        return lists;
    }

    /// <summary>Holds lists to what a model takes.</summary>
    /// <param name="lists">The lists.</param>
    /// <param name="positions">Most tokens of a list; null for any number.</param>
    /// <param name="vocabulary">One more than the largest id.</param>
    /// <exception cref="InvalidDataException">A list is too long, or an id is none of the vocabulary.</exception>
    public static void Require(int[][] lists, int? positions, int vocabulary)
    {
        for (int i = 0; i < lists.Length; i++)
        {
            if (lists[i].Length > positions)
            {
                throw new InvalidDataException($"List {i} has {lists[i].Length} tokens; the model has {positions} positions.");
            }

            int wrong = lists[i].AsSpan().IndexOfAnyExceptInRange(0, vocabulary - 1);
            if (wrong >= 0)
            {
                throw new InvalidDataException($"Element {wrong} of list {i} is {lists[i][wrong]}; an id in [0, {vocabulary}) is required.");
            }
        }
    }

    // Its beginning, where it is long.
    private static string Quote(JsonElement element)
    {
        const int most = 60;
        string text = element.GetRawText();
        return text.Length <= most ? text : text[..most] + "...";
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }
}
