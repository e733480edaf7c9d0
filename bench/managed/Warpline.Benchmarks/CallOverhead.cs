using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using Warpline.Native;

namespace Warpline.Benchmarks;

/// <summary>
/// Each pair makes one native call: as a bare P/Invoke on parameters that are filled beforehand, and through the public method
/// with tensors as a caller has them. The tensors have no rows, so that hardly more than the call itself is measured.
/// </summary>
[MemoryDiagnoser]
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
public unsafe class CallOverhead
{
    private readonly HostTensor _x = HostTensor.Allocate(ElementType.Float32, 0, 64);
    private readonly HostTensor _y = HostTensor.Allocate(ElementType.Float32, 0, 64);
    private readonly HostTensor _weight = HostTensor.Allocate(ElementType.Float32, 64, 64);
    private readonly HostTensor _row = HostTensor.Allocate(ElementType.Float32, 64);
    private readonly HostTensor _query = HostTensor.Allocate(ElementType.Float32, 1, 0, 2, 64);
    private readonly HostTensor _key = HostTensor.Allocate(ElementType.Float32, 1, 16, 2, 64);
    private readonly HostTensor _ids = HostTensor.Allocate(ElementType.Int32, 0);
    private readonly PackedWeight _packed;
    private readonly LaunchParams* _launch = Make<LaunchParams>();
    private readonly GemmParams* _gemm = Make<GemmParams>();
    private readonly GemmParams* _packedGemm = Make<GemmParams>();
    private readonly AttentionParams* _attention = Make<AttentionParams>();
    private readonly NormParams* _norm = Make<NormParams>();
    private readonly ArgMaxParams* _argMax = Make<ArgMaxParams>();

    public CallOverhead()
    {
        _weight.Clear();
        _key.Clear();
        _packed = PackedWeight.Pack(_weight);
        (_gemm->X, _gemm->Weight, _gemm->Y, _gemm->Bias) = (_x, _weight, _y, _row);
        (_packedGemm->X, _packedGemm->Y, _packedGemm->Bias) = (_x, _y, _row);
        (_packedGemm->Packed, _packedGemm->PackedBytes) = (_packed.Memory.Address, (ulong)_packed.Bytes);
        (_attention->Q, _attention->K, _attention->V, _attention->O) = (_query, _key, _key, _query);
        _attention->Flags = AttentionParams.FlagCausal;
        (_norm->X, _norm->Weight, _norm->Y, _norm->Kind, _norm->Epsilon) = (_x, _row, _y, NormParams.KindRms, 1e-6f);
        (_argMax->Logits, _argMax->Ids) = (_x, _ids);
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("gemm")]
    public void GemmNative() => NativeStatus.Check(NativeMethods.Gemm(_gemm, _launch));

    [Benchmark]
    [BenchmarkCategory("gemm")]
    public void GemmPublic() => Gemm.Run(_weight, _x, _y, _row);

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("gemm, packed")]
    public void PackedGemmNative() => NativeStatus.Check(NativeMethods.Gemm(_packedGemm, _launch));

    [Benchmark]
    [BenchmarkCategory("gemm, packed")]
    public void PackedGemmPublic() => Gemm.Run(_packed, _x, _y, _row);

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("attention")]
    public void AttentionNative() => NativeStatus.Check(NativeMethods.Attention(_attention, _launch));

    [Benchmark]
    [BenchmarkCategory("attention")]
    public void AttentionPublic() => Attention.Forward(
        new AttentionInputs { Query = _query, Key = _key, Value = _key }, _query, new AttentionOptions { Causal = true });

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("norm")]
    public void NormNative() => NativeStatus.Check(NativeMethods.Norm(_norm, _launch));

    [Benchmark]
    [BenchmarkCategory("norm")]
    public void NormPublic() => Norm.Rms(_x, _row, _y);

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("argmax")]
    public void ArgMaxNative() => NativeStatus.Check(NativeMethods.ArgMax(_argMax, _launch));

    [Benchmark]
    [BenchmarkCategory("argmax")]
    public void ArgMaxPublic() => Sampling.ArgMax(_x, _ids);

    private static T* Make<T>()
        where T : unmanaged
    {
        NativeLoader.EnsureLoaded();
        T* parameters = (T*)NativeMemory.Alloc((nuint)sizeof(T));
        NativeStruct.Create(out *parameters);
        return parameters;
    }
}
