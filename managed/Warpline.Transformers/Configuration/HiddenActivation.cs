namespace Warpline.Transformers;

/// <summary>Activation of the feed-forward layer (hidden_act).</summary>
public enum HiddenActivation
{
    /// <summary>x * sigmoid(x) ("silu", "swish").</summary>
    Silu,

    /// <summary>GELU by the error function ("gelu").</summary>
    Gelu,

    /// <summary>GELU by its tanh approximation ("gelu_pytorch_tanh", "gelu_new", "gelu_fast").</summary>
    GeluTanh,

    /// <summary>max(x, 0) ("relu").</summary>
    Relu,
}

/// <summary>What operations compute it.</summary>
internal static class HiddenActivations
{
    public static Activation ToOp(this HiddenActivation activation) => activation switch
    {
        HiddenActivation.Silu => Activation.Silu,
        HiddenActivation.Gelu => Activation.Gelu,
        HiddenActivation.GeluTanh => Activation.GeluTanh,
        HiddenActivation.Relu => Activation.Relu,
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "A known activation is required."),
    };
}
