namespace Warpline.Cli.Bench;

/// <summary>Cases of single operations. Which bytes and operations count stands in docs/bench.md.</summary>
internal static class KernelCases
{
    private const int RowsOfElementwise = 512;
    private const int Columns = 4096;

    /// <summary>The families, with default values that suit the device.</summary>
    public static List<BenchFamily> Families(ComputeDevice device)
    {
        bool cpu = device.Kind == DeviceKind.Cpu;
        string[] types = cpu ? ["f32", "bf16"] : ["bf16"];
        Axis[] attention =
        [
            Axis.Types("dtype", types), Axis.Integers("batch", 1), Axis.Integers("heads", 32), Axis.Integers("kv_heads", 8),
            Axis.Integers("head_dim", 128),
        ];
        Axis[] rows = [Axis.Types("dtype", types), Axis.Integers("rows", 1, RowsOfElementwise), Axis.Integers("columns", Columns)];
        return
        [
            new(cpu ? "memory/read" : "memory/copy", [Axis.Integers("bytes", (int)Operands.RotatedBytes)], cpu ? OpenRead : OpenCopy),
            new(
                "gemm",
                [
                    Axis.Types("weight", types), Axis.Types("x", cpu ? "f32" : "bf16"),
                    cpu ? Axis.Flag("packed", "no", "yes") : Axis.Flag("packed", "no"),
                    Axis.Integers("m", 1, 16, 512), Axis.Integers("n", 4096), Axis.Integers("k", 4096),
                ],
                OpenGemm),
            new("attention/prefill", [.. attention, Axis.Integers("length", 512, 2048), Axis.Flag("causal", "yes", "no")], OpenPrefill),
            new("attention/decode", [.. attention, Axis.Integers("context", 1024, 8192)], OpenDecode),
            new("rmsnorm", rows, OpenNorm),
            new("elementwise/silu_gated", rows, OpenSilu),
            new("elementwise/softmax", rows, OpenSoftmax),
        ];
    }

    private static Workload OpenGemm(BenchCase item, Operands operands)
    {
        long m = item.Number("m"), n = item.Number("n"), k = item.Number("k");
        ElementType type = item.Type("x"), weightType = item.Type("weight");
        double weightBytes = (double)n * k * weightType.ByteSize();
        double bytes = weightBytes + (((double)m * k + (double)m * n) * type.ByteSize());
        TensorRef x = operands.Input(type, m, k), y = operands.Output(type, m, n);
        int copies = Operands.CopiesOf((long)weightBytes), next = 0;
        bool packed = item.Flag("packed");
        TensorRef[] weights = operands.Inputs(packed ? 1 : copies, weightType, n, k);
        Require(Gemm.IsSupported(weights[0], x, y, out string? reason, context: operands.Context), reason);
        if (packed)
        {
            Require(operands.Device.Kind == DeviceKind.Cpu, "weights are packed for the CPU only");
            PackedWeight[] forms = new PackedWeight[copies];
            for (int i = 0; i < copies; i++)
            {
                forms[i] = operands.Own(PackedWeight.Pack(weights[0]));
            }

            return new Workload(() => Gemm.Run(forms[next = (next + 1) % copies], x, y), 2.0 * m * n * k, bytes);
        }

        LaunchContext context = operands.WithWorkspace(Gemm.GetWorkspaceSize(weights[0], x, y, context: operands.Context));
        return new Workload(
            () => Gemm.Run(weights[next = (next + 1) % copies], x, y, context: context), 2.0 * m * n * k, bytes);
    }

    private static Workload OpenPrefill(BenchCase item, Operands operands) =>
        OpenAttention(item, operands, item.Number("length"), item.Number("length"), item.Flag("causal"));

    private static Workload OpenDecode(BenchCase item, Operands operands) =>
        OpenAttention(item, operands, 1, item.Number("context"), causal: true);

