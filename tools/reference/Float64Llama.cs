using System.Buffers.Binary;
using System.Text.Json;

namespace Warpline.Reference;

/// <summary>
/// A Llama in double precision, one token at a time, written from the formulas in straight loops. It reads a checkpoint in
/// one safetensors file by itself and shares nothing with the kernels or the runtime, so that it can judge them.
/// Served: plain rotary embedding, grouped heads, a sliding window in all layers, tied or own output matrix, no biases.
/// </summary>
internal sealed class Float64Llama
{
    private readonly Dictionary<string, double[]> _weights;
    private readonly int _layers, _hidden, _intermediate, _heads, _keyHeads, _headSize, _vocabulary, _window;
    private readonly double _epsilon, _theta;
    private readonly List<double[]>[] _keys, _values;

    public Float64Llama(string directory)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "config.json")));
        JsonElement config = document.RootElement;
        _layers = config.GetProperty("num_hidden_layers").GetInt32();
        _hidden = config.GetProperty("hidden_size").GetInt32();
        _intermediate = config.GetProperty("intermediate_size").GetInt32();
        _heads = config.GetProperty("num_attention_heads").GetInt32();
        _keyHeads = config.GetProperty("num_key_value_heads").GetInt32();
        _headSize = config.GetProperty("head_dim").GetInt32();
        _vocabulary = config.GetProperty("vocab_size").GetInt32();
        _window = config.TryGetProperty("sliding_window", out JsonElement window) && window.ValueKind == JsonValueKind.Number
            ? window.GetInt32()
            : int.MaxValue;
        _epsilon = config.GetProperty("rms_norm_eps").GetDouble();
        _theta = config.GetProperty("rope_theta").GetDouble();
        _weights = ReadWeights(Path.Combine(directory, "model.safetensors"));
        _keys = [.. Enumerable.Range(0, _layers).Select(_ => new List<double[]>())];
        _values = [.. Enumerable.Range(0, _layers).Select(_ => new List<double[]>())];
    }

    /// <summary>Forgets all tokens.</summary>
    public void Reset()
    {
        foreach (List<double[]> list in _keys.Concat(_values))
        {
            list.Clear();
        }
    }

    /// <summary>Takes one token and returns the logits of the next one.</summary>
    public double[] Step(int token)
    {
        double[] x = _weights["model.embed_tokens.weight"].AsSpan(token * _hidden, _hidden).ToArray();
        for (int layer = 0; layer < _layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            double[] normed = Norm(x, prefix + "input_layernorm.weight");
            Add(x, Multiply(prefix + "self_attn.o_proj.weight", Attend(layer, normed), _hidden));
            normed = Norm(x, prefix + "post_attention_layernorm.weight");
            double[] gate = Multiply(prefix + "mlp.gate_proj.weight", normed, _intermediate);
            double[] up = Multiply(prefix + "mlp.up_proj.weight", normed, _intermediate);
            for (int i = 0; i < gate.Length; i++)
            {
                gate[i] = gate[i] / (1 + Math.Exp(-gate[i])) * up[i];
            }

            Add(x, Multiply(prefix + "mlp.down_proj.weight", gate, _hidden));
        }

        string head = _weights.ContainsKey("lm_head.weight") ? "lm_head.weight" : "model.embed_tokens.weight";
        return Multiply(head, Norm(x, "model.norm.weight"), _vocabulary);
    }

    private double[] Attend(int layer, double[] x)
    {
        string prefix = $"model.layers.{layer}.self_attn.";
        int position = _keys[layer].Count;
        double[] query = Multiply(prefix + "q_proj.weight", x, _heads * _headSize);
        double[] key = Multiply(prefix + "k_proj.weight", x, _keyHeads * _headSize);
        Rotate(query, position);
        Rotate(key, position);
        _keys[layer].Add(key);
        _values[layer].Add(Multiply(prefix + "v_proj.weight", x, _keyHeads * _headSize));

        double[] output = new double[query.Length];
        int first = Math.Max(0, position - _window + 1);
        double[] scores = new double[position + 1 - first];
        for (int head = 0; head < _heads; head++)
        {
            int from = head * _headSize, keyFrom = head / (_heads / _keyHeads) * _headSize;
            for (int t = 0; t < scores.Length; t++)
            {
                double dot = 0;
                for (int i = 0; i < _headSize; i++)
                {
                    dot += query[from + i] * _keys[layer][first + t][keyFrom + i];
                }

                scores[t] = dot / Math.Sqrt(_headSize);
            }

            double largest = scores.Max(), sum = 0;
            for (int t = 0; t < scores.Length; t++)
            {
                scores[t] = Math.Exp(scores[t] - largest);
                sum += scores[t];
            }

            for (int t = 0; t < scores.Length; t++)
            {
                for (int i = 0; i < _headSize; i++)
                {
                    output[from + i] += scores[t] / sum * _values[layer][first + t][keyFrom + i];
                }
            }
        }

        return output;
    }

    private void Rotate(double[] heads, int position)
    {
        int half = _headSize / 2;
        for (int from = 0; from < heads.Length; from += _headSize)
        {
            for (int i = 0; i < half; i++)
            {
                (double sin, double cos) = Math.SinCos(position * Math.Pow(_theta, -2.0 * i / _headSize));
                (double a, double b) = (heads[from + i], heads[from + half + i]);
                heads[from + i] = a * cos - b * sin;
                heads[from + half + i] = b * cos + a * sin;
            }
        }
    }

    private double[] Norm(double[] x, string weight)
    {
        double scale = 1 / Math.Sqrt(x.Sum(value => value * value) / x.Length + _epsilon);
        return [.. x.Zip(_weights[weight], (value, factor) => value * scale * factor)];
    }

    private double[] Multiply(string name, double[] x, int rows)
    {
        double[] weight = _weights[name], y = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            double sum = 0;
            for (int i = 0; i < x.Length; i++)
            {
                sum += weight[row * x.Length + i] * x[i];
            }

            y[row] = sum;
        }

        return y;
    }

    private static void Add(double[] x, double[] y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            x[i] += y[i];
        }
    }

    private static Dictionary<string, double[]> ReadWeights(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerBytes = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, headerBytes));
        Dictionary<string, double[]> weights = [];
        foreach (JsonProperty tensor in header.RootElement.EnumerateObject().Where(tensor => tensor.Name != "__metadata__"))
        {
            int begin = 8 + headerBytes + tensor.Value.GetProperty("data_offsets")[0].GetInt32();
            int end = 8 + headerBytes + tensor.Value.GetProperty("data_offsets")[1].GetInt32();
            weights[tensor.Name] = ToDouble(file.AsSpan(begin, end - begin), tensor.Value.GetProperty("dtype").GetString());
        }

        return weights;
    }

    private static double[] ToDouble(ReadOnlySpan<byte> bytes, string? type)
    {
        int size = type switch
        {
            "BF16" => 2,
            "F32" => 4,
            _ => throw new InvalidDataException($"The type of a weight is {type}; BF16 or F32 is required."),
        };
        double[] values = new double[bytes.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = size == 2
                ? BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16LittleEndian(bytes[(i * 2)..]) << 16)
                : BinaryPrimitives.ReadSingleLittleEndian(bytes[(i * 4)..]);
        }

        return values;
    }
}
