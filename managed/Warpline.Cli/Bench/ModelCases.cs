using Warpline.Transformers;

namespace Warpline.Cli.Bench;

/// <summary>Cases of a whole model: prompts and steps of one token.</summary>
internal sealed class ModelCases : IDisposable
{
    private readonly DirectoryInfo _directory;
    private readonly CancellationToken _cancellation;
    private readonly ModelConfig _config;
    private (string Type, bool Packed) _key;
    private TransformerModel? _model;

    /// <summary>Reads the configuration, so that what is no decoder is known before anything is measured.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public ModelCases(DirectoryInfo directory, CancellationToken cancellation)
    {
        if (!directory.Exists)
        {
            throw new DirectoryNotFoundException($"--model is {directory.FullName}; a checkpoint's folder is required.");
        }

        (_directory, _cancellation, _config) = (directory, cancellation, ModelConfig.Load(directory.FullName));
    }

    public List<BenchFamily> Families(ComputeDevice device)
    {
        Axis[] model =
        [
            Axis.Words("model", [_directory.Name], _directory.Name),
            Axis.Types("dtype", device.Kind == DeviceKind.Cpu ? "f32" : "bf16"), Axis.Flag("packed", "no"),
        ];
        return
        [
            new("model/prefill", [.. model, Axis.Integers("tokens", 128, 512)], OpenPrefill),
            new("model/decode", [.. model, Axis.Integers("context", 128, 1024)], OpenDecode),
        ];
    }

    public void Dispose() => _model?.Dispose();

    private Workload OpenPrefill(BenchCase item, Operands operands)
    {
        (TransformerModel model, DecoderSession session, int[] ids) = Start(item, operands, item.Number("tokens"));
        return Describe(model, ids.Length, 0, () =>
        {
            session.Truncate(0);
            session.Forward(ids);
        });
    }

    private Workload OpenDecode(BenchCase item, Operands operands)
    {
        (TransformerModel model, DecoderSession session, int[] ids) = Start(item, operands, item.Number("context"));
        session.Forward(ids);
        int before = ids.Length - 1;
        return Describe(model, 1, before, () =>
        {
            session.Truncate(before);
            session.Forward(ids.AsSpan(before));
        });
    }

    /// <summary>A case's model with a session for so many tokens, and their ids.</summary>
    private (TransformerModel Model, DecoderSession Session, int[] Ids) Start(BenchCase item, Operands operands, int tokens)
    {
        if (tokens > _config.MaxPositions)
        {
            throw new SkippedException($"the model has {_config.MaxPositions} positions");
        }

        TransformerModel model = Load(item, operands.Device);
        int[] ids = [.. Enumerable.Range(0, tokens).Select(i => (int)(((long)i * 7919) % _config.VocabularySize))];
        return (model, operands.Own(model.CreateSession(tokens)), ids);
    }

    // One model is kept: neighbouring cases differ in other axes first.
    private TransformerModel Load(BenchCase item, ComputeDevice device)
    {
        (string Type, bool Packed) key = (item["dtype"], item.Flag("packed"));
        if (_model is null || _key != key)
        {
            if (key.Packed && device.Kind != DeviceKind.Cpu)
            {
                throw new SkippedException("weights are packed for the CPU only");
            }

            _model?.Dispose();
            _model = null;
            ModelOptions options = new() { Device = device, ActivationType = item.Type("dtype"), PackWeights = key.Packed };
            _model = TransformerModel.LoadAsync(_directory.FullName, options, null, _cancellation).GetAwaiter().GetResult();
            _key = key;
        }

        return _model;
    }

    /// <summary>What a call over new tokens behind others costs; only the last one's logits are computed.</summary>
    private Workload Describe(TransformerModel model, int tokens, int before, Action run)
    {
        double embedding = (double)_config.VocabularySize * _config.HiddenSize;
        double body = model.ParameterCount - (embedding * (_config.TieWordEmbeddings ? 1 : 2));
        double seen = 0, kept = 0;
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            int window = _config.WindowOf(layer) ?? int.MaxValue;
            kept += Math.Min((double)before + tokens, (double)window + tokens - 1);
            for (int i = 1; i <= tokens; i++)
            {
                seen += Math.Min(before + i, window);
            }
        }

        double heads = (double)_config.HeadCount * _config.HeadDimension;
        double cache = 2.0 * _config.KeyValueHeadCount * _config.HeadDimension * model.Options.ActivationType.ByteSize();
        return new Workload(
            run,
            (2 * body * tokens) + (2 * embedding) + (4 * heads * seen),
            ((body + embedding) * (_config.StoredType ?? ElementType.Float32).ByteSize()) + (cache * kept))
        {
            Tokens = tokens,
        };
    }
}
