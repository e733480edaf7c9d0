"""Warpline's C ABI on PyTorch's tensors: the structs of native/include/warpline, and calls on torch's current stream."""
import ctypes as c

DTYPES = {"float32": 1, "float16": 2, "bfloat16": 3, "int32": 4}
CUDA = 1
CAUSAL = 1
NORM_RMS, NORM_LAYER = 1, 2
SILU = 3
MAX_RANK = 6


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("shape", c.c_int64 * MAX_RANK),
                ("strides", c.c_int64 * MAX_RANK), ("reserved", c.c_uint64 * 2)]


class Launch(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("device_kind", c.c_int32), ("device_index", c.c_int32), ("flags", c.c_uint32),
                ("stream", c.c_void_p), ("workspace", c.c_void_p), ("workspace_bytes", c.c_uint64)]


class AttentionParams(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("scale", c.c_float), ("softcap", c.c_float),
                ("window_left", c.c_int64), ("window_right", c.c_int64)] + [
                    (name, Tensor) for name in ("q", "k", "v", "o", "lse", "cu_seqlens_q", "cu_seqlens_k", "seqused_k",
                                                "alibi_slopes", "sinks")]


class GemmParams(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("activation", c.c_int32)] + [
        (name, Tensor) for name in ("x", "weight", "bias", "residual", "y")] + [
            ("packed", c.c_void_p), ("packed_bytes", c.c_uint64), ("up_weight", Tensor), ("up_bias", Tensor),
            ("up_packed", c.c_void_p), ("up_packed_bytes", c.c_uint64)]


class NormParams(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("kind", c.c_int32), ("epsilon", c.c_float)] + [
        (name, Tensor) for name in ("x", "residual", "weight", "bias", "y", "residual_out")]


class ActivationParams(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("activation", c.c_int32), ("x", Tensor), ("up", Tensor), ("y", Tensor)]


class SoftmaxParams(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("x", Tensor), ("y", Tensor)]


class EmbeddingParams(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("table", Tensor), ("ids", Tensor), ("y", Tensor)]


STRUCTS = {"wl_tensor": Tensor, "wl_launch": Launch, "wl_attention_params": AttentionParams, "wl_gemm_params": GemmParams,
           "wl_norm_params": NormParams, "wl_activation_params": ActivationParams, "wl_softmax_params": SoftmaxParams,
           "wl_embedding_params": EmbeddingParams}
OPS = {"wl_attention": AttentionParams, "wl_gemm": GemmParams, "wl_norm": NormParams, "wl_activation": ActivationParams,
       "wl_softmax": SoftmaxParams, "wl_embedding": EmbeddingParams}
WITH_WORKSPACE = ("wl_attention", "wl_gemm")


def layout():
    """The structs as tests/native/abi_layout prints C's: `struct field offset size`."""
    for name, struct in STRUCTS.items():
        yield f"{name} . 0 {c.sizeof(struct)}"
        for field in struct._fields_:
            place = getattr(struct, field[0])
            yield f"{name} {field[0]} {place.offset} {place.size}"


def view(tensor):
    """A torch tensor as the library sees it."""
    t = Tensor(data=tensor.data_ptr(), dtype=DTYPES[str(tensor.dtype).removeprefix("torch.")], rank=tensor.dim())
    for axis in range(tensor.dim()):
        t.shape[axis] = tensor.shape[axis]
        t.strides[axis] = tensor.stride(axis)
    return t


class Library:
    """The loaded library. `torch` gives streams and workspaces."""

    def __init__(self, path, torch):
        self.torch = torch
        self.lib = c.CDLL(path)
        self.lib.wl_last_error.restype = c.c_char_p
        self.lib.wl_last_kernel.restype = c.c_char_p
        for op, params in OPS.items():
            getattr(self.lib, op).argtypes = [c.POINTER(params), c.POINTER(Launch)]
        for op in WITH_WORKSPACE:
            size_of = getattr(self.lib, op + "_workspace_size")
            size_of.argtypes = [c.POINTER(OPS[op]), c.POINTER(Launch), c.POINTER(c.c_uint64)]
        self.check(self.lib.wl_device_prepare(CUDA, torch.cuda.current_device()))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.wl_last_error().decode())

    def call(self, op, tensors, **values):
        """A function that enqueues the op on torch's current stream; the tensors live as long as the function does."""
        params = OPS[op](struct_size=c.sizeof(OPS[op]), **values)
        for name, tensor in tensors.items():
            setattr(params, name, view(tensor))
        at = Launch(struct_size=c.sizeof(Launch), device_kind=CUDA, device_index=self.torch.cuda.current_device(),
                    stream=self.torch.cuda.current_stream().cuda_stream)
        workspace = None
        if op in WITH_WORKSPACE:
            size = c.c_uint64()
            self.check(getattr(self.lib, op + "_workspace_size")(params, at, size))
            if size.value:
                workspace = self.torch.empty(size.value, dtype=self.torch.uint8, device="cuda")
                at.workspace, at.workspace_bytes = workspace.data_ptr(), size.value
        function = getattr(self.lib, op)

        def run(keep=(tensors, workspace)):
            self.check(function(params, at))

        return run

    def last_kernel(self):
        return self.lib.wl_last_kernel().decode()


if __name__ == "__main__":
    print("\n".join(layout()))
