"""What is measured: ours and the peers' calls on the same tensors. Nothing here imports torch; `build` gets it."""
from dataclasses import dataclass, field
from typing import Callable

import warpline

TOKENS, HIDDEN = 16384, 2048
ELEMENT = 2  # bytes of a bfloat16


@dataclass
class Case:
    group: str  # attention, product, row (one), rows (few) or elementwise
    name: str
    work: float  # floating-point operations or bytes of one call
    ceiling: str  # the measured limit that the rate is held against
    bytes: int  # that one set of buffers spans
    build: Callable = field(repr=False)  # (torch, library) -> Calls


@dataclass
class Calls:
    """One set of buffers. `peers` return their result; `output` is where ours writes."""
    ours: Callable
    peers: dict
    output: object


def randn(torch, *shape):
    return torch.randn(shape, device="cuda", dtype=torch.bfloat16)


def sdpa(torch, backend, q, k, v, causal):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    chosen = getattr(SDPBackend, backend)

    def run():
        with sdpa_kernel(chosen):
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2)

    return run


def attention(length, width, causal):
    heads, batch = HIDDEN // width, TOKENS // length

    def build(torch, library):
        q, k, v = (randn(torch, batch, length, heads, width) for _ in range(3))
        o = torch.empty_like(q)
        ours = library.call("wl_attention", {"q": q, "k": k, "v": v, "o": o}, flags=warpline.CAUSAL if causal else 0)
        theirs = [t.transpose(1, 2) for t in (q, k, v)]
        peers = {"flash": "FLASH_ATTENTION", "efficient": "EFFICIENT_ATTENTION", "cudnn": "CUDNN_ATTENTION", "math": "MATH"}
        # The mathematical form keeps all scores, several times and in float32.
        if 16 * batch * heads * length * length > torch.cuda.mem_get_info()[0]:
            del peers["math"]
        return Calls(ours, {name: sdpa(torch, backend, *theirs, causal) for name, backend in peers.items()}, o)

    pairs = batch * heads * length * length / (2 if causal else 1)
    return Case("attention", f"S={length} d={width} {'causal' if causal else 'full'}", 4 * pairs * width, "mma",
                4 * TOKENS * HIDDEN * ELEMENT, build)


def product(group, m, n, k):

    def build(torch, library):
        x, w, y = randn(torch, m, k), randn(torch, n, k), torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
        ours = library.call("wl_gemm", {"x": x, "weight": w, "y": y})
        return Calls(ours, {"linear": lambda: torch.nn.functional.linear(x, w)}, y)

    size = ELEMENT * (m * k + n * k + m * n)
    if group in ("row", "rows"):
        return Case(group, f"{m} row{'s' if m > 1 else ''}, {n} x {k}", size, "bandwidth", size, build)
    return Case(group, f"{m} x {n} x {k}", 2.0 * m * n * k, "mma", size, build)


def elementwise(name, rows, columns, moves, make):
    """`moves`: how often a tensor of rows x columns is read or written. `make`: (torch, library, x, y) -> ours, peer."""

    def build(torch, library):
        x, y = randn(torch, rows, columns), torch.empty(rows, columns, device="cuda", dtype=torch.bfloat16)
        ours, peer = make(torch, library, x, y)
        return Calls(ours, {"torch": peer}, y)

    size = ELEMENT * rows * columns * moves
    return Case("elementwise", f"{name} {rows} x {columns}", size, "copy", size, build)


def rms_norm(torch, library, x, y):
    w = randn(torch, x.shape[1])
    ours = library.call("wl_norm", {"x": x, "weight": w, "y": y}, kind=warpline.NORM_RMS, epsilon=1e-5)
    return ours, lambda: torch.nn.functional.rms_norm(x, w.shape, w, 1e-5)


def residual_norm(torch, library, x, y):
    w, residual, total = randn(torch, x.shape[1]), torch.randn_like(x), torch.empty_like(x)
    ours = library.call("wl_norm", {"x": x, "residual": residual, "weight": w, "y": y, "residual_out": total},
                        kind=warpline.NORM_RMS, epsilon=1e-5)
    return ours, lambda: torch.nn.functional.rms_norm(x + residual, w.shape, w, 1e-5)


def layer_norm(torch, library, x, y):
    w, b = randn(torch, x.shape[1]), randn(torch, x.shape[1])
    ours = library.call("wl_norm", {"x": x, "weight": w, "bias": b, "y": y}, kind=warpline.NORM_LAYER, epsilon=1e-5)
    return ours, lambda: torch.nn.functional.layer_norm(x, w.shape, w, b, 1e-5)


def gated_silu(torch, library, x, y):
    up = torch.randn_like(x)
    ours = library.call("wl_activation", {"x": x, "up": up, "y": y}, activation=warpline.SILU)
    return ours, lambda: torch.nn.functional.silu(x) * up


def softmax(torch, library, x, y):
    return library.call("wl_softmax", {"x": x, "y": y}), lambda: torch.softmax(x, -1)


def embedding(torch, library, x, y):
    """Each row of x is read once, in random order: what is read from memory is what is counted."""
    ids = torch.randperm(x.shape[0], device="cuda").int()
    return library.call("wl_embedding", {"table": x, "ids": ids, "y": y}), lambda: torch.nn.functional.embedding(ids, x)


def all_cases():
    for width in (64, 128):
        for causal in (False, True):
            for power in range(9, 15):
                yield attention(1 << power, width, causal)
    for edge in (4096, 8192):
        yield product("product", edge, edge, edge)
    for n, k in ((4096, 4096), (28672, 4096), (8192, 8192)):
        yield product("row", 1, n, k)
    for rows in (4, 8):
        yield product("rows", rows, 8192, 8192)
    yield elementwise("rms_norm", 16384, 4096, 2, rms_norm)
    yield elementwise("residual + rms_norm", 16384, 4096, 4, residual_norm)
    yield elementwise("layer_norm", 16384, 4096, 2, layer_norm)
    yield elementwise("silu(x) * up", 16384, 4096, 3, gated_silu)
    yield elementwise("softmax", 16384, 4096, 2, softmax)
    yield elementwise("embedding", 16384, 4096, 2, embedding)
