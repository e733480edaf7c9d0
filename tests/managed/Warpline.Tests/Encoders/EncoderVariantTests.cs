using System.Text.RegularExpressions;
using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>What checkpoints of the family differ in, against the float64 reference: names, types, activations, missing parts.</summary>
[TestFixture]
public sealed class EncoderVariantTests
{
    private const int Layers = 2, Heads = 4, Hidden = 64;

    private static readonly int[] Tokens = [52, 157, 137, 129, 51, 54, 125, 0, 143, 17, 17, 80, 98];

    private static readonly Dictionary<string, Func<double, double>> Activations = new()
    {
        ["gelu"] = Float64Bert.Gelu,
        ["gelu_python"] = Float64Bert.Gelu,
        ["gelu_new"] = Float64Bert.GeluTanh,
        ["gelu_pytorch_tanh"] = Float64Bert.GeluTanh,
        ["relu"] = Float64Bert.Relu,
        ["silu"] = Float64Bert.Silu,
    };

    [Test]
    public void Activations_equal_the_reference([ValueSource(nameof(Activations))] KeyValuePair<string, Func<double, double>> activation)
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Set("hidden_act", activation.Key);
        Compare(checkpoint.Write(), checkpoint.Doubles, activation.Value);
    }

    [Test]
    public void Epsilon_is_that_of_the_configuration()
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Set("layer_norm_eps", 0.1);
        Compare(checkpoint.Write(), checkpoint.Doubles, Float64Bert.Gelu, epsilon: 0.1);
    }

    [Test]
    public void Weights_may_have_a_prefix_and_the_old_names_of_norms()
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Write(rename: name => "bert." + name
            .Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal));
        Compare(checkpoint, checkpoint.Doubles, Float64Bert.Gelu);
    }

    [Test]
    public void A_projection_that_electra_does_not_have_is_passed_over()
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Set("model_type", "electra");
        checkpoint.Set("embedding_size", Hidden);
        checkpoint.Add("embeddings_project.weight", [Hidden, Hidden], new float[Hidden * Hidden]);
        checkpoint.Add("embeddings_project.bias", [Hidden], new float[Hidden]);
        checkpoint.Drop(name => name.StartsWith("pooler", StringComparison.Ordinal));
        checkpoint.Write(rename: name => "electra." + name);
        Compare(checkpoint, checkpoint.Doubles, Float64Bert.Gelu);
        Assert.That(
            CheckpointInspection.Read(checkpoint.Directory).Weights!.UnusedTensors,
            Is.EqualTo(new[] { "electra.embeddings_project.bias", "electra.embeddings_project.weight" }));
    }

    [Test]
    public void Alberts_projection_is_there_at_any_width()
    {
        const string projection = "encoder.embedding_hidden_mapping_in";
        using TinyEncoder checkpoint = Albert(Layers, groups: Layers);
        checkpoint.Write(rename: AlbertName);
        Assert.That(
            () => EncoderModel.LoadAsync(checkpoint.Directory),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"The weight \"{projection}.weight\" of shape [64, 64] is required"));
        float[] twice = new float[Hidden * Hidden];
        for (int i = 0; i < Hidden; i++)
        {
            twice[i * (Hidden + 1)] = 2;
        }

        Dictionary<string, double[]> weights = checkpoint.Doubles;
        checkpoint.Add(projection + ".weight", [Hidden, Hidden], twice);
        checkpoint.Add(projection + ".bias", [Hidden], new float[Hidden]);
        foreach (string part in new[] { "embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias" })
        {
            weights[part] = [.. weights[part].Select(x => 2 * x)];
        }

        Compare(checkpoint.Write(rename: AlbertName), weights, Float64Bert.Gelu);
    }

    [Test]
    public async Task Alberts_groups_of_unequal_sizes_are_those_of_floating_point()
    {
        const int groups = 14;
        using TinyEncoder checkpoint = Albert(layers: 18, groups);
        checkpoint.Add("encoder.embedding_hidden_mapping_in.weight", [Hidden, Hidden], new float[Hidden * Hidden]);
        checkpoint.Add("encoder.embedding_hidden_mapping_in.bias", [Hidden], new float[Hidden]);
        foreach (string name in checkpoint.Names.Where(name => name.StartsWith("encoder.layer.0.", StringComparison.Ordinal)))
        {
            for (int group = Layers; group < groups; group++)
            {
                checkpoint.Copy(name.Replace("layer.0", $"layer.{group}", StringComparison.Ordinal), name);
            }
        }

        checkpoint.Write(rename: AlbertName);
        using EncoderModel model = await EncoderModel.LoadAsync(checkpoint.Directory);
        Assert.That(model.Weights.Layers[9], Is.SameAs(model.Weights.Layers[8]), "9 / (18 / 14) is less than 7");
        Assert.That(model.Weights.Layers[10], Is.Not.SameAs(model.Weights.Layers[9]));
    }

    [TestCase(0)]
    [TestCase(1)]
    public void Token_types_may_be_one_or_none(int types)
    {
        const string name = "embeddings.token_type_embeddings.weight";
        using TinyEncoder checkpoint = new();
        checkpoint.Set("type_vocab_size", types);
        if (types == 0)
        {
            checkpoint.Drop(weight => weight == name);
        }
        else
        {
            checkpoint.Cut(name, types);
        }

        Compare(checkpoint.Write(), checkpoint.Doubles, Float64Bert.Gelu);
    }

    [Test]
    public void Files_of_every_type_serve_activations_of_every_type(
        [Values(SafetensorsType.Float32, SafetensorsType.Float16, SafetensorsType.BFloat16)] SafetensorsType stored,
        [Values(ElementType.Float32, ElementType.Float16, ElementType.BFloat16)] ElementType type)
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Write(stored);
        double allowed = type switch { ElementType.Float32 => 1e-10, ElementType.Float16 => 1e-5, _ => EncoderCase.BFloat16Tolerance };
        EncoderCase golden = EncoderCase.Load("bert");
        using EncoderModel model = Load(checkpoint, type);
        (double hidden, double pooled) = golden.MeanSquareErrors(model);
        Assert.That(Math.Max(hidden, pooled), Is.LessThanOrEqualTo(allowed));
    }

    [Test]
    public void A_pooler_may_be_missing()
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Drop(name => name.StartsWith("pooler.", StringComparison.Ordinal));
        using EncoderModel model = Load(checkpoint.Write());
        Assert.That(model.HasPooler, Is.False);
        using EncoderSession session = model.CreateSession();
        session.Forward(Tokens);
        Assert.That(() => session.PoolerOutput().Length, Throws.InvalidOperationException.With.Message.EqualTo("The checkpoint has no pooler."));
    }

    [Test]
    public void Padding_tokens_of_roberta_keep_their_own_position()
    {
        // Without padding tokens positions begin behind the padding's; the reference knows no families.
        using TinyEncoder checkpoint = new();
        checkpoint.Set("model_type", "roberta");
        checkpoint.Set("pad_token_id", 7);
        checkpoint.Write();
        using EncoderModel model = Load(checkpoint);
        Assert.That(model.Config.MaxTokens, Is.EqualTo(248));
        using EncoderSession session = model.CreateSession();
        float[] hidden = session.Forward(Tokens).ToArray();
        double[][] expected = new Float64Bert(checkpoint.Doubles, Layers, Heads, 1e-12, Float64Bert.Gelu).Run(Tokens, firstPosition: 8);
        Assert.That(Worst(hidden, expected), Is.LessThan(EncoderCase.Tolerance));

        // A padding token at the end: those before it keep their positions, and all attend it.
        float[] padded = session.Forward([.. Tokens, 7]).ToArray();
        int[] positions = [.. Enumerable.Range(8, Tokens.Length), 7];
        double[][] withPadding = new Float64Bert(Reordered(checkpoint.Doubles, positions), Layers, Heads, 1e-12, Float64Bert.Gelu).Run([.. Tokens, 7]);
        Assert.That(Worst(padded, withPadding), Is.LessThan(EncoderCase.Tolerance));
    }

    [TestCase("encoder.layer.1.output.dense.bias", "The weight \"encoder.layer.1.output.dense.bias\" of shape [64] is required, but the checkpoint does not have it.")]
    [TestCase("embeddings.word_embeddings.weight", "The weight \"embeddings.word_embeddings.weight\" of shape [160, 64] is required, but the checkpoint does not have it.")]
    [TestCase("embeddings.LayerNorm.weight", "The weight \"embeddings.LayerNorm.weight\" of shape [64] is required, but the checkpoint does not have it.")]
    public void A_missing_weight_is_named(string name, string message)
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Drop(weight => weight == name);
        checkpoint.Write();
        Assert.That(() => Load(checkpoint), Throws.InstanceOf<InvalidDataException>().With.Message.EqualTo(message));
    }

    [Test]
    public void A_weight_of_another_shape_is_named_with_both()
    {
        using TinyEncoder checkpoint = new();
        checkpoint.Set("intermediate_size", 100);
        checkpoint.Write();
        Assert.That(() => Load(checkpoint), Throws.InstanceOf<InvalidDataException>().With.Message.EqualTo(
            "The weight \"encoder.layer.0.intermediate.dense.weight\" has the shape [96, 64]; [100, 64] is required by the configuration."));
    }

    private static EncoderModel Load(TinyEncoder checkpoint, ElementType type = ElementType.Float32) => EncoderModel.LoadAsync(
        checkpoint.Directory, new ModelOptions { Device = TestDevice.Current, ActivationType = type }).GetAwaiter().GetResult();

    private static TinyEncoder Albert(int layers, int groups)
    {
        TinyEncoder checkpoint = new();
        checkpoint.Set("model_type", "albert");
        checkpoint.Set("embedding_size", Hidden);
        checkpoint.Set("num_hidden_layers", layers);
        checkpoint.Set("num_hidden_groups", groups);
        checkpoint.Set("inner_group_num", 1);
        checkpoint.Drop(name => name.StartsWith("pooler", StringComparison.Ordinal));
        return checkpoint;
    }

    /// <summary>What albert calls a weight of bert.</summary>
    private static string AlbertName(string name) => Regex.Replace(name, @"^encoder\.layer\.(\d+)\.", "encoder.albert_layer_groups.$1.albert_layers.0.")
        .Replace("attention.self.", "attention.", StringComparison.Ordinal)
        .Replace("attention.output.", "attention.", StringComparison.Ordinal)
        .Replace("intermediate.dense", "ffn", StringComparison.Ordinal)
        .Replace("output.dense", "ffn_output", StringComparison.Ordinal)
        .Replace("output.LayerNorm", "full_layer_layer_norm", StringComparison.Ordinal);

    private static void Compare(
        TinyEncoder checkpoint, Dictionary<string, double[]> weights, Func<double, double> activation, double epsilon = 1e-12)
    {
        using EncoderModel model = Load(checkpoint);
        using EncoderSession session = model.CreateSession();
        float[] hidden = session.Forward(Tokens).ToArray();
        double[][] expected = new Float64Bert(weights, Layers, Heads, epsilon, activation).Run(Tokens);
        Assert.That(Worst(hidden, expected), Is.LessThan(EncoderCase.Tolerance));
        foreach (Func<double, double> other in Activations.Values.Where(other => other != activation))
        {
            double[][] wrong = new Float64Bert(weights, Layers, Heads, epsilon, other).Run(Tokens);
            Assert.That(Worst(hidden, wrong), Is.GreaterThan(EncoderCase.Tolerance), "another activation shows");
        }
    }

    private static double Worst(float[] hidden, double[][] expected) =>
        hidden.Zip(expected.SelectMany(row => row), (a, b) => Math.Abs(a - b)).Max();

    /// <summary>Weights whose position rows are these rows of the given ones, in this order.</summary>
    private static Dictionary<string, double[]> Reordered(Dictionary<string, double[]> weights, int[] positions)
    {
        const string name = "embeddings.position_embeddings.weight";
        double[] rows = weights[name];
        weights[name] = [.. positions.SelectMany(position => rows[(position * 64)..((position + 1) * 64)])];
        return weights;
    }
}
