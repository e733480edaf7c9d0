using Warpline.Transformers;

namespace Warpline.Cli;

/// <summary>How far the loading of a model is, as a <see cref="ProgressLine"/>.</summary>
internal sealed class LoadingLine(Terminal terminal) : IProgress<LoadProgress>, IDisposable
{
    private readonly ProgressLine _line = new(terminal);

    public void Report(LoadProgress value) =>
        _line.Show($"loading {value.Stage}", value.TensorsTotal == 0 ? 0 : Math.Min(1, (double)value.TensorsDone / value.TensorsTotal));

    public void Dispose() => _line.Dispose();
}
