using System.Numerics.Tensors;
using NUnit.Framework;

namespace Warpline.Tests.Bindings;

[TestFixture]
public sealed unsafe class ErrorTests
{
    [Test]
    public void Text_parameter_and_status_of_the_library_pass_through()
    {
        using HostTensor x = HostTensor.Allocate(ElementType.Float32, 2, 8);
        using HostTensor weight = HostTensor.Allocate(ElementType.Float32, 4, 7);
        using HostTensor y = HostTensor.Allocate(ElementType.Float32, 2, 4);
        WarplineException exception = Numbers.Failure(() => Gemm.Run(weight, x, y));
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.InvalidArgument));
        Assert.That(exception.Parameter, Is.AnyOf("weight.shape[1]", "x.shape[1]"));
        Assert.That(exception.Message, Does.StartWith($"wl_gemm: {exception.Parameter} is "));
        Assert.That(exception.Message, Is.EqualTo(Native.NativeStatus.Text(Native.NativeMethods.LastError())));
    }

    [Test]
    public void An_error_of_another_thread_is_not_seen_here()
    {
        using HostTensor x = HostTensor.Allocate(ElementType.Float32, 2, 8);
        using HostTensor ids = HostTensor.Allocate(ElementType.Int32, 2);
        WarplineException here = Numbers.Failure(() => Softmax.Apply(x, default));
        Thread thread = new(() => Numbers.Failure(() => Sampling.ArgMax(ids, ids)));
        thread.Start();
        thread.Join();
        Assert.That(Native.NativeStatus.Text(Native.NativeMethods.LastError()), Is.EqualTo(here.Message));
        Assert.That(here.Message, Does.StartWith("wl_softmax: y"));
    }

    // One bad call for every op: each reaches its own native function and comes back as its exception.
    [TestCase("wl_gemm", "activation")]
    [TestCase("wl_gemm_pack_size", "weight")]
    [TestCase("wl_attention", "q")]
    [TestCase("wl_kv_append", "k")]
    [TestCase("wl_norm", "x")]
    [TestCase("wl_rope_table", "cos")]
    [TestCase("wl_rope", "x")]
    [TestCase("wl_activation", "activation")]
    [TestCase("wl_embedding", "table")]
    [TestCase("wl_pool", "kind")]
    [TestCase("wl_softmax", "x")]
    [TestCase("wl_argmax", "logits")]
    [TestCase("wl_sample", "logits")]
    public void Every_op_reports_its_bad_parameter(string function, string parameter)
    {
        using HostTensor tensor = HostTensor.Allocate(ElementType.Float32, 2, 4);
        using HostTensor weight = HostTensor.Allocate(ElementType.Float32, 2, 4);
        using HostTensor output = HostTensor.Allocate(ElementType.Float32, 2, 2);
        WarplineException exception = Numbers.Failure(() => Call(function, tensor, weight, output));
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.InvalidArgument), exception.Message);
        Assert.That(exception.Message, Does.StartWith($"{function}: "));
        Assert.That(exception.Parameter, Does.StartWith(parameter), exception.Message);
        Assert.That(exception.Message, Does.Contain($"{exception.Parameter} "));
    }

    [Test]
    public void A_device_that_is_not_there_is_a_status()
    {
        using HostTensor logits = HostTensor.Allocate(ElementType.Float32, 1, 4);
        using HostTensor ids = HostTensor.Allocate(ElementType.Int32, 1);
        logits.Clear();
        LaunchContext second = new(new ComputeDevice(DeviceKind.Cpu, 1));
        WarplineException exception = Numbers.Failure(() => Sampling.ArgMax(logits, ids, second));
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.NoDevice));
        Assert.That(exception.Parameter, Is.EqualTo("at.device_index"));
        Assert.That(exception.Message, Is.EqualTo("wl_argmax: at.device_index is 1; must be 0: there is one CPU device"));

        LaunchContext stream = new(ComputeDevice.Cpu, Stream: 16);
        Assert.That(
            () => Sampling.ArgMax(logits, ids, stream),
            Throws.InstanceOf<WarplineException>().With.Message.EqualTo(
                "wl_argmax: at.stream is not NULL; must be NULL on the CPU"));
    }

    [Test]
    public void Memory_that_the_system_lacks_is_a_status()
    {
        WarplineException exception = Numbers.Failure(
            () => HostTensor.Allocate(ElementType.Float32, 1L << 30, 1L << 30).Dispose());
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.OutOfMemory));
        Assert.That(exception.Parameter, Is.EqualTo("bytes"));
    }

    [Test]
    public void Disposed_objects_are_refused()
    {
        HostTensor tensor = HostTensor.Allocate(ElementType.Float32, 2, 4);
        using HostTensor other = HostTensor.Allocate(ElementType.Float32, 2, 4);
        using HostTensor y = HostTensor.Allocate(ElementType.Float32, 2, 2);
        other.Clear();
        PackedWeight packed = PackedWeight.Pack(other);
        tensor.Dispose();
        tensor.Dispose();
        packed.Dispose();
        packed.Dispose();
        Assert.That(() => Softmax.Apply(tensor, tensor), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => _ = tensor.View, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => tensor.AsSpan<float>().Length, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => tensor.AsTensorSpan<float>().Rank, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(tensor.Clear, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => Gemm.Run(packed, other, y), Throws.InstanceOf<ObjectDisposedException>());
        using PackedWeight live = PackedWeight.Pack(other);
        Assert.That(() => Gemm.RunGated(live, packed, other, y, Activation.Silu), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => Gemm.RunGated(packed, live, other, y, Activation.Silu), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(tensor.ElementCount, Is.EqualTo(8), "what needs no memory still answers");
    }

    [Test]
    public void Managed_checks_are_argument_errors()
    {
        using HostTensor tensor = HostTensor.Allocate(ElementType.Float32, 2, 4);
        float[] data = new float[16];
        Assert.That(() => Gemm.Run((PackedWeight)null!, tensor, tensor), Throws.ArgumentNullException);
        Assert.That(() => Gemm.RunGated(null!, null!, tensor, tensor, Activation.Silu), Throws.ArgumentNullException);
        Assert.That(
            () => PackedWeight.Pack(tensor, ComputeDevice.Cuda()), Throws.ArgumentException.With.Message.Contains("cuda:0"));
        Assert.That(() => HostTensor.Allocate(ElementType.Float32, -1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => HostTensor.Allocate((ElementType)5, 1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => HostTensor.Allocate(ElementType.Float32, long.MaxValue, 4), Throws.InstanceOf<ArgumentException>());
        Assert.That(
            () => HostTensor.Create<float>(data, 3, 5),
            Throws.ArgumentException.With.Message.Contains("There are 16 values; must be 15"));
        Assert.That(() => HostTensor.Create<long>([1], 1), Throws.ArgumentException.With.Message.Contains("Int64"));
        Assert.That(
            () => tensor.AsSpan<Half>().Length, Throws.ArgumentException.With.Message.Contains("The element type is Float32"));
        Assert.That(() => tensor.AsSpan<int>().Length, Throws.ArgumentException);
        Assert.That(
            () => Softmax.Apply(
                new ReadOnlyTensorSpan<float>(data, [4, 4]),
                new TensorSpan<float>(data, [4, 4]),
                context: new LaunchContext(ComputeDevice.Cuda())),
            Throws.ArgumentException.With.Message.Contains("spans need the CPU"));
        Assert.That(
            () => Softmax.Apply(new ReadOnlyTensorSpan<double>([1.0]), new TensorSpan<double>([1.0])),
            Throws.ArgumentException.With.Message.Contains("Double"));
    }

    [Test]
    public void Attention_options_that_contradict_are_argument_errors()
    {
        AttentionOptions[] illegal =
        [
            new() { Scale = 0 },
            new() { Window = 0 },
            new() { Window = 3, WindowLeft = 1 },
            new() { Window = 3, WindowRight = 1 },
            new() { WindowLeft = -1 },
            new() { WindowRight = -1 },
        ];
        foreach (AttentionOptions options in illegal)
        {
            using HostTensor tensor = HostTensor.Allocate(ElementType.Float32, 1, 1, 1, 1);
            Assert.That(
                () => Attention.Forward(new AttentionInputs { Query = tensor, Key = tensor, Value = tensor }, tensor, options),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("options"),
                options.ToString());
        }
    }

    private static void Call(string function, TensorRef tensor, TensorRef weight, TensorRef output)
    {
        switch (function)
        {
            case "wl_gemm":
                Gemm.Run(weight, tensor, output, activation: (Activation)77);
                break;
            case "wl_gemm_pack_size":
                PackedWeight.Pack(tensor.Select(0, 0)).Dispose();
                break;
            case "wl_attention":
                Attention.Forward(new AttentionInputs { Query = tensor, Key = tensor, Value = tensor }, output);
                break;
            case "wl_kv_append":
                KeyValueCache.Append(tensor, tensor, tensor, tensor, tensor);
                break;
            case "wl_norm":
                Norm.Rms(default, default, tensor);
                break;
            case "wl_rope_table":
                Rope.FillTables(default, tensor, new RopeTableOptions());
                break;
            case "wl_rope":
                Rope.Apply(tensor, tensor, tensor, tensor, tensor);
                break;
            case "wl_activation":
                Activations.Apply((Activation)77, tensor, tensor);
                break;
            case "wl_embedding":
                Embedding.Lookup(default, tensor, tensor);
                break;
            case "wl_pool":
                Pooling.Apply((PoolingKind)77, tensor, tensor, tensor);
                break;
            case "wl_softmax":
                Softmax.Apply(default, tensor);
                break;
            case "wl_argmax":
                Sampling.ArgMax(default, tensor);
                break;
            case "wl_sample":
                Sampling.Sample(default, [default], tensor);
                break;
            default:
                throw new ArgumentException(function);
        }
    }
}
