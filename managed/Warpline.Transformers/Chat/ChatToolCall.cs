using System.Text.Json;

namespace Warpline.Transformers;

/// <summary>A call of a function that a model asked for.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Arguments">Its arguments, as a rule a JSON object.</param>
/// <param name="Id">What the answer refers to; null where the model's format has none.</param>
public sealed record ChatToolCall(string Name, JsonElement Arguments, string? Id = null);
