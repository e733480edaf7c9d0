using Warpline.Benchmarks.Measuring;
using Warpline.Benchmarks.Peers;
using Warpline.Transformers;

namespace Warpline.Benchmarks.Decoder;

/// <summary>Decoding and prefill of a small Llama in bfloat16, beside the machine's limits and llama.cpp.</summary>
internal sealed class DecoderSpeed : IDisposable
{
    private const int Prompt = 512, Context = 128, Steps = 8;
    private const double OfRead = 0.80, OfProduct = 0.60, DecodeSpeedup = 1.0, PrefillSpeedup = 2.0;

    // Of the logits of two engines that round activations in different places.
    private const double MostDifference = 1e-2;

    private readonly DecoderCheckpoint _checkpoint = new();
    private readonly TransformerModel _model;
    private readonly DecoderSession _session;
    private readonly LlamaCpp? _llama;
    private readonly int[] _tokens;
    private readonly Results _results = new("decoder");

    private DecoderSpeed(string? llamaFolder)
    {
        _model = TransformerModel.LoadAsync(
            _checkpoint.Folder, new ModelOptions { ActivationType = ElementType.BFloat16, PackWeights = Environment.GetEnvironmentVariable("NOPACK") is null }).Result;
        _session = _model.CreateSession(DecoderShape.Positions);
        int threads = WarplineLibrary.ThreadCount;
        _llama = llamaFolder is null ? null : new LlamaCpp(llamaFolder, _checkpoint.GgufFile, DecoderShape.Positions, threads);
        Random random = new(3);
        _tokens = [.. Enumerable.Range(0, DecoderShape.Positions).Select(_ => random.Next(DecoderShape.Vocabulary))];
    }

    /// <summary>Measures everything.</summary>
    /// <param name="rounds">Of each comparison.</param>
    /// <param name="llamaFolder">llama.cpp's libraries; null where they cannot be had.</param>
    /// <param name="resultFolder">Where the files of figures go.</param>
    /// <returns>Whether every bar was reached.</returns>
    public static bool Measure(int rounds, string? llamaFolder, string resultFolder)
    {
        using DecoderSpeed speed = new(llamaFolder);
        speed.Describe();
        if (Environment.GetEnvironmentVariable("OPS") is { })
        {
            Ops();
            return true;
        }
        if (Environment.GetEnvironmentVariable("PROFILE") is { } what)
        {
            speed.Prefill(Context);
            for (int i = 0; i < int.Parse(what); i++) { var w = System.Diagnostics.Stopwatch.StartNew(); speed.Decode(Context); Console.WriteLine(w.Elapsed.TotalMilliseconds / Steps); }
            return true;
        }

        speed.CompareLogits();
        if (Environment.GetEnvironmentVariable("DEC") is null) speed.MeasurePrefill(rounds);
        speed.MeasureDecode(rounds);
        speed._results.Write(Path.Combine(resultFolder, "decoder.json"));
        return speed._results.Met;
    }

