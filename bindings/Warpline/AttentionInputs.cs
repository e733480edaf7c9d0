namespace Warpline;

/// <summary>
/// The tensors that <see cref="Attention"/> reads. Queries, and keys with values, are each either dense, with the batch first
/// (rank 4), or packed, all sequences behind each other (rank 3, with offsets).
/// </summary>
/// <remarks>Lifetime: views only; the memory must stay valid until the op is done. Thread safety: an immutable value.</remarks>
public readonly ref struct AttentionInputs
{
    /// <summary>Queries [B, Sq, Hq, d] or packed [totalQ, Hq, d].</summary>
    public required TensorRef Query { get; init; }

    /// <summary>Keys [B, Sk, Hkv, d] or packed [totalK, Hkv, d]. Hq is a multiple of Hkv: query head h uses key head
    /// h / (Hq / Hkv).</summary>
    public required TensorRef Key { get; init; }

    /// <summary>Values [B, Sk, Hkv, dv] or packed [totalK, Hkv, dv].</summary>
    public required TensorRef Value { get; init; }

    /// <summary>Int32 [B + 1], exactly where queries are packed: sequence b holds rows [offset b, offset b + 1).</summary>
    public TensorRef QueryOffsets { get; init; }

    /// <summary>Int32 [B + 1], exactly where keys and values are packed.</summary>
    public TensorRef KeyOffsets { get; init; }

    /// <summary>Int32 [B], optional with dense keys: how many keys of each sequence are valid.</summary>
    public TensorRef KeyLengths { get; init; }

    /// <summary>Float32 [Hq] or [B, Hq], optional: adds slope * -(distance) to each score.</summary>
    public TensorRef AlibiSlopes { get; init; }

    /// <summary>Float32 [Hq], optional: one more logit in each row's softmax, with no value.</summary>
    public TensorRef Sinks { get; init; }
}
