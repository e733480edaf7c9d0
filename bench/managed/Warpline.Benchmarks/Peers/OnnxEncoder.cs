using Microsoft.ML.OnnxRuntime;
using Warpline.Benchmarks.Encoder;

namespace Warpline.Benchmarks.Peers;

/// <summary>
/// The encoder on ONNX Runtime, written with its fused operators, as its own optimiser for transformers leaves a BERT: attention
/// with the products of queries, keys and values, residual with norm, bias with GELU. Batches are padded at the end.
/// </summary>
internal sealed class OnnxEncoder : IDisposable
{
    private static readonly string[] _inputs = ["ids", "positions", "lengths"];

    private static readonly string[] _projections = ["query", "key", "value"];

    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly string _output;

    public OnnxEncoder(EncoderTensors tensors, int threads)
    {
        OnnxGraph graph = new();
        _output = Write(graph, tensors);
        using SessionOptions options = new()
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        };
        _session = new InferenceSession(graph.ToModel(), options);
    }

    /// <summary>What the graph consists of.</summary>
    public static string Fusions =>
        $"{EncoderTensors.Layers} Attention (products of queries, keys and values, mask by lengths), "
        + $"{2 * EncoderTensors.Layers} SkipLayerNormalization, {EncoderTensors.Layers} BiasGelu, all of them written so; "
        + $"{3 * EncoderTensors.Layers} MatMul with weights that ONNX Runtime packs at load";

    /// <summary>Runs sequences as one batch.</summary>
    /// <returns>Last hidden states, [sequences, longest, hidden]; the caller's to dispose.</returns>
    public OrtValue Forward(ReadOnlySpan<int[]> sequences)
    {
        int longest = 0;
        foreach (int[] sequence in sequences)
        {
            longest = Math.Max(longest, sequence.Length);
        }

        long[] ids = new long[sequences.Length * longest], positions = new long[longest];
        int[] lengths = new int[sequences.Length];
        for (int i = 0; i < sequences.Length; i++)
        {
            lengths[i] = sequences[i].Length;
            for (int j = 0; j < lengths[i]; j++)
            {
                ids[(i * longest) + j] = sequences[i][j];
            }
        }

        for (int i = 0; i < longest; i++)
        {
            positions[i] = i;
        }

        using OrtValue idsValue = OrtValue.CreateTensorValueFromMemory(ids, [sequences.Length, longest]);
        using OrtValue positionsValue = OrtValue.CreateTensorValueFromMemory(positions, [longest]);
        using OrtValue lengthsValue = OrtValue.CreateTensorValueFromMemory(lengths, [sequences.Length]);
        return _session.Run(_options, _inputs, [idsValue, positionsValue, lengthsValue], [_output])[0];
    }

    public void Dispose()
    {
        _options.Dispose();
        _session.Dispose();
    }

    private static string Write(OnnxGraph graph, EncoderTensors tensors)
    {
        const int hidden = EncoderTensors.Hidden, inner = EncoderTensors.Intermediate;
        (string Name, object Value) epsilon = ("epsilon", EncoderTensors.NormEpsilon);
        string Vector(string name) => graph.Weight(name, tensors[name], tensors[name].Length);
        string ids = graph.LongInput(_inputs[0], "batch", "length"), positions = graph.LongInput(_inputs[1], "length");
        string lengths = graph.IntInput(_inputs[2], "batch");
        string words = graph.Node("Gather", false, [
            graph.Weight("words", tensors["embeddings.word_embeddings.weight"], EncoderTensors.Vocabulary, hidden), ids]);
        string places = graph.Node("Gather", false, [graph.Weight("places", Places(tensors), EncoderTensors.Positions, hidden), positions]);
        string x = graph.Node("LayerNormalization", false, [
            graph.Node("Add", false, [words, places]), Vector("embeddings.LayerNorm.weight"), Vector("embeddings.LayerNorm.bias")], epsilon);
        for (int layer = 0; layer < EncoderTensors.Layers; layer++)
        {
            string prefix = $"encoder.layer.{layer}.";
            string Product(string input, string name, int outputs, int inputs) => graph.Node("MatMul", false, [
                input, graph.Weight(prefix + name, Transpose(tensors[$"{prefix}{name}.weight"], outputs, inputs), inputs, outputs)]);
            string Residual(string y, string residual, string norm, string bias) => graph.Node("SkipLayerNormalization", true, [
                y, residual, Vector($"{prefix}{norm}.weight"), Vector($"{prefix}{norm}.bias"), Vector($"{prefix}{bias}.bias")], epsilon);
            string[] three = [.. _projections.Select(name => $"{prefix}attention.self.{name}")];
            string attended = graph.Node("Attention", true, [
                x,
                graph.Weight(prefix + "qkv", Beside([.. three.Select(name => Transpose(tensors[name + ".weight"], hidden, hidden))]), hidden, 3 * hidden),
                graph.Weight(prefix + "qkv_bias", [.. three.SelectMany(name => tensors[name + ".bias"])], 3 * hidden),
                lengths], ("num_heads", EncoderTensors.Heads));
            x = Residual(
                Product(attended, "attention.output.dense", hidden, hidden), x, "attention.output.LayerNorm", "attention.output.dense");
            string gelu = graph.Node("BiasGelu", true, [
                Product(x, "intermediate.dense", inner, hidden), Vector(prefix + "intermediate.dense.bias")]);
            x = Residual(Product(gelu, "output.dense", hidden, inner), x, "output.LayerNorm", "output.dense");
        }

        graph.Output(x, "batch", "length", "hidden");
        return x;
    }

    // Positions with the first token type added.
    private static float[] Places(EncoderTensors tensors)
    {
        float[] types = tensors["embeddings.token_type_embeddings.weight"];
        return [.. tensors["embeddings.position_embeddings.weight"].Select((value, i) => value + types[i % EncoderTensors.Hidden])];
    }

    private static float[] Transpose(float[] values, int rows, int columns)
    {
        float[] result = new float[values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                result[(column * rows) + row] = values[(row * columns) + column];
            }
        }

        return result;
    }

    // Three square matrices as one, column blocks beside each other.
    private static float[] Beside(float[][] matrices)
    {
        const int size = EncoderTensors.Hidden;
        float[] result = new float[3 * size * size];
        for (int i = 0; i < 3 * size; i++)
        {
            matrices[i % 3].AsSpan(i / 3 * size, size).CopyTo(result.AsSpan(i * size));
        }

        return result;
    }
}
