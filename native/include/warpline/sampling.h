/* Choosing the next token. */
#ifndef WARPLINE_SAMPLING_H
#define WARPLINE_SAMPLING_H

#include <warpline/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wl_argmax_params {
  uint32_t struct_size;
  uint32_t flags;   /* none defined: zero */
  wl_tensor logits; /* [M, V] */
  wl_tensor ids;    /* [M], receives the index of each row's largest element */
} wl_argmax_params;

/* Index of the largest element of each row; the lowest index among equals. NaN is never chosen; a row of NaN
 * only gives 0.
 * Shapes: logits [M, V], V at least 1; ids [M].
 * Types: logits float32, float16 or bfloat16; ids int32. Units: none.
 * Alignment: elements; the last stride of logits is 1. Threads: any number of callers.
 * Determinism: exact.
 * Errors: INVALID_ARGUMENT (shapes, types, strides), NO_DEVICE.
 * Reference: tests/native/sampling_test.cpp. */
WL_API wl_status wl_argmax(const wl_argmax_params* params, const wl_launch* at);

/* Settings of one row. All zero means: sample from the plain softmax. 48 bytes, frozen. */
typedef struct wl_sampling_row {
  float temperature;        /* logits are divided by it; 0 means 1 */
  float top_p;              /* keep the most probable tokens up to this mass; 0 means 1 (all) */
  float min_p;              /* drop tokens below min_p times the largest probability; 0 means none */
  float repetition_penalty; /* of tokens in the history: l > 0 ? l / r : l * r; 0 means 1 (none) */
  float frequency_penalty;  /* subtracted once for each time that the token is in the history */
  float presence_penalty;   /* subtracted once where the token is in the history */
  int32_t top_k;            /* keep the k most probable tokens; 0 means all */
  int32_t greedy;           /* nonzero: the largest logit after the penalties, no random number */
  uint64_t seed;            /* key of the generator */
  uint64_t position;        /* counter of the generator: a different random number for each */
} wl_sampling_row;

typedef struct wl_sample_params {
  uint32_t struct_size;
  int32_t reserved0;               /* zero */
  wl_tensor logits;                /* [M, V] */
  wl_tensor history;               /* packed [total], optional: token ids that the penalties count */
  wl_tensor history_offsets;       /* [M + 1], exactly where history is given */
  const wl_sampling_row* settings; /* M of them, in memory of the device */
  uint64_t settings_count;         /* M */
  wl_tensor ids;                   /* [M], receives the tokens */
  wl_tensor
      log_probabilities; /* [M], optional: of the chosen token under the softmax of the logits as given */
} wl_sample_params;

/* Draws one token for each row: penalties, temperature, top-k, top-p, min-p (Hugging Face's order), then the
 * inverse of the cumulated probability, in order of token id, at a uniform number from Philox4x32-10 (key =
 * seed, counter = (position low, position high, 0, 0), first word, (word + 0.5) / 2^32). Ties at a top-k or
 * top-p boundary are kept by lower token id first. NaN and -infinity are never chosen.
 * Shapes: see wl_sample_params; V at least 1.
 * Types: logits float32, float16 or bfloat16; log_probabilities float32; history, history_offsets and ids
 * int32.
 * Units: natural logarithm.
 * Alignment: elements, and 8 bytes for settings; last strides are 1. Threads: any number of callers.
 * Determinism: exact: same logits, settings and history, same tokens. The devices agree on a token unless the random
 * number lies within the rounding of the sums at its boundary. On CUDA settings and history are not checked: ids outside
 * [0, V) are not counted, offsets are cut to [0, total], a setting outside its range may choose any token of the row,
 * and a row in which nothing can be chosen gets the id -1 and a log-probability of NaN.
 * Errors: INVALID_ARGUMENT (shapes, types, strides; a setting outside its range, named with its row; a
 * history id outside [0, V); a row in which nothing can be chosen), OUT_OF_MEMORY, NO_DEVICE.
 * Reference: tests/native/sampling_test.cpp, in double precision. */
WL_API wl_status wl_sample(const wl_sample_params* params, const wl_launch* at);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_SAMPLING_H */
