/* Attention: o = softmax(scale q k^T + modifiers) v, one op for prefill, decode and mixed batches. */
#ifndef WARPLINE_ATTENTION_H
#define WARPLINE_ATTENTION_H

#include <warpline/core.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /* Query row i of a sequence sees keys up to its aligned position kv_len - q_len + i (bottom-right aligned).
   */
  WL_ATTENTION_CAUSAL = 1u << 0,
  /* window_left and window_right count: keys to the left (right) of the aligned position that may be
   * attended, the row's own key not counted; a negative number is no bound on that side. */
  WL_ATTENTION_WINDOW = 1u << 1
};

/* Sequences are dense (rank 4, batch first) or packed (rank 3, with offsets), for q and k/v independently. */
typedef struct wl_attention_params {
  uint32_t struct_size;
  uint32_t flags;      /* WL_ATTENTION_* */
  float scale;         /* of q k^T; 0 means 1 / sqrt(d_qk) */
  float softcap;       /* s becomes softcap * tanh(s / softcap); 0 means none */
  int64_t window_left; /* used under WL_ATTENTION_WINDOW */
  int64_t window_right;
  wl_tensor q;            /* [B, Sq, Hq, d_qk] or packed [total_q, Hq, d_qk] */
  wl_tensor k;            /* [B, Sk, Hkv, d_qk] or packed [total_k, Hkv, d_qk] */
  wl_tensor v;            /* [B, Sk, Hkv, d_v] or packed [total_k, Hkv, d_v] */
  wl_tensor o;            /* [B, Sq, Hq, d_v] or packed [total_q, Hq, d_v] */
  wl_tensor lse;          /* optional: [B, Hq, Sq] for dense q, [Hq, total_q] for packed q */
  wl_tensor cu_seqlens_q; /* [B + 1], exactly when q is packed */
  wl_tensor cu_seqlens_k; /* [B + 1], exactly when k and v are packed */
  wl_tensor seqused_k;    /* [B], optional with dense k: keys of each sequence that are valid */
  wl_tensor
      alibi_slopes; /* [Hq] or [B, Hq], optional: adds slope * -(|aligned position - key|) to the score */
  wl_tensor sinks;  /* [Hq], optional: one more logit in each row's softmax, with no value */
} wl_attention_params;

/* For each query row, over the keys that it may attend: s = scale q.k, then softcap, then ALiBi; o =
 * softmax(s) v with the head's sink in the softmax's sum. Query head h uses key head h / (Hq / Hkv). A row
 * that may attend nothing gives o = 0 and lse = -infinity (with a sink: o = 0, lse = sink).
 * Shapes: see wl_attention_params; any head dimensions d_qk and d_v of at least 1; Hq a multiple of Hkv;
 * zero-length sequences are legal.
 * Types: q, k and v of one type of float32, float16 and bfloat16, or float32 q with 16-bit k and v; o of q's
 * type or float32; lse, alibi_slopes and sinks float32; cu_seqlens and seqused int32.
 * Units: lse in natural logarithm, of the final scores (scale, softcap, ALiBi and sink included).
 * Alignment: elements; the last stride of q, k, v and o is 1, the others are free.
 * Threads: any number of callers; outputs must overlap no input.
 * Determinism: same inputs and options, same bits, for any number of threads. WL_FLAG_BATCH_INVARIANT: a
 * row's bits depend on its own query, its keys and its absolute position only, not on batch, chunking or
 * kernel.
 * Errors: INVALID_ARGUMENT (shapes, types, strides, offsets that decrease or leave the tensor, softcap or
 * scale that is not finite, a workspace that is too small), UNSUPPORTED, OUT_OF_MEMORY, NO_DEVICE.
 * Reference: tests/native/attention_test.cpp, in double precision. */
WL_API wl_status wl_attention(const wl_attention_params* params, const wl_launch* at);

/* Says whether wl_attention would accept these parameters. Writes the reason, NUL-terminated and cut to
 * reason_bytes, where it would not; reason may be NULL.
 * Shapes: as wl_attention. Types: as wl_attention. Units: reason_bytes in bytes.
 * Alignment: as wl_attention. Threads: any.
 * Determinism: a pure function of the parameters and of the offsets and lengths that they point to.
 * Errors: the status that wl_attention would return given a large enough workspace, except OUT_OF_MEMORY.
 * Reference: wl_attention. */
WL_API wl_status wl_attention_supported(const wl_attention_params* params, const wl_launch* at, char* reason,
                                        uint64_t reason_bytes);

/* Bytes of workspace that wl_attention needs for these parameters: at->workspace must be at least as large, aligned to
 * 256 bytes. 0 on the CPU. The workspace of `at` itself is not looked at.
 * Shapes: as wl_attention. Types: as wl_attention. Units: bytes. Alignment: as wl_attention. Threads: any.
 * Determinism: a pure function of the parameters, the options and the device.
 * Errors: the status that wl_attention would return, and INVALID_ARGUMENT for NULL bytes. Reference: wl_attention. */
WL_API wl_status wl_attention_workspace_size(const wl_attention_params* params, const wl_launch* at,
                                             uint64_t* bytes);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_ATTENTION_H */
