/* Prints where each field of each public struct lies, as C sees it, for tests that compare other languages'
 * structs. One line a field: `struct field offset size`, in bytes, in order of declaration; the struct itself
 * comes first, as `struct . 0 size`. */
#include <stddef.h>
#include <stdio.h>
#include <warpline/warpline.h>

#define STRUCT(s) printf("%s . 0 %u\n", #s, (unsigned)sizeof(s))
#define FIELD(s, f) printf("%s %s %u %u\n", #s, #f, (unsigned)offsetof(s, f), (unsigned)sizeof(((s*)0)->f))

int main(void) {
  STRUCT(wl_tensor);
  FIELD(wl_tensor, data);
  FIELD(wl_tensor, dtype);
  FIELD(wl_tensor, rank);
  FIELD(wl_tensor, shape);
  FIELD(wl_tensor, strides);
  FIELD(wl_tensor, reserved);

  STRUCT(wl_launch);
  FIELD(wl_launch, struct_size);
  FIELD(wl_launch, device_kind);
  FIELD(wl_launch, device_index);
  FIELD(wl_launch, flags);
  FIELD(wl_launch, stream);
  FIELD(wl_launch, workspace);
  FIELD(wl_launch, workspace_bytes);

  STRUCT(wl_device_info);
  FIELD(wl_device_info, struct_size);
  FIELD(wl_device_info, kind);
  FIELD(wl_device_info, index);
  FIELD(wl_device_info, compute_units);
  FIELD(wl_device_info, memory_bytes);
  FIELD(wl_device_info, name);
  FIELD(wl_device_info, isa);

  STRUCT(wl_gemm_params);
  FIELD(wl_gemm_params, struct_size);
  FIELD(wl_gemm_params, activation);
  FIELD(wl_gemm_params, x);
  FIELD(wl_gemm_params, weight);
  FIELD(wl_gemm_params, bias);
  FIELD(wl_gemm_params, residual);
  FIELD(wl_gemm_params, y);
  FIELD(wl_gemm_params, packed);
  FIELD(wl_gemm_params, packed_bytes);
  FIELD(wl_gemm_params, up_weight);
  FIELD(wl_gemm_params, up_bias);
  FIELD(wl_gemm_params, up_packed);
  FIELD(wl_gemm_params, up_packed_bytes);

  STRUCT(wl_packed_weight_header);
  FIELD(wl_packed_weight_header, magic);
  FIELD(wl_packed_weight_header, version);
  FIELD(wl_packed_weight_header, layout);
  FIELD(wl_packed_weight_header, dtype);
  FIELD(wl_packed_weight_header, reserved0);
  FIELD(wl_packed_weight_header, n);
  FIELD(wl_packed_weight_header, k);
  FIELD(wl_packed_weight_header, bytes);
  FIELD(wl_packed_weight_header, checksum);
  FIELD(wl_packed_weight_header, reserved1);

  STRUCT(wl_attention_params);
  FIELD(wl_attention_params, struct_size);
  FIELD(wl_attention_params, flags);
  FIELD(wl_attention_params, scale);
  FIELD(wl_attention_params, softcap);
  FIELD(wl_attention_params, window_left);
  FIELD(wl_attention_params, window_right);
  FIELD(wl_attention_params, q);
  FIELD(wl_attention_params, k);
  FIELD(wl_attention_params, v);
  FIELD(wl_attention_params, o);
  FIELD(wl_attention_params, lse);
  FIELD(wl_attention_params, cu_seqlens_q);
  FIELD(wl_attention_params, cu_seqlens_k);
  FIELD(wl_attention_params, seqused_k);
  FIELD(wl_attention_params, alibi_slopes);
  FIELD(wl_attention_params, sinks);

  STRUCT(wl_kv_append_params);
  FIELD(wl_kv_append_params, struct_size);
  FIELD(wl_kv_append_params, flags);
  FIELD(wl_kv_append_params, k);
  FIELD(wl_kv_append_params, v);
  FIELD(wl_kv_append_params, k_cache);
  FIELD(wl_kv_append_params, v_cache);
  FIELD(wl_kv_append_params, lengths);
  FIELD(wl_kv_append_params, cu_seqlens);
  FIELD(wl_kv_append_params, cos);
  FIELD(wl_kv_append_params, sin);

  STRUCT(wl_norm_params);
  FIELD(wl_norm_params, struct_size);
  FIELD(wl_norm_params, flags);
  FIELD(wl_norm_params, kind);
  FIELD(wl_norm_params, epsilon);
  FIELD(wl_norm_params, x);
  FIELD(wl_norm_params, residual);
  FIELD(wl_norm_params, weight);
  FIELD(wl_norm_params, bias);
  FIELD(wl_norm_params, y);
  FIELD(wl_norm_params, residual_out);

  STRUCT(wl_rope_table_params);
  FIELD(wl_rope_table_params, struct_size);
  FIELD(wl_rope_table_params, scaling);
  FIELD(wl_rope_table_params, base);
  FIELD(wl_rope_table_params, factor);
  FIELD(wl_rope_table_params, low_frequency_factor);
  FIELD(wl_rope_table_params, high_frequency_factor);
  FIELD(wl_rope_table_params, original_max_positions);
  FIELD(wl_rope_table_params, beta_fast);
  FIELD(wl_rope_table_params, beta_slow);
  FIELD(wl_rope_table_params, attention_factor);
  FIELD(wl_rope_table_params, yarn_exact_range);
  FIELD(wl_rope_table_params, frequency_dtype);
  FIELD(wl_rope_table_params, cos);
  FIELD(wl_rope_table_params, sin);

  STRUCT(wl_rope_params);
  FIELD(wl_rope_params, struct_size);
  FIELD(wl_rope_params, flags);
  FIELD(wl_rope_params, x);
  FIELD(wl_rope_params, y);
  FIELD(wl_rope_params, positions);
  FIELD(wl_rope_params, cos);
  FIELD(wl_rope_params, sin);

  STRUCT(wl_activation_params);
  FIELD(wl_activation_params, struct_size);
  FIELD(wl_activation_params, activation);
  FIELD(wl_activation_params, x);
  FIELD(wl_activation_params, up);
  FIELD(wl_activation_params, y);

  STRUCT(wl_embedding_params);
  FIELD(wl_embedding_params, struct_size);
  FIELD(wl_embedding_params, flags);
  FIELD(wl_embedding_params, table);
  FIELD(wl_embedding_params, ids);
  FIELD(wl_embedding_params, y);

  STRUCT(wl_pool_params);
  FIELD(wl_pool_params, struct_size);
  FIELD(wl_pool_params, flags);
  FIELD(wl_pool_params, kind);
  FIELD(wl_pool_params, reserved0);
  FIELD(wl_pool_params, x);
  FIELD(wl_pool_params, cu_seqlens);
  FIELD(wl_pool_params, y);

  STRUCT(wl_softmax_params);
  FIELD(wl_softmax_params, struct_size);
  FIELD(wl_softmax_params, flags);
  FIELD(wl_softmax_params, x);
  FIELD(wl_softmax_params, y);

  STRUCT(wl_argmax_params);
  FIELD(wl_argmax_params, struct_size);
  FIELD(wl_argmax_params, flags);
  FIELD(wl_argmax_params, logits);
  FIELD(wl_argmax_params, ids);

  STRUCT(wl_sampling_row);
  FIELD(wl_sampling_row, temperature);
  FIELD(wl_sampling_row, top_p);
  FIELD(wl_sampling_row, min_p);
  FIELD(wl_sampling_row, repetition_penalty);
  FIELD(wl_sampling_row, frequency_penalty);
  FIELD(wl_sampling_row, presence_penalty);
  FIELD(wl_sampling_row, top_k);
  FIELD(wl_sampling_row, greedy);
  FIELD(wl_sampling_row, seed);
  FIELD(wl_sampling_row, position);

  STRUCT(wl_sample_params);
  FIELD(wl_sample_params, struct_size);
  FIELD(wl_sample_params, reserved0);
  FIELD(wl_sample_params, logits);
  FIELD(wl_sample_params, history);
  FIELD(wl_sample_params, history_offsets);
  FIELD(wl_sample_params, settings);
  FIELD(wl_sample_params, settings_count);
  FIELD(wl_sample_params, ids);
  FIELD(wl_sample_params, log_probabilities);
  return 0;
}
