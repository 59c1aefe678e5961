/// The rows of quantize, dequantize, convert and qbinary. A work item is an element of x.
#include <string.h>
#include "maas_quant.h"
#include "../split.h"
#include "../table.h"
#include "../walk.h"

#if defined(__x86_64__)
#define DECLARED(op)                                                                                         \
  int32_t maas_f32_##op##_16_avx512(MAAS_STEP_ARGUMENTS);                                                    \
  int32_t maas_f32_##op##_8_avx2(MAAS_STEP_ARGUMENTS);
#define FASTER_ROWS(op)                                                                                      \
  MAAS_ROW(maas_f32_##op##_16_avx512, MAAS_ISA_AVX512, 1, 16),                                               \
      MAAS_ROW(maas_f32_##op##_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
#define DECLARED(op) int32_t maas_f32_##op##_4_neon(MAAS_STEP_ARGUMENTS);
#define FASTER_ROWS(op) MAAS_ROW(maas_f32_##op##_4_neon, MAAS_ISA_NEON, 1, 4),
#else
#define DECLARED(op)
#define FASTER_ROWS(op)
#endif

/// The table and the entry of one operation.
#define OPERATION(op)                                                                                        \
  DECLARED(op)                                                                                               \
  int32_t maas_f32_##op##_1_scalar(MAAS_STEP_ARGUMENTS);                                                     \
  static const maas_kernel op##_rows[] = {FASTER_ROWS(op)                                                    \
                                              MAAS_ROW(maas_f32_##op##_1_scalar, MAAS_ISA_SCALAR, 1, 1)};    \
  MAAS_ENTRY(maas_f32_##op, op##_rows)

OPERATION(quantize)
OPERATION(dequantize)
OPERATION(convert)
OPERATION(qbinary)
OPERATION(block_bytes)
OPERATION(range)

enum { range_block = 8192 };

maas_split maas_f32_range_split(maas_f32_range_params *params) {
  params->block = range_block;
  return maas_split_by_cost(maas_ceil_div(params->n, range_block), 0.1 * range_block, 0);
}

maas_split maas_f32_block_bytes_split(const maas_block_bytes_params *params) {
  return maas_split_by_cost(params->blocks, 5 + 0.7 * (double)params->block, 0);
}

maas_split maas_f32_qbinary_split(maas_qbinary_params *params) {
  params->rank = maas_collapse(params->rank, params->dims, params->a_strides, params->b_strides);
  int64_t inner = params->dims[params->rank - 1];
  double element_ns = 0.5 + 10.0 / (double)maas_max64(inner, 1);
  return maas_split_by_cost(maas_element_count(params->rank, params->dims), element_ns, 0);
}

maas_split maas_f32_convert_split(const maas_f32_convert_params *params) {
  return maas_split_by_cost(params->n, 0.5, 0);
}

maas_split maas_f32_quantize_split(maas_quantize_params *params) {
  int64_t same[MAAS_MAX_RANK];
  memcpy(same, params->strides, sizeof same);
  params->rank = maas_collapse(params->rank, params->dims, params->strides, same);
  int64_t inner = params->dims[params->rank - 1];
  double element_ns = 0.7 + 10.0 / (double)maas_max64(inner, 1);
  return maas_split_by_cost(maas_element_count(params->rank, params->dims), element_ns, 0);
}