    private static void Ops()
    {
        using HostTensor memory = RandomWeights.Tensor(ElementType.BFloat16, 1 << 27);
        using HostTensor x = RandomWeights.Tensor(ElementType.BFloat16, 1, 1536);
        using HostTensor y = RandomWeights.Tensor(ElementType.Float32, 1, 49152);
        TensorRef W(long off, long n, long k) => memory.View.Slice(0, off, n * k).Reshape(n, k);
        void Time(string name, long bytes, Action run)
        {
            double best = 1e9; List<double> all = [];
            for (int i = 0; i < 15; i++) { var w = System.Diagnostics.Stopwatch.StartNew(); run(); all.Add(w.Elapsed.TotalSeconds); }
            all.Sort(); best = all[7];
            Console.WriteLine($"{name,-14} {best * 1e6,9:F1} us {bytes / best / 1e9,7:F2} GB/s  best {bytes / all[0] / 1e9,7:F2}");
        }
        using HostTensor qq = RandomWeights.Tensor(ElementType.BFloat16, 1, 1, 9, 64);
        using HostTensor oo = RandomWeights.Tensor(ElementType.BFloat16, 1, 1, 9, 64);
        using HostTensor kn = RandomWeights.Tensor(ElementType.BFloat16, 1, 1, 3, 64);
        using HostTensor kk = RandomWeights.Tensor(ElementType.BFloat16, 60, 8192, 3, 64);
        using HostTensor cs = RandomWeights.Tensor(ElementType.Float32, 8192, 32);
        using HostTensor pos = HostTensor.Create<int>([150], 1);
        using HostTensor h = RandomWeights.Tensor(ElementType.BFloat16, 1, 576);
        using HostTensor hw = RandomWeights.Tensor(ElementType.BFloat16, 576);
        using HostTensor hy = RandomWeights.Tensor(ElementType.BFloat16, 1, 576);
        void Op(string name, Action<int> run) { List<double> all = []; for (int r = 0; r < 15; r++) { var w = System.Diagnostics.Stopwatch.StartNew(); for (int i = 0; i < 30; i++) { run(i); } all.Add(w.Elapsed.TotalMicroseconds / 30); } all.Sort(); Console.WriteLine($"{name} {all[7]:F2} us"); }
        for (int rep = 0; rep < 2; rep++) {
        Op("norm", _ => Norm.Rms(h, hw, hy, 1e-5f));
        Op("append", i => KeyValueCache.Append(kn.View.Reshape(1, 3, 64), kn.View.Reshape(1, 3, 64), kk.View.Slice(0, 2 * i, 1), kk.View.Slice(0, 2 * i + 1, 1), pos.View, cos: cs, sin: cs));
        Op("rope", _ => Rope.Apply(qq.View.Reshape(1, 9, 64), qq.View.Reshape(1, 9, 64), pos.View, cs, cs));
        foreach (int len in new[] { 140, 1024, 8192 })
        Op($"attention {len}", i => Attention.Forward(new AttentionInputs { Query = qq, Key = kk.View.Slice(0, 2 * i, 1).Slice(1, 0, len), Value = kk.View.Slice(0, 2 * i + 1, 1).Slice(1, 0, len) }, oo, new AttentionOptions { Causal = true }));
        }

        Side read = MachineLimits.DenseRead(memory, 2);
        for (int rep = 0; rep < 2; rep++) {
        Time("read", (long)read.Work, read.Run);
        foreach ((long n, long k) in new (long, long)[] { (576, 576), (192, 576), (960, 576), (1536, 576), (3072, 576), (576, 1536), (49152, 576), (4096, 4096) })
        {
            long count = (1L << 27) / (n * k);
            TensorRef xk = x.View.Reshape(1536).Slice(0, 0, Math.Min(k, 1536)).Reshape(1, Math.Min(k, 1536)); if (k > 1536) xk = memory.View.Slice(0, 0, k).Reshape(1, k);
            TensorRef yn = y.View.Reshape(49152).Slice(0, 0, n).Reshape(1, n);
            Time($"{n}x{k}", count * n * k * 2, () => { for (long i = 0; i < count; i++) Gemm.Run(W(i * n * k, n, k), xk, yn); });
        }
        Time("gated 1536", (1L << 27) / (3072 * 576) * 3072 * 576 * 2, () => { for (long i = 0; i + 3072 * 576 <= 1L << 27; i += 3072 * 576) Gemm.RunGated(W(i, 1536, 576), W(i + 1536 * 576, 1536, 576), x.View.Reshape(1536).Slice(0, 0, 576).Reshape(1, 576), y.View.Reshape(49152).Slice(0, 0, 1536).Reshape(1, 1536), Activation.Silu); });
        }
    }

    public void Dispose()
    {
        _llama?.Dispose();
        _session.Dispose();
        _model.Dispose();
        _checkpoint.Dispose();
    }

    private void Describe()
    {
        _results.State("model", $"Llama, {_model.ParameterCount / 1e6:F1} million random weights in bfloat16, packed at load; bfloat16 cache");
        if (_llama is not null)
        {
            _results.State("llama.cpp", $"@node-llama-cpp/linux-x64 {NpmPeer.Version}, {_llama.Processor}; the same weights as GGUF, float16 cache");
        }
    }

