using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Warpline.Extensions.AI;

/// <summary>Values of the abstractions as JSON.</summary>
internal static class JsonValues
{
    /// <exception cref="NotSupportedException">The value is of a type that has no JSON.</exception>
    public static JsonElement Of(object? value) => value is JsonElement element
        ? element
        : JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object)));

    /// <summary>As above, of named values.</summary>
    public static JsonElement OfMap(IDictionary<string, object?>? values) => JsonSerializer.SerializeToElement(
        values ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));
}
