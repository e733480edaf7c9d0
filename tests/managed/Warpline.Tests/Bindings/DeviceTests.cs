using NUnit.Framework;

namespace Warpline.Tests.Bindings;

/// <summary>Buffers on whichever device the suite runs on; streams, events and graphs where it is a GPU or an emulated
/// one.</summary>
[TestFixture]
public sealed class DeviceTests
{
    [Test]
    public void A_buffer_keeps_what_is_copied_into_it()
    {
        using DeviceBuffer buffer = DeviceBuffer.Allocate(TestDevice.Current, 64);
        Assert.That(buffer.Device, Is.EqualTo(TestDevice.Current));
        Assert.That(buffer.ByteCount, Is.EqualTo(64));
        Assert.That((long)buffer.Address % 256, Is.Zero);
        float[] source = Numbers.Random(1, 16);
        buffer.CopyFrom<float>(source);
        float[] result = new float[16];
        buffer.CopyTo<float>(result);
        Assert.That(result, Is.EqualTo(source));

        buffer.CopyFrom<int>([7, 8], byteOffset: 8);
        buffer.CopyTo<float>(result.AsSpan(4, 2), byteOffset: 8);
        Assert.That(BitConverter.SingleToInt32Bits(result[4]), Is.EqualTo(7));
        Assert.That(BitConverter.SingleToInt32Bits(result[5]), Is.EqualTo(8));
    }

    [Test]
    public void Buffers_are_filled_and_copied_to_each_other()
    {
        using DeviceBuffer first = DeviceBuffer.Allocate(TestDevice.Current, 8);
        using DeviceBuffer second = DeviceBuffer.Allocate(TestDevice.Current, 8);
        first.Fill(3);
        second.Fill(9);
        second.EnqueueCopyFrom(first, byteCount: 2, sourceOffset: 1, byteOffset: 5);
        byte[] bytes = new byte[8];
        second.CopyTo<byte>(bytes);
        Assert.That(bytes, Is.EqualTo(new byte[] { 9, 9, 9, 9, 9, 3, 3, 9 }));
    }

