namespace Warpline;

/// <summary>Process-wide settings of the native library. Environment variables give their defaults, read once at load.</summary>
/// <remarks>Immutable values: safe from any thread.</remarks>
public enum LibraryOption
{
    /// <summary>Bodies that the CPU backend runs at once, over all callers: 1 to 256. Default: WARPLINE_THREADS, else the
    /// processors that the process may use.</summary>
    Threads,

    /// <summary>The CPU's instruction set: avx2, avx512 or avx512_bf16, at most what the machine has. Default:
    /// WARPLINE_CPU_ISA, else the best.</summary>
    CpuInstructionSet,

    /// <summary>Forces the kernel of products where it can serve the call: rows or tiles. Default: WARPLINE_GEMM_KERNEL, else
    /// chosen by shape.</summary>
    GemmKernel,

    /// <summary>Forces the kernel of attention: tiles or split. Default: WARPLINE_ATTENTION_KERNEL, else chosen by
    /// shape.</summary>
    AttentionKernel,
}
