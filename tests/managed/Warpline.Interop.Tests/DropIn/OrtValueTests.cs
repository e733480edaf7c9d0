using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;
using Warpline.Tests.Bindings;

namespace Warpline.Interop.Tests.DropIn;

/// <summary>Attention on ONNX Runtime's tensors, where they lie.</summary>
internal sealed class OrtValueTests
{
    private readonly List<OrtValue> _values = [];

    [TearDown]
    public void Free()
    {
        _values.ForEach(value => value.Dispose());
        _values.Clear();
    }

    [Test]
    public void Attention_runs_on_tensors_that_ONNX_Runtime_allocated(
        [ValueSource(typeof(AttentionCase), nameof(AttentionCase.All))] AttentionCase test)
    {
        OrtValue output = Allocate<float>(TensorElementType.Float, [], test.OutputShape);
        output.GetTensorMutableDataAsSpan<float>().Fill(float.NaN);
        Attention.Forward(
            new AttentionInputs
            {
                Query = OrtValues.View(Allocate<float>(TensorElementType.Float, test.Query, test.QueryShape)),
                Key = OrtValues.View(Allocate<float>(TensorElementType.Float, test.Key, test.KeyShape)),
                Value = OrtValues.View(Allocate<float>(TensorElementType.Float, test.Value, test.ValueShape)),
                QueryOffsets = test.Packed
                    ? OrtValues.View(Allocate<int>(TensorElementType.Int32, test.QueryOffsets, [test.QueryOffsets.Length]))
                    : default,
                KeyOffsets = test.Packed
                    ? OrtValues.View(Allocate<int>(TensorElementType.Int32, test.KeyOffsets, [test.KeyOffsets.Length]))
                    : default,
            },
            OrtValues.View(output),
            test.Options);
        test.AssertOutput(output.GetTensorDataAsSpan<float>(), test.Query, test.Key, test.Value);
    }

    [Test]
    public void Attention_writes_into_the_array_under_a_tensor()
    {
        AttentionCase test = AttentionCase.All.First();
        float[] result = new float[test.OutputCount];
        AttentionInputs inputs = new()
        {
            Query = OrtValues.View(Over(test.Query, test.QueryShape)),
            Key = OrtValues.View(Over(test.Key, test.KeyShape)),
            Value = OrtValues.View(Over(test.Value, test.ValueShape)),
        };
        TensorRef output = OrtValues.View(Over(result, test.OutputShape));
        // The tensors hold their arrays at their places: the views stay right when everything else moves.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        Attention.Forward(inputs, output, test.Options);
        test.AssertOutput(result, test.Query, test.Key, test.Value);
    }

    [Test]
    public void Attention_runs_on_16_bit_tensors()
    {
        AttentionCase test = AttentionCase.All.First();
        System.Half[] query = Numbers.ToHalf(test.Query), key = Numbers.ToHalf(test.Key), value = Numbers.ToHalf(test.Value);
        OrtValue output = Allocate<Float16>(TensorElementType.Float16, [], test.OutputShape);
        Attention.Forward(
            new AttentionInputs
            {
                Query = OrtValues.View(Allocate<Float16>(TensorElementType.Float16, Bits(query), test.QueryShape)),
                Key = OrtValues.View(Allocate<Float16>(TensorElementType.Float16, Bits(key), test.KeyShape)),
                Value = OrtValues.View(Allocate<Float16>(TensorElementType.Float16, Bits(value), test.ValueShape)),
            },
            OrtValues.View(output),
            test.Options);
        float[] result = Array.ConvertAll(output.GetTensorDataAsSpan<Float16>().ToArray(), element => element.ToFloat());
        test.AssertOutput(result, Widen(query), Widen(key), Widen(value), 2e-3);

        static Float16[] Bits(System.Half[] values) =>
            Array.ConvertAll(values, element => new Float16(BitConverter.HalfToUInt16Bits(element)));
        static float[] Widen(System.Half[] values) => Array.ConvertAll(values, element => (float)element);
    }

    [Test]
    public void A_tensor_of_another_element_type_is_refused()
    {
        OrtValue doubles = Allocate<double>(TensorElementType.Double, [], [1, 5, 4, 12]);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => OrtValues.View(doubles))!;
        Assert.That(exception.Message, Does.StartWith("The tensor's elements are Double; must be Float,"));
    }

    [Test]
    public void A_tensor_of_another_shape_is_refused_by_attention()
    {
        AttentionCase test = AttentionCase.All.First();
        OrtValue query = Over(test.Query, test.QueryShape);
        OrtValue key = Over(test.Key, test.KeyShape);
        OrtValue value = Over(test.Value, test.ValueShape);
        OrtValue output = Over(new float[test.OutputCount], [test.OutputCount]);
        WarplineException exception = Numbers.Failure(() => Attention.Forward(
            new AttentionInputs { Query = OrtValues.View(query), Key = OrtValues.View(key), Value = OrtValues.View(value) },
            OrtValues.View(output),
            test.Options));
        Assert.That(exception.Message, Is.EqualTo("wl_attention: o.rank is 1; must be 4"));
    }

    private OrtValue Allocate<T>(TensorElementType type, T[] values, long[] shape)
        where T : unmanaged
    {
        OrtValue value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, type, shape);
        _values.Add(value);
        values.CopyTo(value.GetTensorMutableDataAsSpan<T>());
        return value;
    }

    private OrtValue Over(float[] memory, long[] shape)
    {
        OrtValue value = OrtValue.CreateTensorValueFromMemory(memory, shape);
        _values.Add(value);
        return value;
    }
}
