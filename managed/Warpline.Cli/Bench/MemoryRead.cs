using System.Runtime.Intrinsics;

namespace Warpline.Cli.Bench;

/// <summary>Reads memory as fast as the machine can: what memory-bound cases are held against.</summary>
/// <param name="address">The first byte.</param>
/// <param name="part">Bytes of each thread, a multiple of <see cref="Unit"/>.</param>
/// <param name="threads">How many threads read, each its own part.</param>
internal sealed unsafe class MemoryRead(nint address, long part, int threads)
{
    /// <summary>Bytes of one line of each stream: one stream alone does not fill the memory's queues.</summary>
    public const int Unit = Streams * Line;

    private const int Streams = 4;
    private const int Line = 64;

    // Keeps the sums alive.
    private readonly ulong[] _sums = new ulong[threads];

    public void Run() => Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, Read);

    private void Read(int thread)
    {
        byte* data = (byte*)address + (thread * part);
        long stream = part / Streams;
        Vector512<ulong> a = default, b = default, c = default, d = default;
        for (long at = 0; at < stream; at += Line)
        {
            a ^= Vector512.Load((ulong*)(data + at));
            b ^= Vector512.Load((ulong*)(data + stream + at));
            c ^= Vector512.Load((ulong*)(data + (2 * stream) + at));
            d ^= Vector512.Load((ulong*)(data + (3 * stream) + at));
        }

        _sums[thread] = (a ^ b ^ c ^ d).ToScalar();
    }
}
