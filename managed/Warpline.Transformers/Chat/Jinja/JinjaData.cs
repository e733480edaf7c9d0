using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>Makes values of JSON; all text in it is data.</summary>
internal static class JinjaData
{
    public static JinjaValue Read(JsonElement element, JinjaBudget budget)
    {
        budget.Enter();
        JinjaValue value = element.ValueKind switch
        {
            JsonValueKind.String => Text(element.GetString),
            JsonValueKind.True => JinjaBoolean.True,
            JsonValueKind.False => JinjaBoolean.False,
            JsonValueKind.Number => Number(element),
            JsonValueKind.Array => new JinjaList([.. element.EnumerateArray().Select(item => Read(item, budget))]),
            JsonValueKind.Object => Map(element, budget),
            _ => JinjaValue.None,
        };
        budget.Leave();
        return value;
    }

    private static JinjaText Text(Func<string?> read)
    {
        try
        {
            return JinjaText.OfData(read()!);
        }
        catch (InvalidOperationException exception)
        {
            throw new ChatTemplateException($"A text of the conversation, its tools or variables is no Unicode: {exception.Message}", 0, 0);
        }
    }

    // JSON does not tell 1.0 from 1; as in JavaScript the number is whole.
    private static JinjaValue Number(JsonElement element)
    {
        if (element.TryGetInt64(out long whole))
        {
            return new JinjaInteger(whole);
        }

        double number = element.GetDouble();
        return Math.Floor(number) == number && Math.Abs(number) < 1L << 53 ? new JinjaInteger((long)number) : new JinjaFloat(number);
    }

    private static JinjaMap Map(JsonElement element, JinjaBudget budget)
    {
        var map = new JinjaMap();
        foreach (JsonProperty property in element.EnumerateObject())
        {
            map.Items[Text(() => property.Name)] = Read(property.Value, budget);
        }

        return map;
    }
}
