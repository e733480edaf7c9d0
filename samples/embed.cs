#:project ../managed/Warpline.Transformers/Warpline.Transformers.csproj
// How near texts are to the first of them, in meaning:  dotnet run samples/embed.cs FOLDER TEXT TEXT...
// The folder is a model of sentence-transformers, all-MiniLM-L6-v2 for example.
using System.Numerics.Tensors;
using Warpline.Transformers;

if (args.Length < 3)
{
    Console.Error.WriteLine("A folder with a model and two texts are required.");
    return 2;
}

using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(args[0]);
float[][] vectors = await encoder.EncodeAsync(args[1..]);
for (int i = 1; i < vectors.Length; i++)
{
    Console.WriteLine($"{TensorPrimitives.CosineSimilarity(vectors[0], vectors[i]):F6}  {args[i + 1]}");
}

return 0;
