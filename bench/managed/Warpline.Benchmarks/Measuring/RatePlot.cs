using System.Globalization;
using System.Text;

namespace Warpline.Benchmarks.Measuring;

/// <summary>Rates of the sides of comparisons over a length, as a chart of an SVG picture; both axes are logarithmic.</summary>
internal sealed class RatePlot(string title, IReadOnlyList<int> lengths)
{
    private const int Width = 420, Height = 260, Left = 56, Right = 16, Top = 40, Bottom = 36;
    private static readonly string[] _colors = ["#2563eb", "#d97706", "#059669"];

    private readonly List<Alternation> _points = [];

    /// <summary>What was measured at the next length.</summary>
    public void Add(Alternation point) => _points.Add(point);

    /// <summary>Writes charts beside each other.</summary>
    public static void Write(string path, params ReadOnlySpan<RatePlot> plots)
    {
        StringBuilder svg = new();
        int total = plots.Length * Width;
        Append(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {Height}" font-family="sans-serif" font-size="11">""");
        Append(svg, $"""<rect width="{total}" height="{Height}" fill="white"/>""");
        for (int i = 0; i < plots.Length; i++)
        {
            Append(svg, $"""<g transform="translate({i * Width} 0)">""");
            plots[i].Draw(svg);
            Append(svg, $"</g>");
        }

        Append(svg, $"</svg>");
        File.WriteAllText(path, svg.ToString());
    }

    private void Draw(StringBuilder svg)
    {
        IReadOnlyList<Side> sides = _points[0].Sides;
        double[] rates = [.. _points.SelectMany(point => sides.Select((_, side) => point.Rate(side)))];
        double low = Math.Pow(2, Math.Floor(Math.Log2(rates.Min()))), high = Math.Pow(2, Math.Ceiling(Math.Log2(rates.Max())));
        double X(double length) => Left + (Math.Log(length / lengths[0]) / Math.Log((double)lengths[^1] / lengths[0]) * (Width - Left - Right));
        double Y(double rate) => Height - Bottom - (Math.Log(rate / low) / Math.Log(high / low) * (Height - Top - Bottom));
        Append(svg, $"""<text x="{Left}" y="16" font-size="13">{title}</text>""");
        for (double rate = low; rate <= high; rate *= 2)
        {
            Append(svg, $"""<path d="M{Left} {Y(rate):F1}H{Width - Right}" stroke="#ddd"/><text x="{Left - 6}" y="{Y(rate) + 4:F1}" text-anchor="end">{rate:G4}</text>""");
        }

        foreach (int length in lengths)
        {
            Append(svg, $"""<text x="{X(length):F1}" y="{Height - Bottom + 16}" text-anchor="middle">{length}</text>""");
        }

        Append(svg, $"""<text x="{(Left + Width - Right) / 2}" y="{Height - 4}" text-anchor="middle">tokens of context</text>""");
        for (int side = 0; side < sides.Count; side++)
        {
            string line = string.Join(' ', _points.Select((point, i) => FormattableString.Invariant($"{X(lengths[i]):F1},{Y(point.Rate(side)):F1}")));
            Append(svg, $"""<polyline points="{line}" fill="none" stroke="{_colors[side]}" stroke-width="2"/>""");
            Append(svg, $"""<text x="{Left + (side * 100)}" y="32" fill="{_colors[side]}">{sides[side].Name}</text>""");
        }
    }

    private static void Append(StringBuilder svg, FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