    /// <summary>Both engines must compute the same.</summary>
    private void CompareLogits()
    {
        if (_llama is null)
        {
            return;
        }

        ReadOnlySpan<int> tokens = _tokens.AsSpan(0, Context);
        ReadOnlySpan<float> own = _session.Forward(tokens), other = _llama.Forward(tokens, DecoderShape.Vocabulary);
        double error = 0, power = 0;
        for (int i = 0; i < own.Length; i++)
        {
            double difference = own[i] - other[i];
            error += difference * difference;
            power += (double)other[i] * other[i];
        }

        Reset(0);
        _results.State("difference of the logits", FormattableString.Invariant($"normalised mean square {error / power:G3}"));
        if (!(error / power < MostDifference))
        {
            throw new InvalidOperationException("The two engines do not compute the same.");
        }
    }

    private void MeasurePrefill(int rounds)
    {
        Side limit = MachineLimits.Product(ElementType.BFloat16, out IDisposable memory);
        using (memory)
        {
            // Products only, as operations: those of the layers for each token, that of the head for the last.
            double operations = 2.0 * Prompt * ((DecoderShape.WeightBytes / 2) - (DecoderShape.Vocabulary * DecoderShape.Hidden));
            Alternation rate = _results.Measure(
                $"prefill of {Prompt}", "operations/s", rounds, new Side("Warpline", operations, () => Prefill(Prompt)), limit);
            _results.Compare("prefill, of the product's rate", rate, 0, 1, OfProduct);
        }

        if (_llama is not null)
        {
            Alternation speed = _results.Measure(
                $"prefill of {Prompt}", "tokens/s", rounds,
                new Side("Warpline", Prompt, () => Prefill(Prompt)), new Side("llama.cpp", Prompt, () => PeerPrefill(Prompt)));
            _results.Compare("prefill, speed-up over llama.cpp", speed, 0, 1, PrefillSpeedup);
        }
    }

    private void MeasureDecode(int rounds)
    {
        _session.Truncate(0);
        _session.Forward(_tokens.AsSpan(0, Context), LogitsMode.None);
        double bytes = Steps * (DecoderShape.WeightBytes + (DecoderShape.CacheBytesPerToken * (Context + (Steps / 2.0))));
        using (HostTensor memory = RandomWeights.Tensor(ElementType.BFloat16, 1 << 27))
        {
            Alternation rate = _results.Measure(
                $"decoding behind {Context}", "bytes/s", rounds, new Side("Warpline", bytes, () => Decode(Context)),
                MachineLimits.DenseRead(memory, WarplineLibrary.ThreadCount));
            _results.Compare("decoding, of dense reading", rate, 0, 1, OfRead);
        }

        if (_llama is not null)
        {
            _llama.Truncate(0);
            _llama.Forward(_tokens.AsSpan(0, Context), DecoderShape.Vocabulary);
            Alternation speed = _results.Measure(
                $"decoding behind {Context}", "tokens/s", rounds,
                new Side("Warpline", Steps, () => Decode(Context)), new Side("llama.cpp", Steps, () => PeerDecode(Context)));
            _results.Compare("decoding, speed-up over llama.cpp", speed, 0, 1, DecodeSpeedup);
        }
    }

    private void Reset(int length)
    {
        _session.Truncate(length);
        _llama?.Truncate(length);
    }

    private void Prefill(int tokens)
    {
        _session.Truncate(0);
        _session.Forward(_tokens.AsSpan(0, tokens));
    }

    private void PeerPrefill(int tokens)
    {
        _llama!.Truncate(0);
        _llama.Forward(_tokens.AsSpan(0, tokens), DecoderShape.Vocabulary);
    }

    private void Decode(int context)
    {
        for (int i = 0; i < Steps; i++)
        {
            _session.Forward(_tokens.AsSpan(context + i, 1));
        }

        _session.Truncate(context);
    }

    private void PeerDecode(int context)
    {
        for (int i = 0; i < Steps; i++)
        {
            _llama!.Forward(_tokens.AsSpan(context + i, 1), DecoderShape.Vocabulary);
        }

        _llama!.Truncate(context);
    }
}
