// Attention with a learned bias for each head and distance between query and key, as T5 has it.
#pragma once

#include <warpline/attention.h>

#include <cstdint>

// As wl_attention on a CUDA device, for bfloat16 q, k and v: a score is scale * q.k + bias[head][min(|position - key|,
// distances - 1)]. `bias`: float32 [heads of q, distances] in the device's memory. Of the parameters scale, softcap and
// alibi_slopes must be 0, absent and absent.
wl_status attention_with_relative_bias(const wl_attention_params* params, float scale, const float* bias,
                                       int32_t distances, const wl_launch* at);
