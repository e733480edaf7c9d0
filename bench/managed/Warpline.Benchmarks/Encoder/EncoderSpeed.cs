using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Warpline.Benchmarks.Measuring;
using Warpline.Benchmarks.Peers;
using Warpline.Transformers;

namespace Warpline.Benchmarks.Encoder;

/// <summary>Sequences through an encoder of MiniLM's shape, without padding, beside ONNX Runtime at its best batching.</summary>
internal sealed class EncoderSpeed : IDisposable
{
    private const int Sequences = 1000, Longest = 128;
    private const double MeanOfLongest = 0.6, SingleSpeedup = 1.5, BFloat16Speedup = 2.5;
    private const int Sample = 250;
    private static readonly int[] _batchSizes = [1, 4, 16, 32, 64];

    private readonly EncoderTensors _tensors = new();
    private readonly EncoderModel _single, _bfloat16;
    private readonly OnnxEncoder _onnx;
    private readonly int[][] _sequences;
    private readonly Results _results = new("encoder");

    private EncoderSpeed()
    {
        _single = _tensors.CreateModel(ElementType.Float32);
        _bfloat16 = _tensors.CreateModel(ElementType.BFloat16);
        _onnx = new OnnxEncoder(_tensors, WarplineLibrary.ThreadCount);
        Random random = new(5);
        const int shortest = (int)((2 * MeanOfLongest * Longest) - Longest);
        _sequences =
        [
            .. Enumerable.Range(0, Sequences).Select(_ =>
                Enumerable.Range(0, random.Next(shortest, Longest + 1)).Select(_ => random.Next(EncoderTensors.Vocabulary)).ToArray()),
        ];
    }

    /// <summary>Measures everything.</summary>
    /// <param name="rounds">Of the comparison.</param>
    /// <param name="resultFolder">Where the file of figures goes.</param>
    /// <returns>Whether every bar was reached.</returns>
    public static bool Measure(int rounds, string resultFolder)
    {
        using EncoderSpeed speed = new();
        speed.Run(rounds);
        speed._results.Write(Path.Combine(resultFolder, "encoder.json"));
        return speed._results.Met;
    }

    public void Dispose()
    {
        _onnx.Dispose();
        _bfloat16.Dispose();
        _single.Dispose();
    }

    private void Run(int rounds)
    {
        long tokens = _sequences.Sum(sequence => (long)sequence.Length);
        _results.State("model", $"BERT, {_single.ParameterCount / 1e6:F1} million random weights, {EncoderTensors.Layers} layers of {EncoderTensors.Hidden}");
        _results.State("sequences", $"{Sequences} of {_sequences.Min(ids => ids.Length)} to {Longest} tokens, {tokens} in all");
        _results.State("ONNX Runtime", $"{typeof(InferenceSession).Assembly.GetName().Version}, float32: {OnnxEncoder.Fusions}");
        Check(_single, 1e-3);
        Check(_bfloat16, 5e-2);
        (int size, bool sorted) = FindBatching();
        int[][] ordered = [.. _sequences.OrderByDescending(sequence => sequence.Length)];
        int[][] given = sorted ? ordered : _sequences;
        using EncoderSession single = _single.CreateSession(), bfloat16 = _bfloat16.CreateSession();
        Side onnx = new("ONNX Runtime float32", Sequences, () => RunOnnx(given, size));
        Alternation measured = _results.Measure(
            $"{Sequences} sequences", "sequences/s", rounds,
            new Side("Warpline float32", Sequences, () => Run(single, ordered)), onnx,
            new Side("Warpline bfloat16", Sequences, () => Run(bfloat16, ordered)));
        _results.Compare("float32, speed-up over ONNX Runtime", measured, 0, 1, SingleSpeedup);
        _results.Compare("bfloat16, speed-up over ONNX Runtime", measured, 2, 1, BFloat16Speedup);
    }

    /// <summary>The peer must compute the same.</summary>
    private void Check(EncoderModel model, double most)
    {
        int[][] some = _sequences[..4];
        using EncoderSession session = model.CreateSession();
        ReadOnlySpan<float> own = session.Forward([.. some.SelectMany(ids => ids)], [.. some.Select(ids => ids.Length)]);
        using OrtValue output = _onnx.Forward(some);
        ReadOnlySpan<float> padded = output.GetTensorDataAsSpan<float>();
        int longest = some.Max(ids => ids.Length), row = 0;
        double error = 0, power = 0;
        for (int i = 0; i < some.Length; i++)
        {
            ReadOnlySpan<float> other = padded.Slice(i * longest * EncoderTensors.Hidden, some[i].Length * EncoderTensors.Hidden);
            for (int j = 0; j < other.Length; j++)
            {
                double difference = own[(row * EncoderTensors.Hidden) + j] - other[j];
                error += difference * difference;
                power += (double)other[j] * other[j];
            }

            row += some[i].Length;
        }

        double relative = Math.Sqrt(error / power);
        _results.State($"difference of the hidden states, {model.Options.ActivationType}", FormattableString.Invariant($"{relative:G3}, relative root mean square"));
        if (!(relative < most))
        {
            throw new InvalidOperationException("The two engines do not compute the same.");
        }
    }

    /// <summary>The batches that ONNX Runtime is fastest with, on a part of the sequences.</summary>
    private (int Size, bool Sorted) FindBatching()
    {
        int[][] given = _sequences[..Sample], ordered = [.. given.OrderByDescending(sequence => sequence.Length)];
        List<(int Size, bool Sorted)> choices =
            [.. _batchSizes.SelectMany(size => new[] { (size, true), (size, false) }).Where(choice => choice.Item1 > 1 || choice.Item2)];
        Alternation measured = _results.Measure(
            "batching for ONNX Runtime", "sequences/s", 3,
            [
                .. choices.Select(choice => new Side(
                    $"{choice.Size}{(choice.Sorted ? " sorted" : "")}", Sample,
                    () => RunOnnx(choice.Sorted ? ordered : given, choice.Size))),
            ]);
        int best = Enumerable.Range(0, choices.Count).MaxBy(measured.Rate);
        _results.State("batching of ONNX Runtime", $"{choices[best].Size} sequences, {(choices[best].Sorted ? "sorted by length" : "as they come")}");
        return choices[best];
    }

    private void RunOnnx(int[][] sequences, int size)
    {
        for (int i = 0; i < sequences.Length; i += size)
        {
            _onnx.Forward(sequences.AsSpan(i, Math.Min(size, sequences.Length - i))).Dispose();
        }
    }

    private static void Run(EncoderSession session, int[][] sequences)
    {
        List<int> tokens = [], lengths = [];
        foreach (int[] sequence in sequences)
        {
            if (tokens.Count + sequence.Length > session.BatchTokens)
            {
                Forward();
            }

            tokens.AddRange(sequence);
            lengths.Add(sequence.Length);
        }

        Forward();

        void Forward()
        {
            session.Forward(CollectionsMarshal.AsSpan(tokens), CollectionsMarshal.AsSpan(lengths));
            tokens.Clear();
            lengths.Clear();
        }
    }
}
