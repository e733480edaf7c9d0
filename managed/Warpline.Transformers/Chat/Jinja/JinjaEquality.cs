namespace Warpline.Transformers;

/// <summary>Which values are equal and which come first, as Python has it.</summary>
internal static class JinjaEquality
{
    /// <summary>For the keys of a mapping; see <see cref="IsKey"/>.</summary>
    public static IEqualityComparer<JinjaValue> OfKeys { get; } = new KeyComparer();

    /// <summary>Whether a value can be a key of a mapping.</summary>
    public static bool IsKey(JinjaValue value) =>
        value is JinjaText or JinjaInteger or JinjaFloat or JinjaBoolean || value == JinjaValue.None;

    /// <summary>A number, booleans being 0 and 1; null for other values.</summary>
    public static double? Number(JinjaValue value) => value switch
    {
        JinjaInteger integer => integer.Value,
        JinjaFloat real => real.Value,
        JinjaBoolean boolean => boolean.IsTrue ? 1 : 0,
        _ => null,
    };

    /// <summary>A whole number, booleans being 0 and 1; null for other values.</summary>
    public static long? Integer(JinjaValue value) => value switch
    {
        JinjaInteger integer => integer.Value,
        JinjaBoolean boolean => boolean.IsTrue ? 1 : 0,
        _ => null,
    };

    public static bool Equal(JinjaValue left, JinjaValue right, JinjaBudget budget)
    {
        if (ReferenceEquals(left, right))
        {
            return true;
        }

        budget.Enter();
        bool equal = (left, right) switch
        {
            (JinjaText a, JinjaText b) => EqualTexts(a, b, budget),
            (JinjaList a, JinjaList b) => a.IsTuple == b.IsTuple && a.Items.Count == b.Items.Count
                && a.Items.Zip(b.Items).All(pair => Equal(pair.First, pair.Second, budget)),
            (JinjaMap a, JinjaMap b) => a.Items.Count == b.Items.Count
                && a.Items.All(item => b.Items.TryGetValue(item.Key, out JinjaValue? other) && Equal(item.Value, other, budget)),
            _ when Integer(left) is long a && Integer(right) is long b => a == b,
            _ => Number(left) is double a && Number(right) is double b && a == b,
        };
        budget.Leave();
        return equal;
    }

    /// <summary>Below 0 if the left value comes first, above 0 if the right one does.</summary>
    public static int Compare(JinjaValue left, JinjaValue right, JinjaBudget budget)
    {
        budget.Steps(1);
        if (left is JinjaText a && right is JinjaText b)
        {
            budget.Scan(Math.Min(a.Length, b.Length));
            return string.CompareOrdinal(a.Value, b.Value);
        }

        if (left is JinjaList first && right is JinjaList second)
        {
            budget.Enter();
            int order = first.Items.Zip(second.Items).Select(pair => Compare(pair.First, pair.Second, budget)).FirstOrDefault(item => item != 0);
            budget.Leave();
            return order != 0 ? order : first.Items.Count.CompareTo(second.Items.Count);
        }

        return Integer(left) is long i && Integer(right) is long j ? i.CompareTo(j)
            : Number(left) is double x && Number(right) is double y ? x.CompareTo(y)
            : throw new JinjaFault($"{left.TypeName} and {right.TypeName} have no order");
    }

    private static bool EqualTexts(JinjaText left, JinjaText right, JinjaBudget budget)
    {
        budget.Scan(left.Length == right.Length ? left.Length : 0);
        return left.Value == right.Value;
    }

    private sealed class KeyComparer : IEqualityComparer<JinjaValue>
    {
        public bool Equals(JinjaValue? x, JinjaValue? y) => (x, y) switch
        {
            (JinjaText a, JinjaText b) => a.Value == b.Value,
            _ => x == y || (x is not null && y is not null && Number(x) is double a && Number(y) is double b && a == b),
        };

        public int GetHashCode(JinjaValue value) =>
            value is JinjaText text ? text.Value.GetHashCode(StringComparison.Ordinal) : Number(value)?.GetHashCode() ?? 0;
    }
}
