#ifndef MAAS_TABLE_H
#define MAAS_TABLE_H
/// What a family needs to register its kernels: a row per instruction set and the entry that runs the best.
#include <stdatomic.h>
#include "maas_kernel_tables.h"

#define MAAS_STEP_ARGUMENTS const maas_step *step, int64_t begin, int64_t end, maas_worker *worker

/// One row; the kernel must be declared.
#define MAAS_ROW(kernel, isa, mr, nr)                                                                        \
  { #kernel, isa, mr, nr, kernel }

/// Defines the entry `name` and its table `name`_table over the array `table_rows`.
#define MAAS_ENTRY(name, table_rows)                                                                         \
  const maas_kernel_table name##_table = {#name, name, table_rows,                                           \
                                          sizeof(table_rows) / sizeof((table_rows)[0])};                     \
  int32_t name(MAAS_STEP_ARGUMENTS) {                                                                        \
    static _Atomic(maas_step_run) chosen;                                                                    \
    maas_step_run run = atomic_load_explicit(&chosen, memory_order_relaxed);                                 \
    if (__builtin_expect(run == NULL, 0)) {                                                                  \
      run = maas_kernel_selected(&name##_table)->run;                                                        \
      atomic_store_explicit(&chosen, run, memory_order_relaxed);                                             \
    }                                                                                                        \
    return run(step, begin, end, worker);                                                                    \
  }

/// The tier this process uses. Read once, so that packed weights and the kernels that read them always agree.
maas_isa maas_isa_process(void);

/// Whether the process may use AVX-512 VNNI or NEON's dot products: no tiers, as they speed up products of bytes only.
bool maas_cpu_dots_bytes(void);

/// Whether the process may use AVX-512 VBMI.
bool maas_cpu_permutes_bytes(void);

extern const maas_kernel_table maas_f32_gemm_table, maas_f32_gemm_pack_table, maas_f32_conv_table,
    maas_f32_pool_table, maas_f32_unary_table, maas_f32_binary_table, maas_f32_softmax_table,
    maas_f32_layer_norm_table, maas_f32_channel_affine_table, maas_f32_reduce_table, maas_f32_lstm_table,
    maas_f32_online_softmax_table, maas_f32_row_dots_table, maas_f32_row_sums_table, maas_f32_rotary_table,
    maas_copy_table, maas_fill_table, maas_gather_table, maas_f32_quantize_table, maas_f32_dequantize_table,
    maas_f32_convert_table, maas_s8_gemm_table, maas_s8_pack_table, maas_s8_conv_table,
    maas_s8_conv_pack_table, maas_f32_trees_table, maas_f64_trees_table, maas_f32_tree_rest_table,
    maas_f64_tree_rest_table, maas_f32_nbits_table, maas_f32_qbinary_table, maas_s8_table_table,
    maas_f32_block_bytes_table, maas_f32_range_table, maas_f32_conv_nhwc_table, maas_f32_conv_nhwc_pack_table,
    maas_f32_pool_nhwc_table, maas_s8_pool_nhwc_table, maas_f32_fold_nhwc_table, maas_f32_slope_table,
    maas_f32_softmax_slope_table, maas_f32_layer_norm_slope_table, maas_f32_layer_norm_sums_table,
    maas_f32_channel_norm_slope_table, maas_f32_dropout_table, maas_f64_gemm_table, maas_f32_update_table,
    maas_f32_square_sums_table, maas_f32_conv_weights_table, maas_f32_conv_weights_finish_table,
    maas_f32_pool_slope_table, maas_dropout_table, maas_f32_recurrent_forward_table,
    maas_f32_recurrent_backward_table, maas_f32_conv_direct_table, maas_f32_conv_direct_pack_table;

#endif
