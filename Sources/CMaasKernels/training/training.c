/// The rows of the kernels of gradients, and how they are split.
#include "training.h"
#include "../table.h"

#if defined(__x86_64__)
#define MAAS_VECTOR_ROWS(family)                                                                             \
  MAAS_ROW(family##_16_avx512, MAAS_ISA_AVX512, 1, 16), MAAS_ROW(family##_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
#define MAAS_VECTOR_ROWS(family) MAAS_ROW(family##_4_neon, MAAS_ISA_NEON, 1, 4),
#else
#define MAAS_VECTOR_ROWS(family)
#endif

#define MAAS_FAMILY(family)                                                                                  \
  int32_t family##_16_avx512(MAAS_STEP_ARGUMENTS);                                                           \
  int32_t family##_8_avx2(MAAS_STEP_ARGUMENTS);                                                              \
  int32_t family##_4_neon(MAAS_STEP_ARGUMENTS);                                                              \
  int32_t family##_1_scalar(MAAS_STEP_ARGUMENTS);                                                            \
  static const maas_kernel family##_rows[] = {MAAS_VECTOR_ROWS(family)                                       \
                                                  MAAS_ROW(family##_1_scalar, MAAS_ISA_SCALAR, 1, 1)};       \
  MAAS_ENTRY(family, family##_rows)

MAAS_FAMILY(maas_f32_slope)
MAAS_FAMILY(maas_f32_softmax_slope)
MAAS_FAMILY(maas_f32_layer_norm_slope)
MAAS_FAMILY(maas_f32_layer_norm_sums)
MAAS_FAMILY(maas_f32_channel_norm_slope)

maas_split maas_f32_slope_split(const maas_f32_unary_params *params) {
  maas_unary op = params->function.op;
  double element_ns = op < MAAS_UNARY_EXP ? 0.5 : op < MAAS_UNARY_SIN ? 1.5 : 30;
  return maas_split_by_cost(params->n, element_ns, 0);
}

maas_split maas_f32_softmax_slope_split(const maas_f32_softmax_params *params) {
  return maas_f32_softmax_split(params);
}

maas_split maas_f32_layer_norm_slope_split(const maas_f32_layer_norm_params *g) {
  return maas_split_by_cost(g->n == 0 ? 0 : g->rows, 40 + 1.2 * (double)g->n, 0);
}

maas_split maas_f32_layer_norm_sums_split(const maas_f32_layer_norm_params *g) {
  return maas_split_by_cost(maas_ceil_div(g->n, maas_norm_columns), 100 + 30 * (double)g->rows, 0);
}

maas_split maas_f32_channel_norm_slope_split(const maas_f32_channel_norm_params *g) {
  double elements = (double)g->outer * (double)g->inner;
  return maas_split_by_cost(elements > 0 ? g->channels : 0, 100 + 1.5 * elements, 0);
}
