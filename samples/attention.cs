#:project ../bindings/Warpline/Warpline.csproj
// Attention on arrays of one's own:  dotnet run samples/attention.cs
using System.Numerics.Tensors;
using Warpline;

// One sequence of three tokens, two query heads that share a key and value head, four numbers in each.
float[] query = [.. Enumerable.Range(0, 24).Select(i => MathF.Sin(i))];
float[] key = [.. Enumerable.Range(0, 12).Select(i => MathF.Cos(i))];
float[] value = [.. Enumerable.Range(0, 12).Select(i => i / 4f)];
float[] output = new float[24];

Attention.Forward<float>(
    new ReadOnlyTensorSpan<float>(query, [1, 3, 2, 4]),
    new ReadOnlyTensorSpan<float>(key, [1, 3, 1, 4]),
    new ReadOnlyTensorSpan<float>(value, [1, 3, 1, 4]),
    new TensorSpan<float>(output, [1, 3, 2, 4]),
    new AttentionOptions { Causal = true });

foreach (float[] row in output.Chunk(4))
{
    Console.WriteLine(string.Join(' ', row.Select(number => number.ToString("F6"))));
}
