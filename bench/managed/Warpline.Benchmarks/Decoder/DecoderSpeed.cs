using Warpline.Benchmarks.Measuring;
using Warpline.Benchmarks.Peers;
using Warpline.Transformers;

namespace Warpline.Benchmarks.Decoder;

/// <summary>Decoding and prefill of a small Llama in bfloat16, beside the machine's limits and llama.cpp.</summary>
internal sealed class DecoderSpeed : IDisposable
{
    private const int Prompt = 512, Context = 128, Steps = 8;
    private const int ContextRounds = 3;
    private const double OfRead = 0.80, OfProduct = 0.60, DecodeSpeedup = 1.0, PrefillSpeedup = 2.0;

    // Of the logits of two engines that round activations in different places.
    private const double MostDifference = 1e-2;

    private static readonly int[] _contexts = [128, 256, 512, 1024, 2048, 4096, 8192];

    private readonly DecoderCheckpoint _checkpoint = new();
    private readonly TransformerModel _model;
    private readonly DecoderSession _session;
    private readonly LlamaCpp? _llama;
    private readonly int[] _tokens;
    private readonly Results _results = new("decoder");

    private DecoderSpeed(string? llamaFolder)
    {
        _model = TransformerModel.LoadAsync(
            _checkpoint.Folder, new ModelOptions { ActivationType = ElementType.BFloat16 }).Result;
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
        speed.CompareLogits();
        speed.MeasurePrefill(rounds);
        speed.MeasureDecode(rounds);
        speed.MeasureContexts(resultFolder);
        speed._results.Write(Path.Combine(resultFolder, "decoder.json"));
        return speed._results.Met;
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
        _results.State("model", $"Llama, {_model.ParameterCount / 1e6:F1} million random weights in bfloat16, as they are stored; bfloat16 cache");
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

    /// <summary>Both over the length of the context, drawn as a picture.</summary>
    private void MeasureContexts(string folder)
    {
        if (_llama is null)
        {
            return;
        }

        RatePlot prefill = new("Prefill, tokens/s", _contexts), decode = new("Decoding, tokens/s", _contexts);
        foreach (int context in _contexts)
        {
            prefill.Add(_results.Measure(
                $"prefill of {context}", "tokens/s", ContextRounds,
                new Side("Warpline", context, () => Prefill(context)), new Side("llama.cpp", context, () => PeerPrefill(context))));
            decode.Add(_results.Measure(
                $"decoding behind {context}", "tokens/s", ContextRounds,
                new Side("Warpline", Steps, () => Decode(context)), new Side("llama.cpp", Steps, () => PeerDecode(context))));
        }

        RatePlot.Write(Path.Combine(folder, "decoder.svg"), prefill, decode);
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
