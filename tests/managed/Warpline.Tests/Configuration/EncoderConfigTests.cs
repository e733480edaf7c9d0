using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using Warpline.Tests.Weights;
using Warpline.Transformers;

namespace Warpline.Tests.Configuration;

/// <summary>Encoders' config.json: what each family reads, and complaints that name file, key, value and requirement.</summary>
public sealed class EncoderConfigTests
{
    [Test]
    public void The_families_read_their_keys()
    {
        EncoderConfig bert = Load("bert"), distilbert = Load("distilbert"), roberta = Load("roberta"), electra = Load("electra"), albert = Load("albert");
        Assert.That((bert.HiddenSize, bert.EmbeddingSize, bert.IntermediateSize, bert.LayerCount, bert.HeadCount), Is.EqualTo((64, 64, 96, 2, 4)));
        Assert.That((bert.MaxTokens, bert.TypeVocabularySize, bert.DistinctLayerCount), Is.EqualTo((256, 2, 2)));
        Assert.That((distilbert.HiddenSize, distilbert.IntermediateSize, distilbert.TypeVocabularySize), Is.EqualTo((64, 128, 0)));
        Assert.That((roberta.PadTokenId, roberta.MaxTokens), Is.EqualTo((1, 254)));
        Assert.That((electra.EmbeddingSize, electra.HiddenSize), Is.EqualTo((32, 64)));
        Assert.That((albert.EmbeddingSize, albert.DistinctLayerCount, albert.LayerCount, albert.Activation), Is.EqualTo((32, 1, 2, HiddenActivation.GeluTanh)));
    }

    [Test]
    public void What_is_absent_has_the_familys_value()
    {
        const string sizes = "\"vocab_size\": 50, \"hidden_size\": 8, \"num_hidden_layers\": 3, \"num_attention_heads\": 2, \"intermediate_size\": 16";
        EncoderConfig bert = Parse($"{{\"model_type\": \"bert\", {sizes}}}");
        Assert.That(
            (bert.PositionCount, bert.TypeVocabularySize, bert.NormEpsilon, bert.Activation, bert.PadTokenId),
            Is.EqualTo((512, 2, 1e-12, HiddenActivation.Gelu, 0)));
        EncoderConfig roberta = Parse($"{{\"model_type\": \"roberta\", {sizes}, \"max_position_embeddings\": 514}}");
        Assert.That((roberta.PadTokenId, roberta.MaxTokens), Is.EqualTo((1, 512)));
    }

    [TestCase("model_type", null, "model_type is missing; a string is required.")]
    [TestCase("model_type", "\"deberta\"", "model_type = \"deberta\"; one of bert, distilbert, roberta, xlm-roberta, electra, albert is required.")]
    [TestCase("model_type", "\"llama\"", "model_type = \"llama\" is a decoder; an encoder is required, one of bert, distilbert, roberta, xlm-roberta, electra, albert.")]
    [TestCase("hidden_size", null, "hidden_size is missing; an integer above 0 is required.")]
    [TestCase("hidden_size", "0", "hidden_size = 0; an integer from 1 to 1048576 is required.")]
    [TestCase("hidden_size", "66", "hidden_size = 66; a multiple of num_attention_heads (4) is required.")]
    [TestCase("intermediate_size", "-1", "intermediate_size = -1; an integer from 1 to 16777216 is required.")]
    [TestCase("num_hidden_layers", "2000000000", "num_hidden_layers = 2000000000; an integer from 1 to 16384 is required.")]
    [TestCase("num_attention_heads", "0", "num_attention_heads = 0; an integer from 1 to 16384 is required.")]
    [TestCase("vocab_size", "\"x\"", "vocab_size = \"x\"; an integer is required.")]
    [TestCase("max_position_embeddings", "0", "max_position_embeddings = 0; an integer from 1 to 67108864 is required.")]
    [TestCase("type_vocab_size", "-1", "type_vocab_size = -1; an integer from 0 to 1048576 is required.")]
    [TestCase("layer_norm_eps", "0", "layer_norm_eps = 0; a number between 0 and 1 is required.")]
    [TestCase("pad_token_id", "160", "pad_token_id = 160; a token id below vocab_size (160) is required.")]
    [TestCase("hidden_act", "\"mish\"", "hidden_act = \"mish\"; one of gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu, swish is required.")]
    [TestCase("position_embedding_type", "\"relative_key\"", "position_embedding_type = \"relative_key\"; absolute is required.")]
    [TestCase("is_decoder", "true", "is_decoder = true; false is required.")]
    [TestCase("quantization_config", "{\"bits\":4}", "quantization_config = {\"bits\":4}; a checkpoint without quantisation is required.")]
    public void A_key_is_named_with_its_value(string key, string? value, string message) => Refuses("bert", key, value, message);

    [TestCase("num_hidden_groups", "3", "num_hidden_groups = 3; an integer from 1 to 2 is required.")]
    [TestCase("inner_group_num", "2", "inner_group_num = 2; 1 is required.")]
    public void Layers_that_share_weights_must_fit(string key, string value, string message) => Refuses("albert", key, value, message);

    [Test]
    public void Positions_behind_the_padding_must_be_left() =>
        Refuses("roberta", "max_position_embeddings", "2", "max_position_embeddings = 2; more than the 2 rows before the first position is required.");

    [Test]
    public void A_configuration_in_memory_is_held_to_the_same_rules()
    {
        EncoderConfig config = Load("bert") with { HeadCount = 5 };
        Assert.That(config.Validate, Throws.ArgumentException.With.Message.EqualTo("hidden_size = 64; a multiple of num_attention_heads (5) is required."));
        Assert.That(Load("bert").Validate, Throws.Nothing);
    }

    [Test]
    public void Mutated_configurations_throw_nothing_else()
    {
        byte[][] seeds = [.. new[] { "bert", "distilbert", "roberta", "electra", "albert" }.Select(Bytes)];
        Random random = new(5);
        int accepted = 0;
        for (int round = 0; round < 5000; round++)
        {
            try
            {
                EncoderConfig.Parse(Mutation.Of(seeds[round % seeds.Length], random)).Validate();
                accepted++;
            }
            catch (InvalidDataException)
            {
                // The one exception that the reader documents.
            }
        }

        Assert.That(accepted, Is.GreaterThan(0), "some mutations, such as of a name, are harmless");
    }

    private static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(TestData.GoldenModel(name), "config.json"));

    private static EncoderConfig Load(string name) => EncoderConfig.Load(TestData.GoldenModel(name));

    private static EncoderConfig Parse(string json) => EncoderConfig.Parse(Encoding.UTF8.GetBytes(json), "c.json");

    private static void Refuses(string family, string key, string? value, string message)
    {
        JsonObject config = JsonNode.Parse(Bytes(family))!.AsObject();
        config.Remove(key);
        if (value is not null)
        {
            config[key] = JsonNode.Parse(value);
        }

        Assert.That(() => Parse(config.ToJsonString()), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"c.json: {message}"));
    }
}
