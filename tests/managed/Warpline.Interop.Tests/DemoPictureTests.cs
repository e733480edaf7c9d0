using System.Text.RegularExpressions;
using System.Xml.Linq;
using NUnit.Framework;
using Warpline.DemoPicture;

namespace Warpline.Interop.Tests;

/// <summary>The tool that draws docs/demo.svg on made-up streams, and the picture itself.</summary>
internal sealed partial class DemoPictureTests
{
    private const string Red = "#ff7b72";

    [Test]
    public void Text_keeps_its_characters_and_its_places()
    {
        Picture picture = Picture.Of((0, "a <b> & \"c\" 'd'\n\n  é漢  x\n"));
        Assert.That(picture.TextAt(0), Is.EqualTo(new[] { "a <b> & \"c\" 'd'", "", "  é漢  x" }));
        XElement text = picture.Find("a <b> & \"c\" 'd'");
        Assert.That(text.Attribute("textLength")!.Value, Is.EqualTo("126"), "15 places of 8.4");
        Assert.That(picture.Root.Attribute(XNamespace.Xml + "space")!.Value, Is.EqualTo("preserve"));
        Assert.That(picture.Root.Attribute("aria-label")!.Value, Is.EqualTo("a test"));
    }

    [Test]
    public void Long_lines_wrap_at_the_width()
    {
        Assert.That(
            Picture.Of((0, "123456789012345678901234567890\n12345678901234567890\nend")).TextAt(0),
            Is.EqualTo(new[] { "12345678901234567890", "1234567890", "12345678901234567890", "end" }));
        Assert.That(Picture.Of((0, "a\tb\rc")).TextAt(0), Is.EqualTo(new[] { "c       b" }));
    }

    [Test]
    public void What_is_written_later_is_seen_later()
    {
        Picture picture = Picture.Of((0, "one"), (10, " two"), (30, "\nthree"));
        Assert.That(picture.TextAt(0), Is.EqualTo(new[] { "one" }));
        Assert.That(picture.TextAt(0.49), Is.EqualTo(new[] { "one" }));
        Assert.That(picture.TextAt(0.5), Is.EqualTo(new[] { "one two" }));
        Assert.That(picture.TextAt(1.5), Is.EqualTo(new[] { "one two", "three" }));
        Assert.That(picture.Still, Is.EqualTo(new[] { "one", " two", "three" }));
    }

    [Test]
    public void Lines_that_are_overwritten_pass()
    {
        // A bar that is drawn anew with a return, and a table of two lines with moves and erasing, as Spectre.Console does.
        Picture picture = Picture.Of((0, "bar 10%"), (2, "\rbar 20%"), (4, "\rbar 100%\n"));
        Assert.That(picture.TextAt(0), Is.EqualTo(new[] { "bar 10%" }));
        Assert.That(picture.TextAt(0.1), Is.EqualTo(new[] { "bar 20%" }));
        Assert.That(picture.TextAt(0.2), Is.EqualTo(new[] { "bar 100%" }));
        Assert.That(picture.Still, Is.EquivalentTo(new[] { "bar ", "0", "1", "0%" }), "what stays is drawn once");

        picture = Picture.Of(
            (0, "\u001b[?25lfirst line\nsecond line"), (10, "\r\u001b[2K\u001b[1A\u001b[2Kdone\u001b[K"), (20, "\n\u001b[31mnext\u001b[0m\u001b[?25h"));
        Assert.That(picture.TextAt(0.4), Is.EqualTo(new[] { "first line", "second line" }));
        Assert.That(picture.TextAt(0.5), Is.EqualTo(new[] { "done" }));
        Assert.That(picture.TextAt(1), Is.EqualTo(new[] { "done", "next" }));
        Assert.That(picture.Still, Is.EqualTo(new[] { "done", "next" }));
    }

    [TestCase("ab~[2Dcd", "cd")]
    [TestCase("abc~[1Gx~[1Cy", "xby")]
    [TestCase("abc~[2D~[0Kx", "ax")]
    [TestCase("abc~[1D~[1Kx", "  x")]
    [TestCase("ab|cd~[H~[Jx", "x")]
    [TestCase("ab|cd~[1;2Hx", "ax|cd")]
    [TestCase("ab|cd~[Fx~[Ey", "xb|yd")]
    [TestCase("ab|cd~[2J", "")]
    [TestCase("ab~[99A~[99Bc<d", "abd")]
    [TestCase("a~]8;;https://example.org~\\b~]0;title%c~(Bd~=e", "abcde")]
    [TestCase("a~[999999999999C!", "a                  !")]
    public void Moves_and_erasing_are_a_terminals(string printable, string rows)
    {
        string stream = printable.Replace('~', '\u001b').Replace('%', '\a').Replace('|', '\n').Replace('<', '\b');
        Assert.That(string.Join('|', Picture.Of((0, stream)).TextAt(0)), Is.EqualTo(rows));
        Picture split = Picture.Of([.. stream.Select(letter => (0, letter.ToString()))]);
        Assert.That(string.Join('|', split.TextAt(0)), Is.EqualTo(rows), "in pieces of one character");
    }