    [Test]
    public void Ranges_outside_a_buffer_are_refused_before_anything_is_copied()
    {
        using DeviceBuffer buffer = DeviceBuffer.Allocate(TestDevice.Current, 16);
        byte[] bytes = new byte[17];
        Assert.That(
            () => buffer.CopyFrom<byte>(bytes),
            Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.StartsWith(
                "The range of 17 bytes from 0 must lie within the 16 bytes of the buffer."));
        Assert.That(() => buffer.CopyTo<byte>(bytes, byteOffset: -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => buffer.CopyTo<byte>(bytes.AsSpan(0, 1), byteOffset: 16), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => buffer.CopyTo<byte>(bytes.AsSpan(0, 1), long.MaxValue), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => buffer.EnqueueCopyFrom(0, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => buffer.View(ElementType.Float32, 8, 3), Throws.InstanceOf<ArgumentOutOfRangeException>());
        TensorRef view = buffer.View(ElementType.Float32, 8, 2);
        Assert.That(view.Address, Is.EqualTo(buffer.Address + 8));
        Assert.That(() => DeviceBuffer.Allocate(TestDevice.Current, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    [NonParallelizable]
    public void Buffers_are_counted_and_unusable_once_disposed()
    {
        long before = WarplineLibrary.LiveHandles;
        DeviceBuffer buffer = DeviceBuffer.Allocate(TestDevice.Current, 0);
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before + 1));
        buffer.Dispose();
        buffer.Dispose();
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before));
        Assert.That(() => buffer.Address, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => buffer.Fill(0), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Memory_that_cannot_be_had_is_an_error()
    {
        WarplineException exception =
            Assert.Throws<WarplineException>(() => DeviceBuffer.Allocate(TestDevice.Current, long.MaxValue))!;
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.OutOfMemory));
        Assert.That(exception.Message, Does.StartWith($"wl_device_alloc: bytes is {long.MaxValue}; "));
    }

    [Test]
    public void A_device_that_is_not_there_says_why()
    {
        ComputeDevice missing = ComputeDevice.Cuda(99);
        WarplineException exception = Assert.Throws<WarplineException>(() => WarplineLibrary.GetDevice(missing))!;
        Assert.That(exception.Status, Is.EqualTo(WarplineStatus.NoDevice));
        Assert.That(exception.Message, Does.StartWith("There is no device cuda:99; this library and machine have cpu"));
        Assert.That(exception.Message, Does.Contain("wl_device_get_info: ").And.Match("CUDA|NVIDIA driver"));
        foreach (Action call in (Action[])
        [
            () => DeviceBuffer.Allocate(missing, 8),
            () => DeviceStream.Create(missing),
            () => DeviceEvent.Create(missing),
            () => WarplineLibrary.Prepare(missing),
        ])
        {
            Assert.That(Assert.Throws<WarplineException>(() => call())!.Status, Is.EqualTo(WarplineStatus.NoDevice));
        }
    }

    [Test]
    public void The_cpu_has_no_streams_and_no_events()
    {
        Assert.That(
            () => DeviceStream.Create(ComputeDevice.Cpu),
            Throws.InstanceOf<WarplineException>().With.Message.EqualTo(
                "wl_stream_create: kind is CPU (0); must be CUDA (1): the CPU has no streams"));
        Assert.That(
            () => DeviceEvent.Create(ComputeDevice.Cpu),
            Throws.InstanceOf<WarplineException>().With.Property("Status").EqualTo(WarplineStatus.Unsupported));
        Assert.That(() => WarplineLibrary.Prepare(ComputeDevice.Cpu), Throws.Nothing);
    }

    [Test]
    public void Devices_are_selected_by_their_spelling()
    {
        Assert.That(WarplineLibrary.SelectDevice("cpu"), Is.EqualTo(ComputeDevice.Cpu));
        Assert.That(WarplineLibrary.SelectDevice("CUDA:2"), Is.EqualTo(ComputeDevice.Cuda(2)));
        Assert.That(
            () => WarplineLibrary.SelectDevice("gpu"),
            Throws.InstanceOf<FormatException>().With.Message.EqualTo(
                "The device is \"gpu\"; must be cpu, cuda, cuda:N or emu."));
        bool emulated = Path.GetFileName(WarplineLibrary.LoadedPath).Contains("warpline_emu", StringComparison.Ordinal);
        Assert.That(
            () => WarplineLibrary.SelectDevice("emu"),
            emulated ? Throws.Nothing : Throws.InvalidOperationException.With.Message.Contains("must be chosen before first use"));
    }

    [Test]
    public void The_cpu_needs_no_workspace()
    {
        using HostTensor x = HostTensor.Allocate(ElementType.Float32, 4, 8);
        using HostTensor y = HostTensor.Allocate(ElementType.Float32, 4, 4);
        Assert.That((ulong)Gemm.GetWorkspaceSize(x, x, y), Is.Zero);
        Assert.That(
            () => Gemm.GetWorkspaceSize(x, x, x), Throws.InstanceOf<WarplineException>().With.Property("Parameter").EqualTo("y.shape[1]"));
        using HostTensor q = HostTensor.Allocate(ElementType.Float32, 1, 2, 2, 8);
        AttentionInputs inputs = new() { Query = q, Key = q, Value = q };
        Assert.That((ulong)Attention.GetWorkspaceSize(inputs, q, default), Is.Zero);
    }

    [Test]
    public void Work_of_a_stream_is_done_when_the_stream_is_awaited()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        using DeviceStream stream = DeviceStream.Create(device);
        Assert.That(stream.Context, Is.EqualTo(new LaunchContext(device, stream.Handle)));
        using DeviceBuffer buffer = DeviceBuffer.Allocate(device, 1024);
        using HostTensor source = HostTensor.Create<float>(Numbers.Random(2, 256), 256);
        using HostTensor result = HostTensor.Allocate(ElementType.Float32, 256);
        buffer.EnqueueCopyFrom(source.View.Address, 1024, stream: stream);
        buffer.EnqueueCopyTo(result.View.Address, 1024, stream: stream);
        stream.Synchronize();
        Assert.That(result.AsSpan<float>().SequenceEqual(source.AsSpan<float>()));
    }

