namespace Warpline;

/// <summary>What is known of a device.</summary>
/// <remarks>Immutable: safe from any thread, owns nothing.</remarks>
/// <param name="Device">The device.</param>
/// <param name="Name">Its name, of the processor for instance.</param>
/// <param name="InstructionSet">CPU: the instruction set in use: avx2, avx512 or avx512_bf16; CUDA: sm_80 for
/// instance.</param>
/// <param name="ComputeUnits">CPU: logical processors that the process may use; CUDA: multiprocessors.</param>
/// <param name="MemoryBytes">Total memory of the device.</param>
public sealed record DeviceInfo(ComputeDevice Device, string Name, string InstructionSet, int ComputeUnits, long MemoryBytes);
