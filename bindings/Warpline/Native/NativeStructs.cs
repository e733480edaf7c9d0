using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// The parameter structs of the C ABI, field by field in the headers' order. A test compares sizes and offsets with C's.
namespace Warpline.Native;

/// <summary>Makes native structs: the one place that sets struct_size.</summary>
internal static unsafe class NativeStruct
{
    /// <summary>A struct with its size set and everything else zero, which means default or absent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Create<T>(out T value)
        where T : unmanaged
    {
        value = default;
        Unsafe.As<T, uint>(ref value) = (uint)sizeof(T);
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct LaunchParams
{
    public const uint FlagBatchInvariant = 1u << 0;

    public uint StructSize;
    public int DeviceKind;
    public int DeviceIndex;
    public uint Flags;
    public nint Stream;
    public nint Workspace;
    public ulong WorkspaceBytes;

    /// <summary>The launch of an op. Every op makes one, so this is also where the library is loaded at first use.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Create(in LaunchContext context, out LaunchParams launch)
    {
        NativeLoader.EnsureLoaded();
        NativeStruct.Create(out launch);
        launch.DeviceKind = (int)context.Device.Kind;
        launch.DeviceIndex = context.Device.Index;
        launch.Flags = context.BatchInvariant ? FlagBatchInvariant : 0;
        launch.Stream = context.Stream;
        launch.Workspace = context.Workspace;
        launch.WorkspaceBytes = context.WorkspaceBytes;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct DeviceInfoParams
{
    public uint StructSize;
    public int Kind;
    public int Index;
    public int ComputeUnits;
    public ulong MemoryBytes;
    public NameText Name;
    public IsaText Isa;

    [InlineArray(128)]
    public struct NameText
    {
        private byte _first;
    }

    [InlineArray(32)]
    public struct IsaText
    {
        private byte _first;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct GemmParams
{
    public uint StructSize;
    public int Activation;
    public TensorRef X;
    public TensorRef Weight;
    public TensorRef Bias;
    public TensorRef Residual;
    public TensorRef Y;
    public nint Packed;
    public ulong PackedBytes;
    public TensorRef UpWeight;
    public TensorRef UpBias;
    public nint UpPacked;
    public ulong UpPackedBytes;
}

[StructLayout(LayoutKind.Sequential)]
internal struct AttentionParams
{
    public const uint FlagCausal = 1u << 0;
    public const uint FlagWindow = 1u << 1;

    public uint StructSize;
    public uint Flags;
    public float Scale;
    public float Softcap;
    public long WindowLeft;
    public long WindowRight;
    public TensorRef Q;
    public TensorRef K;
    public TensorRef V;
    public TensorRef O;
    public TensorRef Lse;
    public TensorRef CuSeqlensQ;
    public TensorRef CuSeqlensK;
    public TensorRef SequsedK;
    public TensorRef AlibiSlopes;
    public TensorRef Sinks;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KeyValueAppendParams
{
    public const uint FlagRopeInterleaved = 1u << 0;

    public uint StructSize;
    public uint Flags;
    public TensorRef K;
    public TensorRef V;
    public TensorRef KCache;
    public TensorRef VCache;
    public TensorRef Lengths;
    public TensorRef CuSeqlens;
    public TensorRef Cos;
    public TensorRef Sin;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NormParams
{
    public const uint FlagZeroCentered = 1u << 0;
    public const int KindRms = 1;
    public const int KindLayer = 2;

    public uint StructSize;
    public uint Flags;
    public int Kind;
    public float Epsilon;
    public TensorRef X;
    public TensorRef Residual;
    public TensorRef Weight;
    public TensorRef Bias;
    public TensorRef Y;
    public TensorRef ResidualOut;
}

[StructLayout(LayoutKind.Sequential)]
internal struct RopeTableParams
{
    public uint StructSize;
    public int Scaling;
    public double Base;
    public double Factor;
    public double LowFrequencyFactor;
    public double HighFrequencyFactor;
    public double OriginalMaxPositions;
    public double BetaFast;
    public double BetaSlow;
    public double AttentionFactor;
    public int YarnExactRange;
    public int FrequencyDtype;
    public TensorRef Cos;
    public TensorRef Sin;
}

[StructLayout(LayoutKind.Sequential)]
internal struct RopeParams
{
    public const uint FlagInterleaved = 1u << 0;

    public uint StructSize;
    public uint Flags;
    public TensorRef X;
    public TensorRef Y;
    public TensorRef Positions;
    public TensorRef Cos;
    public TensorRef Sin;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ActivationParams
{
    public uint StructSize;
    public int Activation;
    public TensorRef X;
    public TensorRef Up;
    public TensorRef Y;
}

[StructLayout(LayoutKind.Sequential)]
internal struct EmbeddingParams
{
    public uint StructSize;
    public uint Flags;
    public TensorRef Table;
    public TensorRef Ids;
    public TensorRef Y;
}

[StructLayout(LayoutKind.Sequential)]
internal struct PoolParams
{
    public const uint FlagNormalize = 1u << 0;

    public uint StructSize;
    public uint Flags;
    public int Kind;
    public int Reserved0;
    public TensorRef X;
    public TensorRef CuSeqlens;
    public TensorRef Y;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SoftmaxParams
{
    public const uint FlagLog = 1u << 0;

    public uint StructSize;
    public uint Flags;
    public TensorRef X;
    public TensorRef Y;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ArgMaxParams
{
    public uint StructSize;
    public uint Flags;
    public TensorRef Logits;
    public TensorRef Ids;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SampleParams
{
    public uint StructSize;
    public int Reserved0;
    public TensorRef Logits;
    public TensorRef History;
    public TensorRef HistoryOffsets;
    public nint Settings;
    public ulong SettingsCount;
    public TensorRef Ids;
    public TensorRef LogProbabilities;
}
