using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>Files of sentence encoders that say what is not possible: each complaint names the file, the key and the value.</summary>
[TestFixture]
public sealed class SentenceFilesTests
{
    [TestCase("modules.json", """[{"type": "sentence_transformers.models.CNN", "path": ""}]""", "the module sentence_transformers.models.CNN is not supported at this place")]
    [TestCase("modules.json", """[{"type": "x.Normalize", "path": "1"}]""", "the module x.Normalize is not supported at this place")]
    [TestCase("modules.json", """[{"path": ""}]""", "type is missing; a string is required.")]
    [TestCase("modules.json", """[{"type": "x.Transformer", "path": "../other"}]""", "path = \"../other\"; a folder below that of the file is required.")]
    [TestCase("modules.json", """{"type": "x"}""", "modules.json: ")]
    [TestCase("1_Pooling/config.json", """{"word_embedding_dimension": 128}""", "word_embedding_dimension = 128; 64 is required")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode_cls_token": 1}""", "pooling_mode_cls_token = 1; true or false is required.")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode": "median"}""", "pooling_mode = \"median\"; some of cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken is required.")]
    [TestCase("1_Pooling/config.json", """{"pooling_mode": ["mean", 1]}""", "an array of strings is required.")]
    [TestCase("modules.json", """[{"type": "x.Transformer"}, {"type": "x.Pooling", "path": "1_Pooling"}, {"type": "x.Dense", "path": "2_Dense"}, {"type": "x.Dense", "path": "2_Dense"}]""", "in_features = 64; 4 is required, the size of what comes in.")]
    [TestCase("2_Dense/config.json", """{"out_features": 4}""", "in_features is missing; an integer above 0 is required.")]
    [TestCase("2_Dense/config.json", """{"in_features": 64, "out_features": 5}""", "The weight \"linear.bias\" has the shape [4]; [5] is required by the configuration.")]
    [TestCase("2_Dense/config.json", """{"in_features": 64, "out_features": 4, "activation_function": "torch.nn.SELU"}""", "activation_function = \"torch.nn.SELU\"; Tanh, Identity or ReLU is required.")]
    [TestCase("sentence_bert_config.json", """{"max_seq_length": 0}""", "max_seq_length = 0; an integer from 1 to 16777216 is required.")]
    [TestCase("sentence_bert_config.json", """{"max_seq_length": 2}""", "max_seq_length = 2; more than the 2 special tokens of a text is required.")]
    [TestCase("sentence_bert_config.json", """{"do_lower_case": "yes"}""", "do_lower_case = \"yes\"; true or false is required.")]
    [TestCase("config_sentence_transformers.json", """{"prompts": ["x"]}""", "prompts = [\"x\"]; an object of names with texts is required.")]
    [TestCase("config_sentence_transformers.json", """{"prompts": {"a": 7}}""", "prompts.a = 7; a string is required.")]
    [TestCase("config_sentence_transformers.json", """{"default_prompt_name": "q"}""", "default_prompt_name = \"q\"; the name of one of the prompts is required.")]
    [TestCase("tokenizer_config.json", """{"model_max_length": -1}""", "model_max_length = -1; a number from 1")]
    public void A_file_is_named_with_its_key(string file, string text, string message)
    {
        using TinyEncoder checkpoint = new TinyEncoder().Write().WriteTokenizer().WriteModules("{}", ("Dense", "2_Dense"));
        checkpoint.WriteFile("2_Dense/config.json", """{"in_features": 64, "out_features": 4}""");
        using (SafetensorsWriter writer = SafetensorsWriter.Create(
            Path.Combine(checkpoint.Directory, "2_Dense", "model.safetensors"),
            [
                new SafetensorsDeclaration("linear.weight", SafetensorsType.Float32, [4, 64]),
                new SafetensorsDeclaration("linear.bias", SafetensorsType.Float32, [4]),
            ]))
        {
            writer.Write(new float[260]);
            writer.Complete();
        }

        checkpoint.WriteFile(file, text);
        Assert.That(
            async () => (await SentenceEncoder.LoadAsync(checkpoint.Directory, new ModelOptions { Device = TestDevice.Current })).Dispose(),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(message));
    }

    [Test]
    public async Task The_transformer_may_lie_in_a_folder_of_its_own()
    {
        using TinyEncoder checkpoint = new TinyEncoder().Write().WriteTokenizer();
        Directory.CreateDirectory(Path.Combine(checkpoint.Directory, "0_Transformer"));
        foreach (string file in new[] { "config.json", "model.safetensors", "tokenizer.json" })
        {
            File.Move(Path.Combine(checkpoint.Directory, file), Path.Combine(checkpoint.Directory, "0_Transformer", file));
        }

        checkpoint.WriteFile("0_Transformer/sentence_distilbert_config.json", """{"max_seq_length": 12}""");
        checkpoint.WriteFile("modules.json", """[{"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}]""");
        using SentenceEncoder encoder = await SentenceEncoder.LoadAsync(checkpoint.Directory, new ModelOptions { Device = TestDevice.Current });
        Assert.That((encoder.Dimensions, encoder.MaxSequenceLength), Is.EqualTo((64, 12)));
    }
}
