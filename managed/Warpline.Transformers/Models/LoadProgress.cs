namespace Warpline.Transformers;

/// <summary>How far loading a model is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="TensorsDone">Weights that are checked and ready.</param>
/// <param name="TensorsTotal">Weights that the model has; 0 until that is known.</param>
public readonly record struct LoadProgress(string Stage, int TensorsDone, int TensorsTotal);
