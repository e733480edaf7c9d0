/* The rest of a transformer layer: norms, rotary embedding, activations, embedding, pooling, softmax. */
#ifndef WARPLINE_ELEMENTWISE_H
#define WARPLINE_ELEMENTWISE_H

#include <warpline/core.h>
#include <warpline/gemm.h> /* WL_ACTIVATION_* */

#ifdef __cplusplus
extern "C" {
#endif

enum { WL_NORM_RMS = 1, WL_NORM_LAYER = 2 };
enum {
  WL_NORM_ZERO_CENTERED = 1u << 0 /* the weight is stored minus one: multiply by 1 + weight */
};

typedef struct wl_norm_params {
  uint32_t struct_size;
  uint32_t flags; /* WL_NORM_ZERO_CENTERED */
  int32_t kind;   /* WL_NORM_RMS or WL_NORM_LAYER */
  float epsilon;
  wl_tensor x;            /* [..., D], rank 1 to 4 */
  wl_tensor residual;     /* as x, optional: added to x first */
  wl_tensor weight;       /* [D], optional: absent multiplies by one */
  wl_tensor bias;         /* [D], optional, WL_NORM_LAYER only */
  wl_tensor y;            /* as x; may be x itself */
  wl_tensor residual_out; /* as x, optional: receives x + residual; may be x or residual itself */
} wl_norm_params;

/* h = x + residual. RMS: y = h / sqrt(mean(h^2) + epsilon) * weight. LAYER: y = (h - mean) / sqrt(var +
 * epsilon) * weight + bias, var the biased variance. All over the last dimension.
 * Shapes: see wl_norm_params.
 * Types: float32, float16 or bfloat16, weights combined freely with x except float16 with bfloat16;
 * residual, y and residual_out of x's type or float32; arithmetic in float32, from h before it is rounded.
 * Units: none.
 * Alignment: elements; last strides are 1, the others free.
 * Threads: any number of callers; outputs overlap inputs only where the fields say so.
 * Determinism: exact for any number of threads; a row depends on itself only.
 * Errors: INVALID_ARGUMENT (kind, shapes, types, strides, an epsilon that is negative or not finite),
 * UNSUPPORTED, OUT_OF_MEMORY, NO_DEVICE.
 * Reference: tests/native/norm_test.cpp, in double precision. */
WL_API wl_status wl_norm(const wl_norm_params* params, const wl_launch* at);

enum {
  WL_ROPE_SCALING_NONE = 0,
  WL_ROPE_SCALING_LINEAR = 1,
  WL_ROPE_SCALING_LLAMA3 = 2,
  WL_ROPE_SCALING_YARN = 3
};

typedef struct wl_rope_table_params {
  uint32_t struct_size;
  int32_t scaling;               /* WL_ROPE_SCALING_* */
  double base;                   /* theta, 10000 for instance */
  double factor;                 /* LINEAR, LLAMA3, YARN */
  double low_frequency_factor;   /* LLAMA3 */
  double high_frequency_factor;  /* LLAMA3 */
  double original_max_positions; /* LLAMA3, YARN */
  double beta_fast;              /* YARN; 0 means 32 */
  double beta_slow;              /* YARN; 0 means 1 */
  double attention_factor;       /* YARN: multiplies cos and sin; 0 means 0.1 ln(factor) + 1 */
  int32_t yarn_exact_range;      /* YARN: nonzero keeps the correction range unrounded (transformers'
                                    truncate=false) */
  int32_t frequency_dtype;       /* round the frequencies to FLOAT16 or BFLOAT16, as engines do that cast
                                    a whole model; 0: do not round them */
  wl_tensor cos;                 /* [positions, R/2] */
  wl_tensor sin;                 /* [positions, R/2] */
} wl_rope_table_params;

/* Fills tables of cos and sin of position * frequency for positions 0, 1, ... and the R/2 frequencies
 * base^(-2i/R), changed by the scaling as Hugging Face transformers defines it.
 * Shapes: cos and sin [positions, R/2]. Types: float32, computed in double.
 * Units: radians.
 * Alignment: elements; last strides are 1. Threads: any. Determinism: exact.
 * Errors: INVALID_ARGUMENT (unknown scaling or frequency_dtype, a factor that is not finite or out of range,
 * shapes), OUT_OF_MEMORY, NO_DEVICE.
 * Reference: tests/native/rope_test.cpp. */
WL_API wl_status wl_rope_table(const wl_rope_table_params* params, const wl_launch* at);

enum {
  WL_ROPE_INTERLEAVED = 1u << 0 /* rotate pairs (2i, 2i+1) in place of (i, i + R/2) */
};

typedef struct wl_rope_params {
  uint32_t struct_size;
  uint32_t flags;      /* WL_ROPE_* */
  wl_tensor x;         /* [T, H, d] */
  wl_tensor y;         /* [T, H, d]; may be x itself */
  wl_tensor positions; /* [T] */
  wl_tensor cos;       /* [table rows, R/2], R at most d */
  wl_tensor sin;       /* as cos */
} wl_rope_params;

/* Rotates the first R elements of each head by the angle of the token's position and copies the rest.
 * Shapes: see wl_rope_params; R = 2 * cos.shape[1] <= d.
 * Types: x float32, float16 or bfloat16, y of x's type or float32; cos and sin float32; positions int32.
 * Units: positions count table rows.
 * Alignment: elements; last strides are 1, the others free.
 * Threads: any number of callers; y overlaps x only when it is x. Determinism: exact.
 * On CUDA positions are not checked: one outside the tables gives zeros in place of the rotated elements.
 * Errors: INVALID_ARGUMENT (shapes, types, strides, a position outside the tables),
 * UNSUPPORTED (unknown flags), NO_DEVICE.
 * Reference: tests/native/rope_test.cpp, in double precision. */
WL_API wl_status wl_rope(const wl_rope_params* params, const wl_launch* at);

typedef struct wl_activation_params {
  uint32_t struct_size;
  int32_t activation; /* WL_ACTIVATION_* */
  wl_tensor x;        /* [M, D] */
  wl_tensor up;       /* [M, D], optional: the other half of a gated pair */
  wl_tensor y;        /* [M, D]; may be x or up itself */
} wl_activation_params;

/* y = act(x), or act(x) * up where up is given.
 * Shapes: see wl_activation_params.
 * Types: x and up of one type of float32, float16 and bfloat16; y of that or float32.
 * Units: none.
 * Alignment: elements; last strides are 1. Threads: any number of callers.
 * Determinism: exact for any number of threads.
 * Errors: INVALID_ARGUMENT (an unknown activation, shapes, types, strides), NO_DEVICE.
 * Reference: tests/native/elementwise_test.cpp, in double precision. */
WL_API wl_status wl_activation(const wl_activation_params* params, const wl_launch* at);

typedef struct wl_embedding_params {
  uint32_t struct_size;
  uint32_t flags;  /* none defined: zero */
  wl_tensor table; /* [V, D] */
  wl_tensor ids;   /* [T] */
  wl_tensor y;     /* [T, D] */
} wl_embedding_params;

/* y[t] = table[ids[t]].
 * Shapes: see wl_embedding_params.
 * Types: table and y any of float32, float16 and bfloat16, converted with rounding to nearest even; ids
 * int32.
 * Units: none.
 * Alignment: elements; last strides are 1. Threads: any number of callers.
 * Determinism: exact. On CUDA ids are not checked: one outside [0, V) gives a row of zeros.
 * Errors: INVALID_ARGUMENT (shapes, types, strides, an id outside [0, V), named with its index), UNSUPPORTED
 * (unknown flags), NO_DEVICE.
 * Reference: tests/native/elementwise_test.cpp. */
WL_API wl_status wl_embedding(const wl_embedding_params* params, const wl_launch* at);

enum { WL_POOL_MEAN = 1, WL_POOL_FIRST = 2, WL_POOL_LAST = 3, WL_POOL_MAX = 4 };
enum {
  WL_POOL_NORMALIZE = 1u << 0 /* divide each result by its Euclidean length (at least 1e-12) */
};

typedef struct wl_pool_params {
  uint32_t struct_size;
  uint32_t flags;       /* WL_POOL_NORMALIZE */
  int32_t kind;         /* WL_POOL_MEAN, FIRST, LAST or MAX */
  int32_t reserved0;    /* zero */
  wl_tensor x;          /* packed [total, D] */
  wl_tensor cu_seqlens; /* [B + 1] */
  wl_tensor y;          /* [B, D] */
} wl_pool_params;

/* One row for each sequence out of its token rows. An empty sequence gives a zero row.
 * Shapes: see wl_pool_params.
 * Types: x float32, float16 or bfloat16; y of x's type or float32; cu_seqlens int32.
 * Units: none.
 * Alignment: elements; last strides are 1. Threads: any number of callers.
 * Determinism: exact for any number of threads; a row depends on its sequence only. On CUDA offsets are not checked:
 * each is cut to [0, total], and a sequence that ends before it begins is empty.
 * Errors: INVALID_ARGUMENT (kind, shapes, types, strides, offsets that decrease or leave the tensor),
 * UNSUPPORTED (unknown flags), OUT_OF_MEMORY, NO_DEVICE.
 * Reference: tests/native/elementwise_test.cpp, in double precision. */
WL_API wl_status wl_pool(const wl_pool_params* params, const wl_launch* at);

enum {
  WL_SOFTMAX_LOG = 1u << 0 /* the logarithm of the softmax */
};

typedef struct wl_softmax_params {
  uint32_t struct_size;
  uint32_t flags; /* WL_SOFTMAX_LOG */
  wl_tensor x;    /* [M, D] */
  wl_tensor y;    /* [M, D]; may be x itself */
} wl_softmax_params;

/* Softmax over the last dimension, with the row's maximum subtracted. -infinity counts as no probability; a
 * row of nothing else gives zeros (the logarithm: -infinity).
 * Shapes: see wl_softmax_params.
 * Types: x float32, float16 or bfloat16; y of x's type or float32. Units: natural logarithm.
 * Alignment: elements; last strides are 1. Threads: any number of callers.
 * Determinism: exact for any number of threads; a row depends on itself only.
 * Errors: INVALID_ARGUMENT (shapes, types, strides), UNSUPPORTED (unknown flags), OUT_OF_MEMORY,
 * NO_DEVICE.
 * Reference: tests/native/elementwise_test.cpp, in double precision. */
WL_API wl_status wl_softmax(const wl_softmax_params* params, const wl_launch* at);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_ELEMENTWISE_H */
