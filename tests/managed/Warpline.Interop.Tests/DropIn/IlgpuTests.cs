using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using NUnit.Framework;
using Warpline.Tests.Bindings;

namespace Warpline.Interop.Tests.DropIn;

/// <summary>Attention on the memory of ILGPU's CPU accelerator, between two kernels of ILGPU.</summary>
internal sealed class IlgpuTests
{
    private readonly List<MemoryBuffer> _buffers = [];
    private Context _context = null!;
    private Accelerator _accelerator = null!;

    [OneTimeSetUp]
    public void CreateAccelerator()
    {
        _context = Context.Create(builder => builder.CPU());
        _accelerator = _context.CreateCPUAccelerator(0);
    }

    [OneTimeTearDown]
    public void DisposeAccelerator()
    {
        _accelerator.Dispose();
        _context.Dispose();
    }

    [TearDown]
    public void Free()
    {
        _buffers.ForEach(buffer => buffer.Dispose());
        _buffers.Clear();
    }

    [Test]
    public void Attention_runs_on_buffers_of_ILGPU(
        [ValueSource(typeof(AttentionCase), nameof(AttentionCase.All))] AttentionCase test)
    {
        Action<Index1D, ArrayView<float>> halve = _accelerator.LoadAutoGroupedStreamKernel<Index1D, ArrayView<float>>(Halve);
        ArrayView<float> query = Place(test.Query);
        ArrayView<float> output = Place(Enumerable.Repeat(float.NaN, test.OutputCount).ToArray());
        AttentionInputs inputs = new()
        {
            Query = IlgpuBuffers.View(query, ElementType.Float32, test.QueryShape),
            Key = IlgpuBuffers.View(Place(test.Key), ElementType.Float32, test.KeyShape),
            Value = IlgpuBuffers.View(Place(test.Value), ElementType.Float32, test.ValueShape),
            QueryOffsets = test.Packed
                ? IlgpuBuffers.View(Place(test.QueryOffsets), ElementType.Int32, test.QueryOffsets.Length)
                : default,
            KeyOffsets = test.Packed
                ? IlgpuBuffers.View(Place(test.KeyOffsets), ElementType.Int32, test.KeyOffsets.Length)
                : default,
        };
        halve(query.IntLength, query);
        _accelerator.Synchronize();
        Attention.Forward(inputs, IlgpuBuffers.View(output, ElementType.Float32, test.OutputShape), test.Options);
        halve(output.IntLength, output);
        _accelerator.Synchronize();

        float[] halved = Array.ConvertAll(test.Query, element => element / 2);
        float[] doubled = Array.ConvertAll(Read(output), element => element * 2);
        test.AssertOutput(doubled, halved, test.Key, test.Value);
    }

    [Test]
    public void Attention_reads_and_writes_parts_of_one_buffer()
    {
        AttentionCase test = AttentionCase.All.First();
        ArrayView<float> all = Place([.. test.Query, .. test.Key, .. test.Value, .. new float[test.OutputCount], 7, 7]);
        ArrayView<float> query = all.SubView(0, test.Query.Length);
        ArrayView<float> key = all.SubView(query.Length, test.Key.Length);
        ArrayView<float> value = all.SubView(query.Length + key.Length, test.Value.Length);
        ArrayView<float> output = all.SubView(query.Length + key.Length + value.Length, test.OutputCount);
        Attention.Forward(
            new AttentionInputs
            {
                Query = IlgpuBuffers.View(query, ElementType.Float32, test.QueryShape),
                Key = IlgpuBuffers.View(key, ElementType.Float32, test.KeyShape),
                Value = IlgpuBuffers.View(value, ElementType.Float32, test.ValueShape),
            },
            IlgpuBuffers.View(output, ElementType.Float32, test.OutputShape),
            test.Options);
        test.AssertOutput(Read(output), test.Query, test.Key, test.Value);
        Assert.That(Read(all)[..^(test.OutputCount + 2)], Is.EqualTo(test.Query.Concat(test.Key).Concat(test.Value)));
        Assert.That(Read(all)[^2..], Is.EqualTo(new[] { 7f, 7f }));
    }

    [Test]
    public void A_shape_larger_than_the_view_is_refused()
    {
        ArrayView<float> memory = Place(new float[48]);
        ArgumentException exception = Assert.Throws<ArgumentException>(
            () => IlgpuBuffers.View(memory, ElementType.Float32, 1, 2, 4, 12))!;
        Assert.That(exception.Message, Does.StartWith("Float32 [1, 2, 4, 12] has 384 bytes; must have 192, as the view."));
    }

    [Test]
    public void A_buffer_that_is_disposed_is_refused_by_attention()
    {
        AttentionCase test = AttentionCase.All.First();
        ArrayView<float> query = Place(test.Query);
        ArrayView<float> key = Place(test.Key);
        ArrayView<float> value = Place(test.Value);
        ArrayView<float> output = Place(new float[test.OutputCount]);
        Free();
        WarplineException exception = Numbers.Failure(() => Attention.Forward(
            new AttentionInputs
            {
                Query = IlgpuBuffers.View(query, ElementType.Float32, test.QueryShape),
                Key = IlgpuBuffers.View(key, ElementType.Float32, test.KeyShape),
                Value = IlgpuBuffers.View(value, ElementType.Float32, test.ValueShape),
            },
            IlgpuBuffers.View(output, ElementType.Float32, test.OutputShape),
            test.Options));
        Assert.That(exception.Message, Does.StartWith("wl_attention: q.data is NULL"));
    }

    private static void Halve(Index1D index, ArrayView<float> values) => values[index] /= 2;

    private ArrayView<T> Place<T>(T[] values)
        where T : unmanaged
    {
        MemoryBuffer1D<T, Stride1D.Dense> buffer = _accelerator.Allocate1D(values);
        _buffers.Add(buffer);
        return buffer.View.BaseView;
    }

    private static float[] Read(ArrayView<float> memory)
    {
        float[] values = new float[memory.Length];
        memory.CopyToCPU(values);
        return values;
    }
}
