namespace Warpline.Tests.Encoders;

/// <summary>A BERT in double precision, one sequence at a time, written from the formulas in straight loops over weights under
/// their plain names. It shares nothing with the runtime, so that it can judge it.</summary>
internal sealed class Float64Bert(IReadOnlyDictionary<string, double[]> weights, int layers, int heads, double epsilon, Func<double, double> activation)
{
    private int Hidden => weights["embeddings.LayerNorm.weight"].Length;

    /// <summary>The last hidden state, a row for each token. Positions begin with row <paramref name="firstPosition"/>.</summary>
    public double[][] Run(int[] tokens, int firstPosition = 0)
    {
        double[][] x = [.. tokens.Select((token, i) =>
        {
            double[] sum = Add(Row("embeddings.word_embeddings.weight", token), Row("embeddings.position_embeddings.weight", firstPosition + i));
            return weights.ContainsKey("embeddings.token_type_embeddings.weight")
                ? Add(sum, Row("embeddings.token_type_embeddings.weight", 0))
                : sum;
        })];
        x = Norm("embeddings.LayerNorm", x);
        for (int layer = 0; layer < layers; layer++)
        {
            string name = $"encoder.layer.{layer}.";
            double[][] attended = Attend(
                Linear(name + "attention.self.query", x), Linear(name + "attention.self.key", x), Linear(name + "attention.self.value", x));
            x = Norm(name + "attention.output.LayerNorm", Add(x, Linear(name + "attention.output.dense", attended)));
            double[][] inner = [.. Linear(name + "intermediate.dense", x).Select(row => row.Select(activation).ToArray())];
            x = Norm(name + "output.LayerNorm", Add(x, Linear(name + "output.dense", inner)));
        }

        return x;
    }

    /// <summary>GELU by the error function, which is integrated numerically.</summary>
    public static double Gelu(double x)
    {
        const int steps = 2000;
        double end = Math.Abs(x) / Math.Sqrt(2), width = end / steps, sum = 0;
        for (int i = 0; i < steps; i++)
        {
            double a = i * width, b = a + width, middle = (a + b) / 2;
            sum += (Math.Exp(-a * a) + (4 * Math.Exp(-middle * middle)) + Math.Exp(-b * b)) * width / 6;
        }

        return x / 2 * (1 + (Math.Sign(x) * 2 / Math.Sqrt(Math.PI) * sum));
    }

    public static double GeluTanh(double x) => x / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    public static double Relu(double x) => Math.Max(x, 0);

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    private double[] Row(string name, int index) => weights[name][(index * Hidden)..((index + 1) * Hidden)];

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[][] Add(double[][] a, double[][] b) => [.. a.Zip(b, Add)];

    private double[][] Linear(string name, double[][] x)
    {
        double[] weight = weights[name + ".weight"], bias = weights[name + ".bias"];
        return [.. x.Select(row => bias.Select((sum, i) =>
        {
            for (int k = 0; k < row.Length; k++)
            {
                sum += weight[(i * row.Length) + k] * row[k];
            }

            return sum;
        }).ToArray())];
    }

    private double[][] Norm(string name, double[][] x)
    {
        double[] weight = weights[name + ".weight"], bias = weights[name + ".bias"];
        return [.. x.Select(row =>
        {
            double mean = row.Average(), variance = row.Average(value => (value - mean) * (value - mean));
            return row.Select((value, i) => ((value - mean) / Math.Sqrt(variance + epsilon) * weight[i]) + bias[i]).ToArray();
        })];
    }

    private double[][] Attend(double[][] query, double[][] key, double[][] value)
    {
        int size = Hidden / heads;
        double[][] result = [.. query.Select(_ => new double[Hidden])];
        for (int head = 0; head < heads; head++)
        {
            int from = head * size;
            for (int i = 0; i < query.Length; i++)
            {
                double[] scores = [.. key.Select(row => Enumerable.Range(from, size).Sum(c => query[i][c] * row[c]) / Math.Sqrt(size))];
                double largest = scores.Max(), sum = scores.Sum(score => Math.Exp(score - largest));
                for (int c = from; c < from + size; c++)
                {
                    result[i][c] = value.Select((row, j) => Math.Exp(scores[j] - largest) / sum * row[c]).Sum();
                }
            }
        }

        return result;
    }
}
