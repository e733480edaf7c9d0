/* The key/value cache: append. */
#ifndef WARPLINE_KV_CACHE_H
#define WARPLINE_KV_CACHE_H

#include <warpline/core.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  WL_KV_APPEND_ROPE_INTERLEAVED =
      1u << 0 /* with cos and sin: rotate pairs (2i, 2i+1) in place of (i, i + R/2) */
};

typedef struct wl_kv_append_params {
  uint32_t struct_size;
  uint32_t flags;       /* WL_KV_APPEND_* */
  wl_tensor k;          /* new keys, packed [total, Hkv, d_k] */
  wl_tensor v;          /* new values, packed [total, Hkv, d_v] */
  wl_tensor k_cache;    /* [B, capacity, Hkv, d_k] */
  wl_tensor v_cache;    /* [B, capacity, Hkv, d_v] */
  wl_tensor lengths;    /* [B]: tokens that each sequence holds already; read, not changed */
  wl_tensor cu_seqlens; /* [B + 1]; absent: B is 1 and all of k belongs to it */
  wl_tensor cos;        /* optional rotation of the keys: [positions, R/2], as wl_rope_table writes it */
  wl_tensor sin;        /* as cos */
} wl_kv_append_params;

/* Writes token i of sequence b to cache position lengths[b] + i, keys rotated on the way where cos and sin
 * are given (row lengths[b] + i of the tables).
 * Shapes: see wl_kv_append_params; R is even and at most d_k.
 * Types: k and v of one type, the caches of one type: float32, float16 or bfloat16, converted with rounding
 * to nearest even; cos and sin float32; lengths and cu_seqlens int32.
 * Units: none.
 * Alignment: elements; last strides are 1, the others are free.
 * Threads: any number of callers on different sequences; the caches must overlap no input.
 * Determinism: exact. On CUDA lengths and offsets are not checked: a token is left out where its sequence's length is
 * negative, where its position lies outside the cache or the tables, and where the offsets name no sequence for it.
 * Errors: INVALID_ARGUMENT (shapes, types, a length that is negative or would pass the capacity or the
 * tables, offsets that decrease or leave the tensor), NO_DEVICE. Nothing is written then.
 * Reference: tests/native/kv_cache_test.cpp. */
WL_API wl_status wl_kv_append(const wl_kv_append_params* params, const wl_launch* at);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_KV_CACHE_H */
