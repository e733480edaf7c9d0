using NUnit.Framework;
using Warpline.Transformers;

namespace Warpline.Tests.Encoders;

/// <summary>Encoders against the float64 results of the transformers library, on the device that the suite runs on.</summary>
[TestFixture]
public sealed class GoldenEncoderTests
{
    [Test]
    public async Task Hidden_states_and_pooler_equal_the_reference(
        [ValueSource(typeof(EncoderCase), nameof(EncoderCase.Names))] string name,
        [ValueSource(typeof(TestDevice), nameof(TestDevice.Packings))] bool packed)
    {
        EncoderCase golden = EncoderCase.Load(name);
        using EncoderModel model = await EncoderModel.LoadAsync(
            golden.Directory, new ModelOptions { Device = TestDevice.Current, PackWeights = packed });
        Assert.That(model.HasPooler, Is.EqualTo(golden.Pooled is not null));
        Assert.That(golden.Fault(model), Is.Null);
    }

    [Test]
    public async Task Bfloat16_activations_stay_near_the_reference([ValueSource(typeof(EncoderCase), nameof(EncoderCase.Names))] string name)
    {
        EncoderCase golden = EncoderCase.Load(name);
        using EncoderModel model = await EncoderModel.LoadAsync(
            golden.Directory, new ModelOptions { Device = TestDevice.Current, ActivationType = ElementType.BFloat16 });
        (double hidden, double pooled) = golden.MeanSquareErrors(model);
        TestContext.Out.WriteLine($"{name}: NMSE {hidden:g3}, pooler {pooled:g3}");
        Assert.That(hidden, Is.GreaterThan(1e-8).And.LessThanOrEqualTo(EncoderCase.BFloat16Tolerance), "rounded to bfloat16, and nothing worse");
        Assert.That(pooled, Is.LessThanOrEqualTo(EncoderCase.BFloat16Tolerance));
    }
}
