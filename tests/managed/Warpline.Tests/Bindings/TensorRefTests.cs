using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed class TensorRefTests
{
    [Test]
    public void A_dense_view_has_row_major_strides()
    {
        TensorRef tensor = TensorRef.FromAddress(4096, ElementType.Float16, 2, 3, 4);
        Assert.That(tensor.Shape.ToArray(), Is.EqualTo(new long[] { 2, 3, 4 }));
        Assert.That(tensor.Strides.ToArray(), Is.EqualTo(new long[] { 12, 4, 1 }));
        Assert.That(tensor.ElementCount, Is.EqualTo(24));
        Assert.That(tensor.IsDense);
        Assert.That(tensor.IsPresent);
        Assert.That(tensor.ToString(), Is.EqualTo("Float16 [2, 3, 4]"));
    }

    [Test]
    public void The_default_is_absent()
    {
        TensorRef tensor = default;
        Assert.That(tensor.IsPresent, Is.False);
        Assert.That(tensor.ElementCount, Is.Zero);
        Assert.That(tensor.Rank, Is.Zero);
        Assert.That(tensor.ToString(), Is.EqualTo("absent tensor"));
    }

    [Test]
    public void Slices_move_the_address_and_keep_the_strides()
    {
        TensorRef tensor = TensorRef.FromAddress(4096, ElementType.Float32, 5, 3, 4);
        TensorRef slice = tensor.Slice(0, 2, 3).Slice(2, 1, 2);
        Assert.That(slice.Address, Is.EqualTo((nint)(4096 + (((2 * 12) + 1) * 4))));
        Assert.That(slice.Shape.ToArray(), Is.EqualTo(new long[] { 3, 3, 2 }));
        Assert.That(slice.Strides.ToArray(), Is.EqualTo(new long[] { 12, 4, 1 }));
        Assert.That(slice.IsDense, Is.False);
        Assert.That(tensor.Slice(0, 2, 3).IsDense);

        TensorRef row = tensor.Select(1, 2);
        Assert.That(row.Address, Is.EqualTo((nint)(4096 + (8 * 4))));
        Assert.That(row.Shape.ToArray(), Is.EqualTo(new long[] { 5, 4 }));
        Assert.That(row.Strides.ToArray(), Is.EqualTo(new long[] { 12, 1 }));

        TensorRef transposed = tensor.Transpose(0, 1);
        Assert.That(transposed.Shape.ToArray(), Is.EqualTo(new long[] { 3, 5, 4 }));
        Assert.That(transposed.Strides.ToArray(), Is.EqualTo(new long[] { 4, 12, 1 }));
        Assert.That(tensor.Shape.ToArray(), Is.EqualTo(new long[] { 5, 3, 4 }), "the original stays");

        Assert.That(tensor.Reshape(15, 4).Strides.ToArray(), Is.EqualTo(new long[] { 4, 1 }));
        Assert.That(tensor.Slice(0, 5, 0).ElementCount, Is.Zero);
    }

    [Test]
    public unsafe void Strides_may_be_free()
    {
        TensorRef tensor = TensorRef.Strided((void*)4096, ElementType.BFloat16, [4, 8], [0, 1]);
        Assert.That(tensor.Strides.ToArray(), Is.EqualTo(new long[] { 0, 1 }));
        Assert.That(tensor.IsDense, Is.False);
    }

    [Test]
    public unsafe void Illegal_views_are_argument_errors_that_name_the_value()
    {
        TensorRef tensor = TensorRef.FromAddress(4096, ElementType.Float32, 5, 3);
        Check<ArgumentException>(
            "The rank is 7; must be at most 6.", () => TensorRef.FromAddress(0, ElementType.Float32, 1, 1, 1, 1, 1, 1, 1));
        Check<ArgumentException>(
            "The extent of axis 1 must be at least 0.", () => TensorRef.FromAddress(0, ElementType.Float32, 1, -2));
        Check<ArgumentException>("The element type must be", () => TensorRef.FromAddress(0, (ElementType)9, 1));
        Check<ArgumentException>("must take at most", () => TensorRef.FromAddress(0, ElementType.Float32, 0, long.MaxValue, 2));
        Check<ArgumentException>(
            "There are 1 strides; must be 2", () => TensorRef.Strided((void*)0, ElementType.Float32, [2, 2], [1]));
        Check<ArgumentOutOfRangeException>("must lie within [0, 5), the extent of axis 0", () => tensor.Slice(0, 3, 3));
        Check<ArgumentOutOfRangeException>("must lie within", () => tensor.Slice(0, long.MaxValue, 1));
        Check<ArgumentOutOfRangeException>("must lie within", () => tensor.Slice(0, 1, long.MaxValue));
        Check<ArgumentOutOfRangeException>("must lie within", () => tensor.Slice(0, -1, 1));
        Check<ArgumentOutOfRangeException>("The axis must be in [0, 2)", () => tensor.Slice(2, 0, 1));
        Check<ArgumentOutOfRangeException>("The index must be in [0, 3)", () => tensor.Select(1, 3));
        Check<ArgumentException>("The shape has 16 elements; must have 15", () => tensor.Reshape(4, 4));
        Check<InvalidOperationException>("is not dense", () => tensor.Transpose(0, 1).Reshape(15));
    }

    [Test]
    public void Devices_are_read_and_written()
    {
        Assert.That(ComputeDevice.Parse("CPU"), Is.EqualTo(ComputeDevice.Cpu));
        Assert.That(ComputeDevice.Parse("cuda"), Is.EqualTo(ComputeDevice.Cuda()));
        Assert.That(ComputeDevice.Parse("cuda:3"), Is.EqualTo(ComputeDevice.Cuda(3)));
        Assert.That(ComputeDevice.Parse(ComputeDevice.Cuda(2).ToString()), Is.EqualTo(ComputeDevice.Cuda(2)));
        Assert.That(default(ComputeDevice), Is.EqualTo(ComputeDevice.Cpu));
        Assert.That(ComputeDevice.Cpu.ToString(), Is.EqualTo("cpu"));
        foreach (
            string text in new[] { "", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda1", "cpu:0", "cuda: 1", "cuda:99999999999" })
        {
            Check<FormatException>($"The device is \"{text}\"; must be cpu, cuda or cuda:N.", () => ComputeDevice.Parse(text));
            Assert.That(ComputeDevice.TryParse(text, out _), Is.False, text);
        }
    }

    private static void Check<TException>(string part, Action action)
        where TException : Exception =>
        Assert.That(() => action(), Throws.InstanceOf<TException>().With.Message.Contains(part));

    private static void Check<TException>(string part, Func<TensorRef> action)
        where TException : Exception => Check<TException>(part, () => { _ = action(); });

    private static void Check<TException>(string part, Func<ComputeDevice> action)
        where TException : Exception => Check<TException>(part, () => { _ = action(); });
}
