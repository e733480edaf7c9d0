namespace Warpline;

/// <summary>Where and how an op runs. The default value is the CPU, where an op is done when its call returns.</summary>
/// <remarks>An immutable value: safe from any thread. The stream and the workspace stay the caller's and must live until the
/// op is done; the CPU uses neither.</remarks>
/// <param name="Device">The device; a CUDA device must be the calling thread's current one.</param>
/// <param name="Stream">The stream to enqueue on, a <c>cudaStream_t</c>; must be zero on the CPU.</param>
/// <param name="Workspace">The address of scratch memory of the device for the op, 256-byte aligned, as large as the op's
/// GetWorkspaceSize says where it has one; ops that may run at the same time need one each. The CPU keeps its own.</param>
/// <param name="WorkspaceBytes">The size of <paramref name="Workspace"/>.</param>
public readonly record struct LaunchContext(ComputeDevice Device, nint Stream = 0, nint Workspace = 0, nuint WorkspaceBytes = 0)
{
    /// <summary>Makes the bits of a result row depend only on the row's own inputs and its absolute position: not on the batch,
    /// on chunking or on the kernel that serves it. May cost speed.</summary>
    public bool BatchInvariant { get; init; }
}
