using System.Globalization;

namespace Warpline.Cli.Bench;

/// <summary>Cases of one kind.</summary>
/// <param name="Name">What their names begin with, "gemm" for instance.</param>
/// <param name="Axes">What they differ in.</param>
/// <param name="Open">Prepares a case: allocates its operands and says what a call does.</param>
internal sealed record BenchFamily(string Name, IReadOnlyList<Axis> Axes, Func<BenchCase, Operands, Workload> Open);

/// <summary>A family at one value of each axis.</summary>
internal sealed record BenchCase(BenchFamily Family, IReadOnlyList<(string Axis, string Value)> Axes)
{
    /// <summary>"gemm/weight=bf16/m=1/..." for instance.</summary>
    public string Name { get; } = string.Concat(Axes.Select(axis => $"/{axis.Axis}={axis.Value}").Prepend(Family.Name));

    public string this[string axis] => Axes.First(item => item.Axis == axis).Value;

    public int Number(string axis) => int.Parse(this[axis], CultureInfo.InvariantCulture);

    public bool Flag(string axis) => this[axis] == "yes";

    public ElementType Type(string axis) => this[axis] switch
    {
        "f32" => ElementType.Float32,
        "f16" => ElementType.Float16,
        _ => ElementType.BFloat16,
    };
}

/// <summary>A prepared case.</summary>
/// <param name="Run">One call. It may leave work in the device's stream.</param>
/// <param name="Flops">Floating-point operations of a call.</param>
/// <param name="Bytes">Bytes that a call has to move: each operand read or written once.</param>
internal sealed record Workload(Action Run, double Flops, double Bytes)
{
    /// <summary>Tokens that a call processes, of a model.</summary>
    public int? Tokens { get; init; }

    /// <summary>What runs, where it is no kernel of the library.</summary>
    public string? Kernel { get; init; }
}

/// <summary>A case is not served: the library, the device or the model cannot do it.</summary>
internal sealed class SkippedException(string reason) : Exception(reason);
