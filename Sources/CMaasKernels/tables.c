/// The list of all tables, and the choice of a row.
#include "table.h"

const maas_kernel *maas_kernel_selected(const maas_kernel_table *table) {
  int32_t row = 0;
  while (row < table->count - 1 && table->rows[row].isa > maas_isa_process())
    row++;
  return &table->rows[row];
}

/// MAAS_CORE leaves out the families that the operators of common networks do not use: a table that is named here stays
/// in the library with its rows.
static const maas_kernel_table *const tables[] = {
    &maas_f32_gemm_table,
    &maas_f32_gemm_pack_table,
    &maas_f32_conv_table,
    &maas_f32_pool_table,
    &maas_f32_unary_table,
    &maas_f32_binary_table,
    &maas_f32_softmax_table,
    &maas_f32_layer_norm_table,
    &maas_f32_channel_affine_table,
    &maas_f32_reduce_table,
    &maas_f32_lstm_table,
    &maas_copy_table,
    &maas_fill_table,
    &maas_gather_table,
    &maas_f32_convert_table,
    &maas_f32_conv_nhwc_table,
    &maas_f32_conv_nhwc_pack_table,
    &maas_f32_pool_nhwc_table,
    &maas_s8_pool_nhwc_table,
    &maas_f32_fold_nhwc_table,
#ifndef MAAS_CORE
    &maas_f32_online_softmax_table,
    &maas_f32_row_dots_table,
    &maas_f32_row_sums_table,
    &maas_f32_rotary_table,
    &maas_f32_quantize_table,
    &maas_f32_dequantize_table,
    &maas_s8_gemm_table,
    &maas_s8_pack_table,
    &maas_s8_conv_table,
    &maas_s8_conv_pack_table,
    &maas_f32_trees_table,
    &maas_f64_trees_table,
    &maas_f32_tree_rest_table,
    &maas_f64_tree_rest_table,
    &maas_f32_nbits_table,
    &maas_f32_qbinary_table,
    &maas_s8_table_table,
    &maas_f32_block_bytes_table,
    &maas_f32_range_table,
    &maas_f32_slope_table,
    &maas_f32_softmax_slope_table,
    &maas_f32_layer_norm_slope_table,
    &maas_f32_layer_norm_sums_table,
    &maas_f32_channel_norm_slope_table,
    &maas_f32_dropout_table,
    &maas_f64_gemm_table,
    &maas_f32_update_table,
    &maas_f32_square_sums_table,
    &maas_f32_conv_weights_table,
    &maas_f32_conv_weights_finish_table,
    &maas_f32_pool_slope_table,
    &maas_f32_recurrent_forward_table,
    &maas_f32_recurrent_backward_table,
    &maas_f32_conv_direct_table,
    &maas_f32_conv_direct_pack_table,
#endif
};

int32_t maas_kernel_table_count(void) { return sizeof(tables) / sizeof(tables[0]); }

const maas_kernel_table *maas_kernel_table_at(int32_t index) {
  return index >= 0 && index < maas_kernel_table_count() ? tables[index] : NULL;
}

const char *maas_kernel_name(const maas_step *step) {
  for (int32_t i = 0; i < maas_kernel_table_count(); i++)
    if (tables[i]->entry == step->run)
      return maas_kernel_selected(tables[i])->name;
  return NULL;
}
