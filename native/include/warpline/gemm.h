/* Products: y = epilogue(x W^T). */
#ifndef WARPLINE_GEMM_H
#define WARPLINE_GEMM_H

#include <warpline/core.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Activations, shared by wl_gemm and wl_activation. */
enum {
  WL_ACTIVATION_NONE = 0,
  WL_ACTIVATION_GELU = 1,      /* x/2 (1 + erf(x / sqrt(2))) */
  WL_ACTIVATION_GELU_TANH = 2, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
  WL_ACTIVATION_SILU = 3,      /* x / (1 + exp(-x)) */
  WL_ACTIVATION_RELU = 4       /* max(x, 0) */
};

/* A weight is a plain row-major tensor, or bytes that wl_gemm_pack made; exactly one of the two is present.
 */
typedef struct wl_gemm_params {
  uint32_t struct_size;
  int32_t activation;
  wl_tensor x;           /* [M, K], last stride 1 */
  wl_tensor weight;      /* [N, K], last stride 1 */
  wl_tensor bias;        /* [N], optional */
  wl_tensor residual;    /* [M, N], optional, last stride 1; may be y itself */
  wl_tensor y;           /* [M, N], last stride 1 */
  const void* packed;    /* in place of `weight` */
  uint64_t packed_bytes; /* size of `packed` */
  wl_tensor up_weight;   /* [N, K], optional: the second half of a gated pair */
  wl_tensor up_bias;     /* [N], optional, only with a second weight */
  const void* up_packed; /* in place of `up_weight` */
  uint64_t up_packed_bytes;
} wl_gemm_params;

/* The head of packed bytes; the panels follow it. Plain data: it can be written to disk, mapped and moved. */
typedef struct wl_packed_weight_header {
  uint64_t magic;    /* WL_PACKED_WEIGHT_MAGIC */
  uint32_t version;  /* 1 */
  uint32_t layout;   /* WL_PACKED_LAYOUT_* */
  int32_t dtype;     /* of the stored weight */
  int32_t reserved0; /* zero */
  int64_t n;
  int64_t k;
  uint64_t bytes;    /* of header and panels together */
  uint64_t checksum; /* FNV-1a, 64 bits, of the header's fields before this one */
  uint64_t reserved1;
} wl_packed_weight_header;

#define WL_PACKED_WEIGHT_MAGIC UINT64_C(0x31304b4341504c57) /* "WLPACK01" */

enum {
  /* Panels of 16 weight rows; within a panel, k-major, 16 elements a step (16-bit types: pairs of k, 16 pairs
   * a step); the last panel and an odd k are filled with zeros. */
  WL_PACKED_LAYOUT_PANEL16 = 1
};

/* y = act(x W^T + bias) + residual; with a second weight U, y = act(x W^T + bias) * (x U^T + up_bias) +
 * residual (WL_ACTIVATION_SILU then gives SwiGLU, WL_ACTIVATION_GELU_TANH gives GEGLU).
 * Shapes: x [M, K], weight and up_weight [N, K], bias and up_bias [N], residual and y [M, N]; M, N and K may
 * be zero.
 * Types: x and the weights float32, float16 or bfloat16, combined freely except float16 with bfloat16; bias
 * and residual any of the three; y of x's type or float32; sums in float32.
 * Units: none.
 * Alignment: elements; row strides are free; 64-byte aligned rows are fastest.
 * Threads: any number of callers; y must overlap no input except that residual may be y itself.
 * Determinism: same inputs and options, same bits, for any number of threads. WL_FLAG_BATCH_INVARIANT: a row
 * of y depends on its row of x only, whatever M.
 * Errors: INVALID_ARGUMENT (shapes, types, strides, a weight missing or given twice, packed bytes that are
 * damaged, a workspace that is too small), UNSUPPORTED (float16 with bfloat16, an unknown packed layout, packed
 * bytes on CUDA, which takes weights as they are), OUT_OF_MEMORY, NO_DEVICE.
 * Reference: tests/native/gemm_test.cpp, in double precision. */
WL_API wl_status wl_gemm(const wl_gemm_params* params, const wl_launch* at);

/* Says whether wl_gemm would accept these parameters. Writes the reason, NUL-terminated and cut to
 * reason_bytes, where it would not; reason may be NULL.
 * Shapes: as wl_gemm. Types: as wl_gemm. Units: reason_bytes in bytes. Alignment: as wl_gemm.
 * Threads: any.
 * Determinism: a pure function of the parameters.
 * Errors: the status that wl_gemm would return given a large enough workspace, except OUT_OF_MEMORY.
 * Reference: wl_gemm. */
WL_API wl_status wl_gemm_supported(const wl_gemm_params* params, const wl_launch* at, char* reason,
                                   uint64_t reason_bytes);

/* Bytes of workspace that wl_gemm needs for these parameters: at->workspace must be at least as large, aligned to 256
 * bytes. 0 on the CPU. The workspace of `at` itself is not looked at.
 * Shapes: as wl_gemm. Types: as wl_gemm. Units: bytes. Alignment: as wl_gemm. Threads: any.
 * Determinism: a pure function of the parameters, the options and the device.
 * Errors: the status that wl_gemm would return, and INVALID_ARGUMENT for NULL bytes. Reference: wl_gemm. */
WL_API wl_status wl_gemm_workspace_size(const wl_gemm_params* params, const wl_launch* at, uint64_t* bytes);

/* Bytes that wl_gemm_pack writes for a weight.
 * Shapes: weight [N, K], last stride 1; its data is not read. Types: float32, float16, bfloat16.
 * Units: bytes. Alignment: none. Threads: any.
 * Determinism: a pure function of shape and type.
 * Errors: INVALID_ARGUMENT (NULL, shape, type, a size that overflows). Reference: wl_packed_weight_header. */
WL_API wl_status wl_gemm_pack_size(const wl_tensor* weight, uint64_t* bytes);

/* Packs a weight into the caller's memory for wl_gemm. Values are not changed.
 * Shapes: weight [N, K], last stride 1. Types: float32, float16, bfloat16.
 * Units: packed_bytes in bytes. Alignment: packed to 64 bytes. Threads: any.
 * Determinism: bytes are a pure function of the weight.
 * Errors: INVALID_ARGUMENT (as wl_gemm_pack_size, a NULL or misaligned address, too few bytes).
 * Reference: wl_packed_weight_header. */
WL_API wl_status wl_gemm_pack(const wl_tensor* weight, void* packed, uint64_t packed_bytes);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_GEMM_H */