    [Test]
    public void Events_order_streams_and_tell_the_time()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        using DeviceStream first = DeviceStream.Create(device);
        using DeviceStream second = DeviceStream.Create(device);
        using DeviceEvent start = DeviceEvent.Create(device);
        using DeviceEvent end = DeviceEvent.Create(device);
        using DeviceBuffer buffer = DeviceBuffer.Allocate(device, 4096);
        start.Record(first);
        buffer.Fill(1, first);
        end.Record(first);
        second.Wait(end);
        byte[] bytes = new byte[4096];
        buffer.CopyTo<byte>(bytes, stream: second);
        Assert.That(bytes, Is.All.EqualTo(1));
        end.Synchronize();
        Assert.That(end.ElapsedSince(start), Is.GreaterThan(TimeSpan.Zero).And.LessThan(TimeSpan.FromMinutes(1)));
        using DeviceEvent never = DeviceEvent.Create(device);
        Assert.That(() => never.ElapsedSince(start), Throws.InstanceOf<WarplineException>());
    }

    [Test]
    public void A_graph_runs_what_was_captured_at_each_launch()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        WarplineLibrary.Prepare(device);
        using DeviceStream stream = DeviceStream.Create(device);
        using DeviceBuffer from = DeviceBuffer.Allocate(device, 4);
        using DeviceBuffer to = DeviceBuffer.Allocate(device, 4);
        to.Fill(0, stream);
        stream.BeginCapture();
        to.EnqueueCopyFrom(from, 4, stream: stream);
        using DeviceGraph graph = stream.EndCapture();
        int[] value = new int[1];
        to.CopyTo<int>(value, stream: stream);
        Assert.That(value[0], Is.Zero, "a capture runs nothing");
        foreach (int expected in (int[])[5, -6])
        {
            from.CopyFrom<int>([expected], stream: stream);
            graph.Launch(stream);
            to.CopyTo<int>(value, stream: stream);
            Assert.That(value[0], Is.EqualTo(expected));
        }

        stream.BeginCapture();
        Assert.That(stream.Synchronize, Throws.InstanceOf<WarplineException>().With.Message.Contains("captured"));
        Assert.That(stream.EndCapture, Throws.InstanceOf<WarplineException>(), "the call spoilt the capture");
    }

    [Test]
    public void Ops_run_on_a_stream_and_in_a_graph()
    {
        const int m = 9, n = 24, k = 40;
        ComputeDevice device = TestDevice.RequireCuda();
        WarplineLibrary.Prepare(device);
        using DeviceStream stream = DeviceStream.Create(device);
        using DeviceBuffer weight = DeviceBuffer.Allocate(device, n * k * sizeof(float));
        using DeviceBuffer x = DeviceBuffer.Allocate(device, m * k * sizeof(float));
        using DeviceBuffer y = DeviceBuffer.Allocate(device, m * n * sizeof(float));
        TensorRef weightView = weight.View(ElementType.Float32, 0, n, k);
        TensorRef xView = x.View(ElementType.Float32, 0, m, k);
        TensorRef yView = y.View(ElementType.Float32, 0, m, n);
        nuint bytes = Gemm.GetWorkspaceSize(weightView, xView, yView, context: stream.Context);
        using DeviceBuffer workspace = DeviceBuffer.Allocate(device, (long)bytes);
        LaunchContext context = stream.Context with { Workspace = workspace.Address, WorkspaceBytes = bytes };
        float[] weights = Numbers.Random(3, n * k);
        weight.CopyFrom<float>(weights, stream: stream);
        stream.BeginCapture();
        Gemm.Run(weightView, xView, yView, context: context);
        Softmax.Apply(yView, yView, context: context);
        using DeviceGraph graph = stream.EndCapture();
        for (int seed = 4; seed < 6; seed++)
        {
            float[] values = Numbers.Random(seed, m * k);
            x.CopyFrom<float>(values, stream: stream);
            graph.Launch(stream);
            float[] result = new float[m * n];
            y.CopyTo<float>(result, stream: stream);
            double[] product = Numbers.Product(values, weights, m, n, k);
            for (int row = 0; row < m; row++)
            {
                double[] exponentials = [.. product.Skip(row * n).Take(n).Select(Math.Exp)];
                double sum = exponentials.Sum();
                for (int column = 0; column < n; column++)
                {
                    Assert.That(result[(row * n) + column], Is.EqualTo(exponentials[column] / sum).Within(1e-5));
                }
            }
        }
    }

    [Test]
    [NonParallelizable]
    public void Streams_events_and_graphs_are_counted_and_unusable_once_disposed()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        long before = WarplineLibrary.LiveHandles;
        DeviceStream stream = DeviceStream.Create(device);
        DeviceEvent mark = DeviceEvent.Create(device);
        stream.BeginCapture();
        DeviceGraph graph = stream.EndCapture();
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before + 3));
        graph.Dispose();
        Assert.That(() => graph.Launch(stream), Throws.InstanceOf<ObjectDisposedException>());
        stream.Dispose();
        mark.Dispose();
        Assert.That(WarplineLibrary.LiveHandles, Is.EqualTo(before));
        Assert.That(stream.Synchronize, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(mark.Synchronize, Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_stream_serves_its_own_device_only()
    {
        ComputeDevice device = TestDevice.RequireCuda();
        using DeviceStream stream = DeviceStream.Create(device);
        using DeviceBuffer host = DeviceBuffer.Allocate(ComputeDevice.Cpu, 4);
        Assert.That(
            () => host.Fill(0, stream),
            Throws.ArgumentException.With.Message.StartsWith($"The stream is one of {device}; must be of cpu."));
        using DeviceBuffer buffer = DeviceBuffer.Allocate(device, 4);
        Assert.That(
            () => buffer.EnqueueCopyFrom(host, 4),
            Throws.ArgumentException.With.Message.StartsWith($"The source is memory of cpu; must be of {device}."));
    }
}
