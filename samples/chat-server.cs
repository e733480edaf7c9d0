#:sdk Microsoft.NET.Sdk.Web
#:package Microsoft.Extensions.AI
#:property EnableDefaultRunWorkingDirectory=false
#:property EnableDefaultContentItems=false
#:project ../managed/Warpline.Extensions.AI/Warpline.Extensions.AI.csproj
// A web service over a chat model and a sentence encoder, each in process:
//   dotnet run samples/chat-server.cs -- --urls http://127.0.0.1:5000 [--chat FOLDER] [--embed FOLDER]
//   curl -N 127.0.0.1:5000/chat --json '[{"role": "user", "text": "Once upon a time"}]'
//   curl 127.0.0.1:5000/embed --json '["a text", "another"]'
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Warpline.Extensions.AI;
using Warpline.Transformers;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ServerJson.Default));

// The storyteller is no chat model, so its template only puts the texts one behind the other.
string? folder = builder.Configuration["chat"];
ChatTemplate? plain = folder is not null ? null : ChatTemplate.Parse(
    "{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}",
    new Dictionary<string, string> { ["bos_token"] = "<|begin|>" });
WarplineChatClient chat = await WarplineChatClient.LoadAsync(folder ?? "samples/models/storyteller", plain);
builder.Services.AddChatClient(_ => chat);

string? embed = builder.Configuration["embed"];
if (embed is not null)
{
    WarplineEmbeddingGenerator generator = await WarplineEmbeddingGenerator.LoadAsync(embed);
    builder.Services.AddEmbeddingGenerator(_ => generator);
}

WebApplication app = builder.Build();
app.MapPost("/chat", (Turn[] turns, IChatClient client, CancellationToken cancellation) =>
    TypedResults.ServerSentEvents(Answer(turns, client, cancellation)));
if (embed is not null)
{
    app.MapPost("/embed", async (string[] texts, IEmbeddingGenerator<string, Embedding<float>> generator, CancellationToken cancellation) =>
        (await generator.GenerateAsync(texts, cancellationToken: cancellation)).Select(embedding => embedding.Vector.ToArray()).ToArray());
}

await app.RunAsync();

static async IAsyncEnumerable<string> Answer(
    Turn[] turns, IChatClient client, [EnumeratorCancellation] CancellationToken cancellation)
{
    IEnumerable<ChatMessage> messages = turns.Select(turn => new ChatMessage(new ChatRole(turn.Role), turn.Text));
    ChatOptions options = new() { MaxOutputTokens = 256 };
    await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, cancellation))
    {
        if (update.Text.Length > 0)
        {
            yield return update.Text;
        }
    }
}

internal sealed record Turn(string Role, string Text);

[JsonSerializable(typeof(Turn[]))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(float[][]))]
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
internal sealed partial class ServerJson : JsonSerializerContext;
