#:project ../managed/Warpline.Transformers/Warpline.Transformers.csproj
// From a Hugging Face folder to text:  dotnet run samples/generate.cs [FOLDER [PROMPT]]
using Warpline.Transformers;

string folder = args.ElementAtOrDefault(0) ?? "samples/models/storyteller";
using TransformerModel model = await TransformerModel.LoadAsync(folder);
await using TextGenerator generator = new(model);
GenerationOptions options = new() { MaxOutputTokens = 64 };
await foreach (GeneratedToken token in generator.GenerateAsync(args.ElementAtOrDefault(1) ?? "Once upon a time", options))
{
    Console.Write(token.Text);
}

Console.WriteLine();
