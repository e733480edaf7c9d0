using System.Diagnostics;
using Warpline.Transformers;

namespace Warpline.Cli.Demo;

/// <summary>Tokens a second, measured, with the kernel of the product that ran last.</summary>
internal readonly record struct Throughput(double TokensPerSecond, string Kernel)
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(0.4);

    /// <summary>Whole prompts of <paramref name="tokens"/> tokens.</summary>
    public static Throughput OfPrefill(TransformerModel model, int[] tokens)
    {
        using DecoderSession session = model.CreateSession(tokens.Length);
        return Measure(tokens.Length, () =>
        {
            session.Truncate(0);
            session.Forward(tokens, LogitsMode.All);
        });
    }

    /// <summary>One token after the other behind a prompt.</summary>
    public static Throughput OfDecode(TransformerModel model, int[] prompt, int steps)
    {
        using DecoderSession session = model.CreateSession(prompt.Length + steps);
        session.Forward(prompt);
        return Measure(steps, () =>
        {
            session.Truncate(prompt.Length);
            for (int i = 0; i < steps; i++)
            {
                session.Forward(prompt.AsSpan(i % prompt.Length, 1));
            }
        });
    }

    private static Throughput Measure(int tokens, Action run)
    {
        run();
        Stopwatch watch = Stopwatch.StartNew();
        int runs = 0;
        do
        {
            run();
            runs++;
        }
        while (watch.Elapsed < Least);
        return new Throughput(runs * tokens / watch.Elapsed.TotalSeconds, WarplineLibrary.LastKernel ?? "none");
    }
}
