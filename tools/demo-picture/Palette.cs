using System.Globalization;

namespace Warpline.DemoPicture;

/// <summary>Colours of the picture: light on a dark panel of its own, so that it reads the same on pages of any colour.</summary>
internal static class Palette
{
    public const int Panel = 0x0d1117;
    public const int Border = 0x444c56;
    public const int Text = 0xe6edf3;

    /// <summary>Text has at least this contrast (WCAG 2) with what is behind it.</summary>
    public const double LeastContrast = 4.5;

    private static readonly int[] Named =
    [
        0x8b949e, 0xff7b72, 0x3fb950, 0xd29922, 0x58a6ff, 0xbc8cff, 0x39c5cf, 0xc9d1d9,
        0x8b949e, 0xffa198, 0x56d364, 0xe3b341, 0x79c0ff, 0xd2a8ff, 0x56d4dd, 0xffffff,
    ];

    /// <summary>What a style's character and the area behind it are drawn in; null behind is the panel.</summary>
    public static (int Text, int? Behind) Of(CellStyle style)
    {
        int text = style.Foreground is int foreground ? Resolve(foreground) : Text;
        int? behind = style.Background is int background ? Resolve(background) : null;
        if (style.Inverse)
        {
            (text, behind) = (behind ?? Panel, text);
        }

        text = style.Dim ? Mix(text, behind ?? Panel, 0.35) : text;
        return (Legible(text, behind ?? Panel), behind);
    }

    /// <summary>"#rrggbb".</summary>
    public static string Hex(int color) => $"#{color.ToString("x6", CultureInfo.InvariantCulture)}";

    /// <summary>The contrast of two colours by WCAG 2, from 1 to 21.</summary>
    public static double Contrast(int one, int other)
    {
        (double a, double b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    // The 256 colours of xterm: 16 with names, a cube with edge 6, greys.
    private static int Resolve(int color)
    {
        if (color >= CellStyle.Rgb)
        {
            return color - CellStyle.Rgb;
        }

        if (color < 16)
        {
            return Named[color];
        }

        if (color >= 232)
        {
            return (8 + ((color - 232) * 10)) * 0x010101;
        }

        int cube = color - 16;
        return (Level(cube / 36) << 16) | (Level(cube / 6 % 6) << 8) | Level(cube % 6);
    }

    private static int Level(int step) => step == 0 ? 0 : 55 + (step * 40);

    private static int Legible(int text, int behind)
    {
        int towards = Contrast(0xffffff, behind) >= Contrast(0, behind) ? 0xffffff : 0;
        while (Contrast(text, behind) < LeastContrast && text != towards)
        {
            text = Mix(text, towards, 0.2);
        }

        return text;
    }

    private static int Mix(int from, int to, double part)
    {
        int mixed = 0;
        for (int shift = 0; shift <= 16; shift += 8)
        {
            int a = (from >> shift) & 255, b = (to >> shift) & 255;
            // Away from zero, so that every step gets nearer.
            mixed |= (a + ((int)Math.Ceiling(Math.Abs(b - a) * part) * Math.Sign(b - a))) << shift;
        }

        return mixed;
    }

    private static double Luminance(int color) =>
        (0.2126 * Linear(color >> 16)) + (0.7152 * Linear((color >> 8) & 255)) + (0.0722 * Linear(color & 255));

    private static double Linear(int level)
    {
        double value = level / 255.0;
        return value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);
    }
}
