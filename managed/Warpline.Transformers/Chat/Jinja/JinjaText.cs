using System.Text;

namespace Warpline.Transformers;

/// <summary>
/// A text that knows of each character whether the template wrote it or whether it came with the data (messages, tools and
/// other variables). Only what the template wrote may become a control token. Immutable.
/// </summary>
internal sealed class JinjaText : JinjaValue
{
    public static readonly JinjaText Empty = new("", []);

    // Places at which data begins or ends, ascending and below the length; before the first the text is the template's.
    private readonly int[] _flips;

    private JinjaText(string value, int[] flips) => (Value, _flips) = (value, flips);

    public string Value { get; }

    public int Length => Value.Length;

    public override string TypeName => "string";

    public override bool IsTrue => Value.Length > 0;

    private bool BeginsInData => _flips is [0, ..];

    /// <summary>A text that stands in the template, or that the template's author answers for.</summary>
    public static JinjaText OfTemplate(string value) => new(value, []);

    /// <summary>A text that came with the data.</summary>
    public static JinjaText OfData(string value) => value.Length == 0 ? Empty : new(value, [0]);

    /// <summary>Whether one of the characters from start to before end came with the data.</summary>
    public bool HasData(int start, int end)
    {
        int flips = CountBefore(start + 1);
        return start < end && (flips % 2 == 1 || (flips < _flips.Length && _flips[flips] < end));
    }

    public JinjaText Slice(int start, int length)
    {
        if (length == 0 || length == Length)
        {
            return length == 0 ? Empty : this;
        }

        int before = CountBefore(start + 1);
        int[] flips = _flips[before..CountBefore(start + length)];
        for (int i = 0; i < flips.Length; i++)
        {
            flips[i] -= start;
        }

        return new JinjaText(Value.Substring(start, length), before % 2 == 1 ? [0, .. flips] : flips);
    }

    /// <summary>Without the characters of a kind at the beginning, at the end or both.</summary>
    public JinjaText Strip(Func<char, bool> strips, bool left = true, bool right = true)
    {
        int start = 0, end = Length;
        while (left && start < end && strips(Value[start]))
        {
            start++;
        }

        while (right && end > start && strips(Value[end - 1]))
        {
            end--;
        }

        return Slice(start, end - start);
    }

    /// <summary>With other characters in the same places.</summary>
    public JinjaText Map(Func<string, string> map) => new(map(Value), _flips);

    private int CountBefore(int position)
    {
        int found = Array.BinarySearch(_flips, position);
        return found < 0 ? ~found : found;
    }

    /// <summary>Joins texts to one; every character that is added is charged to a budget.</summary>
    internal sealed class Builder(JinjaBudget budget)
    {
        private readonly StringBuilder _text = new();
        private readonly List<int> _flips = [];

        public int Length => _text.Length;

        public Builder Append(JinjaText text)
        {
            if (text.Length == 0)
            {
                return this;
            }

            budget.Text(text.Length, (long)_text.Length + text.Length);
            bool endsInData = _flips.Count % 2 == 1;
            if (endsInData != text.BeginsInData)
            {
                _flips.Add(_text.Length);
            }

            foreach (int flip in text._flips.AsSpan(text.BeginsInData ? 1 : 0))
            {
                _flips.Add(_text.Length + flip);
            }

            _text.Append(text.Value);
            return this;
        }

        /// <summary>Adds what the template or the renderer itself writes.</summary>
        public Builder Append(string text) => Append(OfTemplate(text));

        /// <summary>Adds what stands for one character of another text and so has its origin.</summary>
        public Builder Append(string text, JinjaText origin, int index) =>
            Append(origin.HasData(index, index + 1) ? OfData(text) : OfTemplate(text));

        public JinjaText ToText() => new(_text.ToString(), [.. _flips]);
    }
}
