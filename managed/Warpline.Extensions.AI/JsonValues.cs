using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Warpline.Extensions.AI;

/// <summary>Values of the abstractions as JSON.</summary>
internal static class JsonValues
{
    private static readonly JsonWriterOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <exception cref="NotSupportedException">The value is of a type that has no JSON.</exception>
    public static JsonElement Of(object? value) => value is JsonElement element
        ? element
        : JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object)));

    /// <summary>As above, of named values.</summary>
    public static JsonElement OfMap(IDictionary<string, object?>? values) => JsonSerializer.SerializeToElement(
        values ?? new Dictionary<string, object?>(), AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));

    /// <summary>A value as text: a string itself, else JSON without line breaks.</summary>
    public static string Text(object? value)
    {
        JsonElement element = Of(value);
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString()! : Encoding.UTF8.GetString(Write(element.WriteTo));
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, which only its escape can spell.
            return element.GetRawText();
        }
    }

    /// <summary>JSON that an action writes.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, Layout))
        {
            write(writer);
        }

        return stream.ToArray();
    }
}
