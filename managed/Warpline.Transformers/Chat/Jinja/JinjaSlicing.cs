namespace Warpline.Transformers;

/// <summary>Items and slices of lists and texts, as Python counts them: from the end if negative, texts by code points.</summary>
internal static class JinjaSlicing
{
    /// <summary>The characters of a text, each as a text.</summary>
    public static JinjaValue[] Characters(JinjaText text, JinjaBudget budget)
    {
        int count = Count(text, budget);
        budget.Items(count);
        var characters = new JinjaValue[count];
        for (int i = 0, at = 0; i < count; i++)
        {
            int width = Width(text.Value, at);
            characters[i] = text.Slice(at, width);
            at += width;
        }

        return characters;
    }

    /// <summary>How many code points a text has.</summary>
    public static int Count(JinjaText text, JinjaBudget budget)
    {
        budget.Scan(text.Length);
        int count = 0;
        for (int at = 0; at < text.Length; at += Width(text.Value, at))
        {
            count++;
        }

        return count;
    }

    public static JinjaValue Item(JinjaList list, long index)
    {
        index += index < 0 ? list.Items.Count : 0;
        return index >= 0 && index < list.Items.Count ? list.Items[(int)index] : JinjaValue.Undefined;
    }

    public static JinjaValue Item(JinjaText text, long index, JinjaBudget budget)
    {
        JinjaText item = Part(text, index, index == -1 ? null : index + 1, budget);
        return item.Length > 0 ? item : JinjaValue.Undefined;
    }

    public static JinjaValue Slice(JinjaValue value, long? start, long? stop, long? step, JinjaBudget budget)
    {
        if (value is JinjaText text && step is null or 1)
        {
            return Part(text, start ?? 0, stop, budget);
        }

        IReadOnlyList<JinjaValue> items = value switch
        {
            JinjaList list => list.Items,
            JinjaText characters => Characters(characters, budget),
            _ => throw new JinjaFault($"a value of type {value.TypeName} has no slices"),
        };
        List<JinjaValue> kept = Select(items, start, stop, step ?? 1, budget);
        if (value is JinjaList original)
        {
            return new JinjaList(kept, original.IsTuple);
        }

        var output = new JinjaText.Builder(budget);
        kept.ForEach(item => output.Append((JinjaText)item));
        return output.ToText();
    }

    private static List<JinjaValue> Select(IReadOnlyList<JinjaValue> items, long? start, long? stop, long step, JinjaBudget budget)
    {
        if (step == 0)
        {
            throw new JinjaFault("the step of a slice is 0");
        }

        bool forward = step > 0;
        long first = forward ? 0 : -1, last = forward ? items.Count : items.Count - 1;
        long from = Limit(start, forward ? first : last), to = Limit(stop, forward ? last : first);
        List<JinjaValue> kept = [];

        // A step beyond the ends could leave the range of a long.
        step = Math.Clamp(step, -items.Count - 1, items.Count + 1);
        for (long i = from; forward ? i < to : i > to; i += step)
        {
            budget.Steps(1);
            kept.Add(items[(int)i]);
        }

        return kept;

        long Limit(long? bound, long otherwise) =>
            bound is not long at ? otherwise : Math.Clamp(at < 0 ? at + items.Count : at, first, last);
    }

    /// <summary>A stretch of a text without the detour over single characters.</summary>
    private static JinjaText Part(JinjaText text, long start, long? stop, JinjaBudget budget)
    {
        budget.Scan(text.Length);
        int count = start < 0 || stop < 0 ? Count(text, budget) : text.Length;
        long from = Math.Clamp(start < 0 ? start + count : start, 0, count);
        long to = stop is long bound ? Math.Clamp(bound < 0 ? bound + count : bound, from, Math.Max(from, count)) : count;
        int begin = Offset(0, from), end = stop is null ? text.Length : Offset(begin, to - from);
        return budget.Keep(text.Slice(begin, end - begin));

        int Offset(int at, long characters)
        {
            for (; characters > 0 && at < text.Length; characters--)
            {
                at += Width(text.Value, at);
            }

            return at;
        }
    }

    private static int Width(string text, int at) => char.IsSurrogatePair(text, at) ? 2 : 1;
}
