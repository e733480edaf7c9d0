namespace Warpline.Tests;

/// <summary>What code allocates on the managed heap.</summary>
internal static class Allocation
{
    private const int Rounds = 5;

    /// <summary>
    /// Bytes that a number of calls allocates on this thread, in the one of a few rounds that allocates least. What the calls
    /// allocate themselves is in every round; the runtime allocates on a caller's thread too, once in a while and for itself,
    /// and a busy machine shows it (3712 bytes in one round of thousands).
    /// </summary>
    public static long Least(int calls, Action call)
    {
        long least = long.MaxValue;
        for (int round = 0; round < Rounds && least != 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < calls; i++)
            {
                call();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
