// Attention on ManagedCuda's memory, in ManagedCuda's stream, compared with the same on the CPU.
using System.Numerics.Tensors;
using ManagedCuda;
using Warpline;
using Warpline.ManagedCuda;

const int batch = 2, queryLength = 128, keyLength = 256, queryHeads = 8, keyHeads = 2, dimension = 64;
const double tolerance = 1e-3;
AttentionOptions options = new() { Causal = true };

try
{
    // Says what is missing, a driver for instance, before ManagedCuda asks for it.
    DeviceInfo device = WarplineLibrary.GetDevice(ComputeDevice.Cuda(0));
    Console.WriteLine($"{device.Device}: {device.Name}, {device.InstructionSet}");

    float[] query = Numbers(1, batch * queryLength * queryHeads * dimension);
    float[] key = Numbers(2, batch * keyLength * keyHeads * dimension);
    float[] value = Numbers(3, batch * keyLength * keyHeads * dimension);
    float[] onDevice = RunOnDevice(query, key, value);
    float[] onCpu = RunOnCpu(query, key, value);

    double difference = onDevice.Zip(onCpu, (x, y) => Math.Abs((double)x - y)).Max();
    bool close = difference <= tolerance;
    Console.WriteLine($"largest difference between GPU and CPU: {difference:g3} ({(close ? "within" : "above")} {tolerance})");
    return close ? 0 : 1;
}
catch (Exception exception) when (exception is WarplineException or CudaException or DllNotFoundException)
{
    Console.Error.WriteLine($"error: {exception.Message}");
    return 1;
}

float[] RunOnDevice(float[] query, float[] key, float[] value)
{
    using PrimaryContext context = new(0);
    context.SetCurrent();
    using CudaStream stream = new();
    using CudaDeviceVariable<float> q = query, k = key, v = value;
    using CudaDeviceVariable<float> o = new(query.Length);

    AttentionInputs inputs = new()
    {
        Query = q.AsTensor(batch, queryLength, queryHeads, dimension),
        Key = k.AsTensor(batch, keyLength, keyHeads, dimension),
        Value = v.AsTensor(batch, keyLength, keyHeads, dimension),
    };
    TensorRef output = o.AsTensor(batch, queryLength, queryHeads, dimension);
    nuint bytes = Attention.GetWorkspaceSize(inputs, output, options, context: context.AsLaunchContext(stream));
    using CudaDeviceVariable<byte>? workspace = bytes == 0 ? null : new(bytes);

    Attention.Forward(inputs, output, options, context: context.AsLaunchContext(stream, workspace));
    stream.Synchronize();
    return o;
}

float[] RunOnCpu(float[] query, float[] key, float[] value)
{
    float[] output = new float[query.Length];
    Attention.Forward(
        new ReadOnlyTensorSpan<float>(query, [batch, queryLength, queryHeads, dimension]),
        new ReadOnlyTensorSpan<float>(key, [batch, keyLength, keyHeads, dimension]),
        new ReadOnlyTensorSpan<float>(value, [batch, keyLength, keyHeads, dimension]),
        new TensorSpan<float>(output, [batch, queryLength, queryHeads, dimension]),
        options);
    return output;
}

static float[] Numbers(int seed, int count)
{
    Random random = new(seed);
    return Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1).ToArray();
}