    [Test]
    public void Colours_and_styles_are_the_streams()
    {
        Picture picture = Picture.Of(
            (0, "\u001b[31mred\u001b[39mown\u001b[1;92mbold\u001b[0m\u001b[38;5;12mblue\u001b[m\n"),
            (0, "\u001b[38;2;255;200;0mgold\u001b[0;3mslant\u001b[23;4mline\u001b[24;7mturn\u001b[0m\n\u001b[44m  bg\u001b[0m \u001b[38;5;244mgrey"));
        Assert.That(Fill("red"), Is.EqualTo(Red));
        Assert.That(Fill("own"), Is.Null);
        Assert.That(Fill("bold"), Is.EqualTo("#56d364"));
        Assert.That(picture.Find("bold").Attribute("font-weight")!.Value, Is.EqualTo("bold"));
        Assert.That(Fill("blue"), Is.EqualTo("#79c0ff"));
        Assert.That(Fill("gold"), Is.EqualTo("#ffc800"));
        Assert.That(picture.Find("slant").Attribute("font-style")!.Value, Is.EqualTo("italic"));
        Assert.That(picture.Find("line").Attribute("text-decoration")!.Value, Is.EqualTo("underline"));
        Assert.That(picture.Find("line").Attribute("font-style"), Is.Null);
        Assert.That((Fill("turn"), picture.BehindAt(1, 13).Single()), Is.EqualTo(("#0d1117", "#e6edf3")));
        Assert.That(picture.BehindAt(2, 0).Concat(picture.BehindAt(2, 3)), Is.EqualTo(new[] { "#58a6ff", "#58a6ff" }));
        Assert.That(picture.BehindAt(2, 4), Is.Empty);
        Assert.That(Fill("grey"), Is.EqualTo("#808080"));

        string? Fill(string text) => picture.Find(text).Attribute("fill")?.Value;
    }

    [Test]
    public void Every_colour_can_be_read()
    {
        for (int color = 0; color < 256; color++)
        {
            foreach (CellStyle style in new CellStyle[]
            {
                new(color, null), new(color, null, Dim: true), new(null, color), new(color, null, Inverse: true), new(color, 255 - color),
                new(CellStyle.Rgb | (color * 0x010203 & 0xffffff), null),
            })
            {
                (int text, int? behind) = Palette.Of(style);
                Assert.That(Palette.Contrast(text, behind ?? Palette.Panel), Is.GreaterThanOrEqualTo(4.5), style.ToString());
            }
        }

        Assert.That(Palette.Contrast(0, 0xffffff), Is.EqualTo(21).Within(1e-9));
        Assert.That(Palette.Contrast(0x777777, 0xffffff), Is.EqualTo(4.48).Within(0.01), "as published");
    }

    [Test]
    public void The_same_stream_gives_the_same_picture()
    {
        (int, string)[] stream = [(0, "\u001b[31ma"), (3, "b\rc\u001b[K"), (9, "\nd")];
        Assert.That(Picture.Draw(stream), Is.EqualTo(Picture.Draw(stream)).And.Not.EqualTo(Picture.Draw(stream[..2])));
    }

    [Test]
    public async Task A_recording_keeps_the_order_and_passes_everything_on()
    {
        StringWriter echo = new();
        using Recording recording = new(echo);
        recording.Write("a");
        await Task.Delay(1200);
        recording.WriteLine("b");
        recording.Write('c');
        (int Frame, string Text)[] frames = [.. recording.Frames()];
        Assert.That(frames.Select(frame => frame.Text), Is.EqualTo(new[] { "a", "b\n", "c" }));
        Assert.That(frames.Select(frame => frame.Frame), Is.Ordered);
        Assert.That(frames[1].Frame, Is.GreaterThan(frames[0].Frame));
        Assert.That(frames[1].Frame - frames[0].Frame, Is.LessThanOrEqualTo(Recording.FramesPerSecond + 1), "longer pauses are cut to a second");
        Assert.That(echo.ToString(), Is.EqualTo("ab\nc"));
    }

    [Test]
    public void The_README_shows_the_demonstration()
    {
        Match reference = PictureReference().Match(File.ReadAllText(RepositoryFiles.PathOf("README.md")));
        Assert.That(reference.Success, Is.True);
        Assert.That(reference.Groups[1].Value, Has.Length.GreaterThan(20), "what it shows, for who cannot see it");
        FileInfo file = new(RepositoryFiles.PathOf(reference.Groups[2].Value));
        Assert.That(file.Length, Is.LessThan(200_000));
        Picture picture = new(File.ReadAllText(file.FullName));
        Assert.That(
            picture.Root.DescendantsAndSelf().Select(element => element.Name.LocalName).Distinct(),
            Is.SubsetOf(new[] { "svg", "title", "style", "rect", "g", "text" }), "no scripts, links or pictures of others");
        string text = string.Concat(picture.TextAt(double.MaxValue));
        Assert.That(text, Does.Contain("Once upon a time").And.Contain("tokens equal the float64 reference").And.Contain("Perplexity on 10 held-out"));
        Assert.That(text, Does.Contain("The C sample's 8 tokens").And.Not.Contain("FAILED"));
        Assert.That(picture.TextAt(0), Has.Length.LessThan(picture.TextAt(double.MaxValue).Length), "it moves");
    }

    [GeneratedRegex(@"!\[([^\]]+)\]\((docs/demo\.svg)\)")]
    private static partial Regex PictureReference();
}
