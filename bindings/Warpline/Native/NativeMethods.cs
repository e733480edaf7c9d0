using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
[module: SkipLocalsInit]

namespace Warpline.Native;

/// <summary>The exports of the native library, one for one. Callers load it first: see <see cref="NativeLoader"/>.</summary>
internal static unsafe partial class NativeMethods
{
    /// <summary>The name that the resolver answers to.</summary>
    public const string LibraryName = "warpline";

    [LibraryImport(LibraryName, EntryPoint = "wl_version")]
    public static partial byte* Version();

    [LibraryImport(LibraryName, EntryPoint = "wl_abi_version")]
    public static partial int AbiVersion();

    [LibraryImport(LibraryName, EntryPoint = "wl_status_string")]
    public static partial byte* StatusString(int status);

    [LibraryImport(LibraryName, EntryPoint = "wl_last_error")]
    public static partial byte* LastError();

    [LibraryImport(LibraryName, EntryPoint = "wl_last_error_parameter")]
    public static partial byte* LastErrorParameter();

    [LibraryImport(LibraryName, EntryPoint = "wl_last_kernel")]
    public static partial byte* LastKernel();

    [LibraryImport(LibraryName, EntryPoint = "wl_live_handles")]
    public static partial long LiveHandles();

    [LibraryImport(LibraryName, EntryPoint = "wl_device_count")]
    public static partial int DeviceCount(int kind, int* count);

    [LibraryImport(LibraryName, EntryPoint = "wl_device_get_info")]
    public static partial int DeviceGetInfo(int kind, int index, DeviceInfoParams* info);

    [LibraryImport(LibraryName, EntryPoint = "wl_set_option", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetOption(string name, string value);

    [LibraryImport(LibraryName, EntryPoint = "wl_get_option", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetOption(string name, byte* value, ulong valueBytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_host_alloc")]
    public static partial int HostAlloc(ulong bytes, nint* result);

    [LibraryImport(LibraryName, EntryPoint = "wl_host_free")]
    public static partial int HostFree(nint memory);

    [LibraryImport(LibraryName, EntryPoint = "wl_scratch_bytes")]
    public static partial ulong ScratchBytes();

    [LibraryImport(LibraryName, EntryPoint = "wl_trim")]
    public static partial int Trim();

    [LibraryImport(LibraryName, EntryPoint = "wl_device_prepare")]
    public static partial int DevicePrepare(int kind, int index);

    [LibraryImport(LibraryName, EntryPoint = "wl_device_alloc")]
    public static partial int DeviceAlloc(ulong bytes, LaunchParams* at, nint* result);

    [LibraryImport(LibraryName, EntryPoint = "wl_device_free")]
    public static partial int DeviceFree(nint memory, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_copy")]
    public static partial int Copy(nint destination, nint source, ulong bytes, int direction, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_fill")]
    public static partial int Fill(nint destination, int value, ulong bytes, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_stream_create")]
    public static partial int StreamCreate(int kind, int index, nint* stream);

    [LibraryImport(LibraryName, EntryPoint = "wl_stream_destroy")]
    public static partial int StreamDestroy(nint stream);

    [LibraryImport(LibraryName, EntryPoint = "wl_stream_synchronize")]
    public static partial int StreamSynchronize(LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_stream_wait_event")]
    public static partial int StreamWaitEvent(nint deviceEvent, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_event_create")]
    public static partial int EventCreate(int kind, int index, nint* deviceEvent);

    [LibraryImport(LibraryName, EntryPoint = "wl_event_destroy")]
    public static partial int EventDestroy(nint deviceEvent);

    [LibraryImport(LibraryName, EntryPoint = "wl_event_record")]
    public static partial int EventRecord(nint deviceEvent, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_event_synchronize")]
    public static partial int EventSynchronize(nint deviceEvent);

    [LibraryImport(LibraryName, EntryPoint = "wl_event_elapsed")]
    public static partial int EventElapsed(nint start, nint end, float* milliseconds);

    [LibraryImport(LibraryName, EntryPoint = "wl_graph_begin_capture")]
    public static partial int GraphBeginCapture(LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_graph_end_capture")]
    public static partial int GraphEndCapture(LaunchParams* at, nint* graph);

    [LibraryImport(LibraryName, EntryPoint = "wl_graph_launch")]
    public static partial int GraphLaunch(nint graph, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_graph_destroy")]
    public static partial int GraphDestroy(nint graph);

    [LibraryImport(LibraryName, EntryPoint = "wl_gemm")]
    public static partial int Gemm(GemmParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_gemm_supported")]
    public static partial int GemmSupported(GemmParams* parameters, LaunchParams* at, byte* reason, ulong reasonBytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_gemm_workspace_size")]
    public static partial int GemmWorkspaceSize(GemmParams* parameters, LaunchParams* at, ulong* bytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_gemm_pack_size")]
    public static partial int GemmPackSize(TensorRef* weight, ulong* bytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_gemm_pack")]
    public static partial int GemmPack(TensorRef* weight, nint packed, ulong packedBytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_attention")]
    public static partial int Attention(AttentionParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_attention_supported")]
    public static partial int AttentionSupported(AttentionParams* parameters, LaunchParams* at, byte* reason, ulong reasonBytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_attention_workspace_size")]
    public static partial int AttentionWorkspaceSize(AttentionParams* parameters, LaunchParams* at, ulong* bytes);

    [LibraryImport(LibraryName, EntryPoint = "wl_kv_append")]
    public static partial int KeyValueAppend(KeyValueAppendParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_norm")]
    public static partial int Norm(NormParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_rope_table")]
    public static partial int RopeTable(RopeTableParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_rope")]
    public static partial int Rope(RopeParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_activation")]
    public static partial int Activation(ActivationParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_embedding")]
    public static partial int Embedding(EmbeddingParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_pool")]
    public static partial int Pool(PoolParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_softmax")]
    public static partial int Softmax(SoftmaxParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_argmax")]
    public static partial int ArgMax(ArgMaxParams* parameters, LaunchParams* at);

    [LibraryImport(LibraryName, EntryPoint = "wl_sample")]
    public static partial int Sample(SampleParams* parameters, LaunchParams* at);

    /// <summary>What the library must export: a library that lacks one is older than this binding.</summary>
    public static readonly string[] Exports =
    [
        "wl_abi_version", "wl_version", "wl_status_string", "wl_last_error", "wl_last_error_parameter", "wl_last_kernel",
        "wl_live_handles", "wl_device_count", "wl_device_get_info", "wl_set_option", "wl_get_option", "wl_host_alloc",
        "wl_host_free", "wl_scratch_bytes", "wl_trim", "wl_device_prepare", "wl_device_alloc", "wl_device_free", "wl_copy",
        "wl_fill", "wl_stream_create", "wl_stream_destroy", "wl_stream_synchronize", "wl_stream_wait_event", "wl_event_create",
        "wl_event_destroy", "wl_event_record", "wl_event_synchronize", "wl_event_elapsed", "wl_graph_begin_capture",
        "wl_graph_end_capture", "wl_graph_launch", "wl_graph_destroy", "wl_gemm_workspace_size", "wl_attention_workspace_size",
        "wl_gemm", "wl_gemm_supported", "wl_gemm_pack_size", "wl_gemm_pack",
        "wl_attention", "wl_attention_supported", "wl_kv_append", "wl_norm", "wl_rope_table", "wl_rope", "wl_activation",
        "wl_embedding", "wl_pool", "wl_softmax", "wl_argmax", "wl_sample",
    ];
}
