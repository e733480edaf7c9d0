using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Warpline.Benchmarks.Peers;

/// <summary>llama.cpp's C API, from shared libraries in a folder, driven as its own llama-bench drives it: llama_decode in a loop.</summary>
internal sealed unsafe class LlamaCpp : IDisposable
{
    // llama.h of release v0.5.0. Parameters go by value in memory, so structures may be larger than the library's own; only
    // the fields that are set here must lie where it reads them, which the defaults show.
    private const int ContextTokens = 0, BatchTokens = 1, MicroBatchTokens = 2, Threads = 7, BatchThreads = 8;

    private readonly nint _library;
    private readonly nint _model, _context, _memory;
    private readonly delegate* unmanaged[Cdecl]<nint, Batch, int> _decode;
    private readonly delegate* unmanaged[Cdecl]<nint, int, float*> _logits;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, int, byte> _remove;

    /// <param name="folder">Holds libllama and libggml.</param>
    /// <param name="gguf">The model's file.</param>
    /// <param name="capacity">Tokens of the cache.</param>
    /// <param name="threads">Threads to compute with.</param>
    public LlamaCpp(string folder, string gguf, int capacity, int threads)
    {
        NativeLibrary.Load(Path.Combine(folder, "libggml-base.so"));
        nint ggml = NativeLibrary.Load(Directory.GetFiles(folder, "libggml.v*.so").Single());
        _library = NativeLibrary.Load(Directory.GetFiles(folder, "libllama.v*.so").Single());
        ((delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<int, byte*, nint, void>, nint, void>)Find("llama_log_set"))(&Ignore, 0);
        byte[] path = [.. Encoding.UTF8.GetBytes(folder), 0];
        fixed (byte* text = path)
        {
            ((delegate* unmanaged[Cdecl]<byte*, void>)NativeLibrary.GetExport(ggml, "ggml_backend_load_all_from_path"))(text);
        }

        ((delegate* unmanaged[Cdecl]<void>)Find("llama_backend_init"))();
        Parameters model = ((delegate* unmanaged[Cdecl]<Parameters>)Find("llama_model_default_params"))();
        fixed (byte* text = (byte[])[.. Encoding.UTF8.GetBytes(gguf), 0])
        {
            _model = ((delegate* unmanaged[Cdecl]<byte*, Parameters, nint>)Find("llama_model_load_from_file"))(text, model);
        }

        if (_model == 0)
        {
            throw new InvalidOperationException($"llama.cpp does not load {gguf}.");
        }

        Parameters context = ((delegate* unmanaged[Cdecl]<Parameters>)Find("llama_context_default_params"))();
        if (context[ContextTokens] != 512 || context[BatchTokens] != 2048 || context[MicroBatchTokens] != 512 || context[Threads] != 4 || context[BatchThreads] != 4)
        {
            throw new InvalidOperationException($"The llama.cpp in {folder} has another llama_context_params than release v0.5.0.");
        }

        (context[ContextTokens], context[BatchTokens]) = (capacity, capacity);
        (context[Threads], context[BatchThreads]) = (threads, threads);
        _context = ((delegate* unmanaged[Cdecl]<nint, Parameters, nint>)Find("llama_init_from_model"))(_model, context);
        if (_context == 0)
        {
            throw new InvalidOperationException("llama.cpp does not make a context.");
        }

        _memory = ((delegate* unmanaged[Cdecl]<nint, nint>)Find("llama_get_memory"))(_context);
        _decode = (delegate* unmanaged[Cdecl]<nint, Batch, int>)Find("llama_decode");
        _logits = (delegate* unmanaged[Cdecl]<nint, int, float*>)Find("llama_get_logits_ith");
        _remove = (delegate* unmanaged[Cdecl]<nint, int, int, int, byte>)Find("llama_memory_seq_rm");
        Processor = Marshal.PtrToStringUTF8(((delegate* unmanaged[Cdecl]<nint>)Find("llama_print_system_info"))()) ?? "";
    }

    /// <summary>The instruction sets that it uses, in its words.</summary>
    public string Processor { get; }

    /// <summary>Runs tokens behind those in the cache and reads the last one's logits.</summary>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<int> tokens, int vocabulary)
    {
        fixed (int* ids = tokens)
        {
            int status = _decode(_context, new Batch { Count = tokens.Length, Tokens = ids });
            return status == 0
                ? new ReadOnlySpan<float>(_logits(_context, -1), vocabulary)
                : throw new InvalidOperationException($"llama_decode returned {status}.");
        }
    }

    /// <summary>Forgets the tokens from a position on.</summary>
    public void Truncate(int length)
    {
        if (_remove(_memory, 0, length, -1) == 0)
        {
            throw new InvalidOperationException($"llama.cpp cannot forget the tokens from {length} on.");
        }
    }

    public void Dispose()
    {
        ((delegate* unmanaged[Cdecl]<nint, void>)Find("llama_free"))(_context);
        ((delegate* unmanaged[Cdecl]<nint, void>)Find("llama_model_free"))(_model);
    }

    private nint Find(string name) => NativeLibrary.GetExport(_library, name);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(int level, byte* text, nint data)
    {
    }

    [InlineArray(128)]
    private struct Parameters
    {
        private int _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Batch
    {
        public int Count;
        public int* Tokens;
        public nint Embeddings, Positions, SequenceCounts, Sequences, Outputs;
    }
}
