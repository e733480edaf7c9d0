namespace Warpline;

/// <summary>Activation functions, with the values of the C ABI.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum Activation
{
    /// <summary>The input itself.</summary>
    None = 0,

    /// <summary>x/2 (1 + erf(x / sqrt(2))).</summary>
    Gelu = 1,

    /// <summary>x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).</summary>
    GeluTanh = 2,

    /// <summary>x / (1 + exp(-x)).</summary>
    Silu = 3,

    /// <summary>max(x, 0).</summary>
    Relu = 4,
}
