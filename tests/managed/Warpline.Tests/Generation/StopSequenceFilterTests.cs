using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Generation;

public sealed class StopSequenceFilterTests
{
    [TestCase("abc", new[] { "x" }, "abc", false)]
    [TestCase("one STOP two", new[] { "STOP" }, "one ", true)]
    [TestCase("one ST", new[] { "STOP" }, "one ST", false)]
    [TestCase("aaab", new[] { "aab" }, "a", true)]
    [TestCase("ababac", new[] { "abac" }, "ab", true)]
    [TestCase("a long STOP b END", new[] { "END", "STOP" }, "a long ", true)]
    [TestCase("abcdef", new[] { "cde", "bc" }, "a", true)]
    [TestCase("a there", new[] { " there", "he" }, "a t", true)]
    [TestCase("a thus", new[] { "thus", "us" }, "a ", true)]
    [TestCase("", new[] { "a" }, "", false)]
    [TestCase("\u00e9\ud83d\ude42|", new[] { "|" }, "\u00e9\ud83d\ude42", true)]
    public void The_text_before_the_first_stop_is_released_however_it_is_cut(string text, string[] stops, string expected, bool stopped)
    {
        for (int size = 1; size <= text.Length + 1; size++)
        {
            StopSequenceFilter filter = new(stops);
            string released = "";
            bool found = false;
            for (int from = 0; from < text.Length && !found; from += size)
            {
                released += filter.Append(text[from..Math.Min(text.Length, from + size)], out found);
                Assert.That(expected, Does.StartWith(released), "nothing of a stop sequence may be released");
            }

            released += found ? "" : filter.Flush();
            Assert.That((released, found), Is.EqualTo((expected, stopped)), $"in pieces of {size}");
        }
    }

    [Test]
    public void Text_that_cannot_begin_a_stop_is_released_at_once()
    {
        StopSequenceFilter filter = new(["\n\n"]);
        Assert.That(filter.Append("line\n", out _), Is.EqualTo("line"));
        Assert.That(filter.Append("next", out _), Is.EqualTo("\nnext"));
        Assert.That(filter.Flush(), Is.Empty);
    }
}