    private static Workload OpenAttention(BenchCase item, Operands operands, long queries, long keys, bool causal)
    {
        long batch = item.Number("batch"), heads = item.Number("heads"), keyHeads = item.Number("kv_heads");
        long width = item.Number("head_dim");
        ElementType type = item.Type("dtype");
        double cache = 2.0 * batch * keys * keyHeads * width * type.ByteSize();
        double rows = (double)batch * queries * heads;
        int copies = Operands.CopiesOf((long)cache), next = 0;
        TensorRef query = operands.Input(type, batch, queries, heads, width), output = operands.Output(type, batch, queries, heads, width);
        TensorRef[] key = operands.Inputs(copies, type, batch, keys, keyHeads, width);
        TensorRef[] value = operands.Inputs(copies, type, batch, keys, keyHeads, width);
        AttentionOptions options = new() { Causal = causal };
        AttentionInputs first = new() { Query = query, Key = key[0], Value = value[0] };
        Require(Attention.IsSupported(first, output, options, out string? reason, context: operands.Context), reason);
        LaunchContext context = operands.WithWorkspace(
            Attention.GetWorkspaceSize(first, output, options, context: operands.Context));

        // The last query sees all keys, each one before it a key less where the mask is causal.
        double seen = causal ? keys - ((queries - 1) / 2.0) : keys;
        return new Workload(
            () =>
            {
                next = (next + 1) % copies;
                AttentionInputs inputs = new() { Query = query, Key = key[next], Value = value[next] };
                Attention.Forward(inputs, output, options, context: context);
            },
            4.0 * rows * seen * width,
            cache + (2.0 * rows * width * type.ByteSize()));
    }

    private static Workload OpenNorm(BenchCase item, Operands operands)
    {
        Matrices(item, operands, out TensorRef x, out TensorRef y, out double bytes);
        TensorRef weight = operands.Input(x.ElementType, item.Number("columns"));
        LaunchContext context = operands.Context;
        return new Workload(
            () => Norm.Rms(x, weight, y, context: context),
            4.0 * x.ElementCount, (2 * bytes) + ((double)weight.ElementCount * weight.ElementType.ByteSize()));
    }

    private static Workload OpenSilu(BenchCase item, Operands operands)
    {
        Matrices(item, operands, out TensorRef x, out TensorRef y, out double bytes);
        TensorRef up = operands.Input(x.ElementType, x.Shape);
        LaunchContext context = operands.Context;
        return new Workload(() => Activations.Apply(Activation.Silu, x, y, up, context), 5.0 * x.ElementCount, 3 * bytes);
    }

    private static Workload OpenSoftmax(BenchCase item, Operands operands)
    {
        Matrices(item, operands, out TensorRef x, out TensorRef y, out double bytes);
        LaunchContext context = operands.Context;
        return new Workload(() => Softmax.Apply(x, y, context: context), 5.0 * x.ElementCount, 2 * bytes);
    }

    private static void Matrices(BenchCase item, Operands operands, out TensorRef x, out TensorRef y, out double bytes)
    {
        long rows = item.Number("rows"), columns = item.Number("columns");
        ElementType type = item.Type("dtype");
        (x, y) = (operands.Input(type, rows, columns), operands.Output(type, rows, columns));
        bytes = (double)rows * columns * type.ByteSize();
    }

    private static Workload OpenRead(BenchCase item, Operands operands)
    {
        int threads = WarplineLibrary.ThreadCount;
        long part = item.Number("bytes") / threads / MemoryRead.Unit * MemoryRead.Unit;
        Require(part > 0, $"at least {threads * MemoryRead.Unit} bytes are required");
        TensorRef data = operands.Input(ElementType.Float32, part / sizeof(float) * threads);
        MemoryRead read = new(data.Address, part, threads);
        return new Workload(read.Run, 0, (double)part * threads) { Kernel = "sum on all threads" };
    }

    private static Workload OpenCopy(BenchCase item, Operands operands)
    {
        long bytes = item.Number("bytes");
        DeviceBuffer from = operands.Own(DeviceBuffer.Allocate(operands.Device, bytes));
        DeviceBuffer to = operands.Own(DeviceBuffer.Allocate(operands.Device, bytes));
        from.Fill(1, operands.Stream);
        return new Workload(() => to.EnqueueCopyFrom(from, bytes, stream: operands.Stream), 0, 2.0 * bytes) { Kernel = "copy on the device" };
    }

    private static void Require(bool served, string? reason)
    {
        if (!served)
        {
            throw new SkippedException(reason!);
        }
    }
}
