using System.Globalization;
using System.Text;
using System.Xml;

namespace Warpline.DemoPicture;

/// <summary>
/// Draws a screen as SVG, with the frames as CSS animations that run once. What stays is visible unless its animation hides it
/// before its time, so that a viewer without animations shows the last frame.
/// </summary>
internal static class SvgDrawing
{
    private const int FontSize = 14;
    private const double CellWidth = 8.4;
    private const int CellHeight = 19;
    private const int Baseline = 14;
    private const int Padding = 16;
    private const string Fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

    private const string Namespace = "http://www.w3.org/2000/svg";

    /// <summary>The SVG's text.</summary>
    /// <param name="screen">What to draw.</param>
    /// <param name="title">What it shows, in words.</param>
    public static string Draw(Screen screen, string title)
    {
        using StringWriter text = new(CultureInfo.InvariantCulture) { NewLine = "\n" };
        using (XmlWriter writer = XmlWriter.Create(
            text, new XmlWriterSettings { OmitXmlDeclaration = true, NewLineChars = "\n", NewLineHandling = NewLineHandling.Replace }))
        {
            double width = (screen.Columns * CellWidth) + (2 * Padding), height = (screen.Rows * CellHeight) + (2 * Padding);
            writer.WriteStartElement("svg", Namespace);
            Attributes(
                writer, ("viewBox", $"0 0 {Number(width)} {Number(height)}"), ("width", Number(width)), ("height", Number(height)),
                ("role", "img"), ("aria-label", title), ("font-family", Fonts), ("font-size", Number(FontSize)), ("fill", Palette.Hex(Palette.Text)));
            writer.WriteAttributeString("xml", "space", null, "preserve");
            writer.WriteElementString("title", Namespace, title);
            writer.WriteElementString("style", Namespace, """
                @keyframes wait{from,to{visibility:hidden}}@keyframes pass{from,to{visibility:visible}}
                .wait{animation:wait}.pass{visibility:hidden;animation:pass}
                @media(prefers-reduced-motion:reduce){.wait,.pass{animation:none}}
                """);
            Rectangle(
                writer, "0.5", "0.5", Number(width - 1), Number(height - 1), Palette.Panel, ("rx", "8"), ("stroke", Palette.Hex(Palette.Border)));
            foreach (IGrouping<(int Start, int End), Appearance> period in screen.Appearances
                .GroupBy(item => (item.Start, item.End)).OrderBy(period => period.Key))
            {
                writer.WriteWhitespace("\n");
                writer.WriteStartElement("g", Namespace);
                WritePeriod(writer, period.Key.Start, period.Key.End);
                foreach (List<Appearance> run in Runs(period))
                {
                    WriteRun(writer, run);
                }

                writer.WriteEndElement();
            }

            writer.WriteWhitespace("\n");
            writer.WriteEndElement();
        }

        return text + "\n";
    }

    private static void WritePeriod(XmlWriter writer, int start, int end)
    {
        if (end != Appearance.Never)
        {
            Attributes(writer, ("class", "pass"), ("style", $"animation-delay:{Seconds(start)};animation-duration:{Seconds(end - start)}"));
        }
        else if (start > 0)
        {
            Attributes(writer, ("class", "wait"), ("style", $"animation-duration:{Seconds(start)}"));
        }
    }

    /// <summary>Characters of one style that follow each other in a row.</summary>
    private static IEnumerable<List<Appearance>> Runs(IEnumerable<Appearance> items)
    {
        List<Appearance> run = [];
        foreach (Appearance item in items.OrderBy(item => item.Row).ThenBy(item => item.Column))
        {
            if (run.Count > 0 && (run[^1].Row != item.Row || run[^1].Column + 1 != item.Column || run[^1].Style != item.Style))
            {
                yield return run;
                run = [];
            }

            run.Add(item);
        }

        yield return run;
    }

    private static void WriteRun(XmlWriter writer, List<Appearance> run)
    {
        CellStyle style = run[0].Style;
        (int color, int? behind) = Palette.Of(style);
        string x = Number(Padding + (run[0].Column * CellWidth)), width = Number(run.Count * CellWidth);
        int top = Padding + (run[0].Row * CellHeight);
        if (behind is int area)
        {
            Rectangle(writer, x, Number(top), width, Number(CellHeight), area);
        }

        StringBuilder glyphs = new();
        run.ForEach(item => glyphs.Append(item.Glyph));
        if (string.IsNullOrWhiteSpace(glyphs.ToString()) && !style.Underline)
        {
            return;
        }

        // The length holds the grid whatever font the viewer has.
        writer.WriteStartElement("text", Namespace);
        Attributes(writer, ("x", x), ("y", Number(top + Baseline)), ("textLength", width));
        if (color != Palette.Text)
        {
            Attributes(writer, ("fill", Palette.Hex(color)));
        }

        if (style.Bold)
        {
            Attributes(writer, ("font-weight", "bold"));
        }

        if (style.Italic)
        {
            Attributes(writer, ("font-style", "italic"));
        }

        if (style.Underline)
        {
            Attributes(writer, ("text-decoration", "underline"));
        }

        writer.WriteString(glyphs.ToString());
        writer.WriteEndElement();
    }

    private static void Rectangle(
        XmlWriter writer, string x, string y, string width, string height, int color, params (string Name, string Value)[] others)
    {
        writer.WriteStartElement("rect", Namespace);
        Attributes(writer, [("x", x), ("y", y), ("width", width), ("height", height), ("fill", Palette.Hex(color)), .. others]);
        writer.WriteEndElement();
    }

    private static void Attributes(XmlWriter writer, params (string Name, string Value)[] attributes)
    {
        foreach ((string name, string value) in attributes)
        {
            writer.WriteAttributeString(name, value);
        }
    }

    private static string Seconds(int frames) => Number((double)frames / Recording.FramesPerSecond) + "s";

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
