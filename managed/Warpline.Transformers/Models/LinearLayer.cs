namespace Warpline.Transformers;

/// <summary>A linear layer's weight, as it lies in the checkpoint or packed, with its bias if it has one.</summary>
internal sealed class LinearLayer : IDisposable
{
    private readonly TensorRef _weight;
    private readonly PackedWeight? _packed;
    private readonly TensorRef _bias;

    public LinearLayer(TensorRef weight, TensorRef bias, bool pack)
    {
        _weight = weight;
        _bias = bias;
        _packed = pack ? PackedWeight.Pack(weight) : null;
    }

    /// <summary>y = act(x W^T + bias) + residual.</summary>
    public void Apply(TensorRef x, TensorRef y, TensorRef residual, Workspace workspace, Activation activation = Activation.None)
    {
        if (_packed is not null)
        {
            Gemm.Run(_packed, x, y, _bias, residual, activation, workspace.Context);
            return;
        }

        LaunchContext context = workspace.IsNeeded
            ? workspace.With(Gemm.GetWorkspaceSize(_weight, x, y, _bias, residual, activation, context: workspace.Context))
            : workspace.Context;
        Gemm.Run(_weight, x, y, _bias, residual, activation, context);
    }

    /// <summary>y = act(x W^T + bias) * (x U^T + up's bias), with this layer as W and <paramref name="up"/> as U.</summary>
    public void ApplyGated(LinearLayer up, TensorRef x, TensorRef y, Activation activation, Workspace workspace)
    {
        if (_packed is not null && up._packed is not null)
        {
            Gemm.RunGated(_packed, up._packed, x, y, activation, _bias, up._bias, context: workspace.Context);
            return;
        }

        LaunchContext context = workspace.IsNeeded
            ? workspace.With(Gemm.GetWorkspaceSize(
                _weight, x, y, _bias, activation: activation, upWeight: up._weight, upBias: up._bias, context: workspace.Context))
            : workspace.Context;
        Gemm.RunGated(_weight, up._weight, x, y, activation, _bias, up._bias, context: context);
    }

    public void Dispose() => _packed?.Dispose();
}
