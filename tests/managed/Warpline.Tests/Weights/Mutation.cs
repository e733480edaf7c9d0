namespace Warpline.Tests.Weights;

/// <summary>Random damage to files: what a reader does with it may only be what it documents.</summary>
internal static class Mutation
{
    private static readonly byte[][] _snippets =
    [
        .. new[] { "null", "-1", "0", "1e999", "9223372036854775807", "{}", "[]", "\"\"", "\\ud800", ":", ",", "NaN", "true", "{{", "\"a\":" }
            .Select(System.Text.Encoding.UTF8.GetBytes),
    ];

    /// <summary>A copy with one to four places changed, removed, doubled, replaced or cut off.</summary>
    public static byte[] Of(ReadOnlySpan<byte> seed, Random random)
    {
        List<byte> bytes = [.. seed];
        for (int change = random.Next(1, 5); change > 0 && bytes.Count > 0; change--)
        {
            int place = random.Next(bytes.Count);
            int length = Math.Min(random.Next(1, 9), bytes.Count - place);
            switch (random.Next(6))
            {
                case 0:
                    bytes[place] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(place, length);
                    break;
                case 2:
                    bytes.InsertRange(place, bytes.GetRange(place, length));
                    break;
                case 3:
                    bytes.RemoveRange(place, bytes.Count - place);
                    break;
                case 4:
                    bytes[place] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    bytes.InsertRange(place, _snippets[random.Next(_snippets.Length)]);
                    break;
            }
        }

        return [.. bytes];
    }
}
