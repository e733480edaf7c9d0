using NUnit.Framework;
using Warpline.Tests.Bindings;

namespace Warpline.Interop.Tests.DropIn;

/// <summary>
/// Attention over two sequences, in numbers and with what double precision makes of them. Nothing here knows who owns the memory
/// that Warpline reads and writes: that is the test's own choice.
/// </summary>
/// <param name="Name">What the case shows.</param>
/// <param name="Packed">Whether the sequences lie behind each other, with offsets; otherwise they have one length.</param>
/// <param name="QueryOffsets">Where each sequence's queries begin, and where the last ends.</param>
/// <param name="KeyOffsets">The same of keys and values.</param>
/// <param name="Options">What Warpline is asked for.</param>
/// <param name="Allowed">The same as a rule: whether a position may attend a key.</param>
internal sealed record AttentionCase(
    string Name, bool Packed, int[] QueryOffsets, int[] KeyOffsets, AttentionOptions Options, Func<int, int, bool> Allowed)
{
    private const int QueryHeads = 4;
    private const int KeyHeads = 2;
    private const int KeyDimension = 12;
    private const int ValueDimension = 8;

    public static IEnumerable<AttentionCase> All { get; } =
    [
        new("causal", false, [0, 5, 10], [0, 9, 18], new() { Causal = true }, (position, key) => key <= position),
        new("sliding window", false, [0, 5, 10], [0, 9, 18], new() { Window = 3 },
            (position, key) => key <= position && key > position - 3),
        new("packed", true, [0, 2, 9], [0, 6, 13], new() { Causal = true }, (position, key) => key <= position),
    ];

    public float[] Query => Numbers.Random(1, QueryOffsets[^1] * QueryHeads * KeyDimension);

    public float[] Key => Numbers.Random(2, KeyOffsets[^1] * KeyHeads * KeyDimension);

    public float[] Value => Numbers.Random(3, KeyOffsets[^1] * KeyHeads * ValueDimension);

    public long[] QueryShape => Shape(QueryOffsets, QueryHeads, KeyDimension);

    public long[] KeyShape => Shape(KeyOffsets, KeyHeads, KeyDimension);

    public long[] ValueShape => Shape(KeyOffsets, KeyHeads, ValueDimension);

    public long[] OutputShape => Shape(QueryOffsets, QueryHeads, ValueDimension);

    public int OutputCount => QueryOffsets[^1] * QueryHeads * ValueDimension;

    /// <summary>Compares a result with double precision, which gets the numbers that attention got.</summary>
    public void AssertOutput(
        ReadOnlySpan<float> output, ReadOnlySpan<float> query, ReadOnlySpan<float> key, ReadOnlySpan<float> value,
        double tolerance = 2e-5)
    {
        Assert.That(output.Length, Is.EqualTo(OutputCount));
        for (int b = 0; b + 1 < QueryOffsets.Length; b++)
        {
            AttentionReference reference = new()
            {
                QueryLength = QueryOffsets[b + 1] - QueryOffsets[b],
                KeyLength = KeyOffsets[b + 1] - KeyOffsets[b],
                QueryHeads = QueryHeads,
                KeyHeads = KeyHeads,
                KeyDimension = KeyDimension,
                ValueDimension = ValueDimension,
                Allowed = Allowed,
            };
            double[] expected = reference.Run(
                query[(QueryOffsets[b] * QueryHeads * KeyDimension)..],
                key[(KeyOffsets[b] * KeyHeads * KeyDimension)..],
                value[(KeyOffsets[b] * KeyHeads * ValueDimension)..]).Output;
            ReadOnlySpan<float> rows = output.Slice(QueryOffsets[b] * QueryHeads * ValueDimension, expected.Length);
            Numbers.AssertClose(rows, expected, tolerance, $"sequence {b}");
        }
    }

    public override string ToString() => Name;

    private long[] Shape(int[] offsets, int heads, int dimension) =>
        Packed ? [offsets[^1], heads, dimension] : [offsets.Length - 1, offsets[1], heads, dimension];
}
