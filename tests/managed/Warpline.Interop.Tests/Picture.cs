using System.Globalization;
using System.Xml.Linq;
using Warpline.DemoPicture;

namespace Warpline.Interop.Tests;

/// <summary>Reads a picture of a terminal as a viewer does: what stands where at a time.</summary>
internal sealed class Picture
{
    private const double CellWidth = 8.4;
    private const int CellHeight = 19;
    private const int Padding = 16;

    private readonly List<Piece> _pieces = [];

    public Picture(string svg)
    {
        Root = XDocument.Parse(svg, LoadOptions.PreserveWhitespace).Root!;
        foreach (XElement element in Root.Descendants().Where(element => element.Name.LocalName is "text" or "rect" && element.Parent != Root))
        {
            (double from, double to) = PeriodOf(element.Parent!);
            _pieces.Add(new Piece(
                element, (int)Math.Round((Number(element, "x") - Padding) / CellWidth), ((int)Number(element, "y") - Padding) / CellHeight, from, to));
        }
    }

    public XElement Root { get; }

    /// <summary>Draws a stream on a terminal of 20 columns.</summary>
    public static Picture Of(params (int Frame, string Text)[] stream) => new(Draw(stream));

    public static string Draw(params (int Frame, string Text)[] stream)
    {
        Screen screen = new(20);
        AnsiReader reader = new(screen);
        foreach ((int frame, string text) in stream)
        {
            reader.Read(frame, text);
        }

        return SvgDrawing.Draw(screen, "a test");
    }

    /// <summary>The rows of text at a time, in seconds, without spaces at their ends.</summary>
    public string[] TextAt(double seconds)
    {
        List<char[]> rows = [];
        foreach (Piece piece in _pieces.Where(piece => piece.IsSeen(seconds) && piece.Element.Name.LocalName == "text"))
        {
            while (rows.Count <= piece.Row)
            {
                rows.Add([.. Enumerable.Repeat(' ', 200)]);
            }

            piece.Element.Value.CopyTo(0, rows[piece.Row], piece.Column, piece.Element.Value.Length);
        }

        return [.. rows.Select(row => new string(row).TrimEnd())];
    }

    /// <summary>What a viewer without animations shows.</summary>
    public IEnumerable<string> Still => _pieces.Where(piece => piece.To == double.PositiveInfinity).Select(piece => piece.Element.Value);

    /// <summary>The element that shows a text.</summary>
    public XElement Find(string text) => _pieces.Single(piece => piece.Element.Value == text).Element;

    /// <summary>The colours behind a place in the end.</summary>
    public IEnumerable<string> BehindAt(int row, int column) => _pieces
        .Where(piece => piece.Element.Name.LocalName == "rect" && piece.To == double.PositiveInfinity && piece.Row == row
            && piece.Column <= column && column < piece.Column + (Number(piece.Element, "width") / CellWidth) - 0.01)
        .Select(piece => piece.Element.Attribute("fill")!.Value);

    private static (double From, double To) PeriodOf(XElement group)
    {
        Dictionary<string, double> style = (group.Attribute("style")?.Value ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(item => item.Split(':')).ToDictionary(pair => pair[0], pair => double.Parse(pair[1].TrimEnd('s'), CultureInfo.InvariantCulture));
        return group.Attribute("class")?.Value switch
        {
            null => (0, double.PositiveInfinity),
            "wait" => (style["animation-duration"], double.PositiveInfinity),
            "pass" => (style["animation-delay"], style["animation-delay"] + style["animation-duration"]),
            string other => throw new InvalidDataException($"the class {other}"),
        };
    }

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private sealed record Piece(XElement Element, int Column, int Row, double From, double To)
    {
        public bool IsSeen(double seconds) => From <= seconds && seconds < To;
    }
}
