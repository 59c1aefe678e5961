/// The rows of the normalisations. A work item is a row.
#include "../split.h"
#include "../table.h"

int32_t maas_f32_layer_norm_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_layer_norm_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_layer_norm_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_layer_norm_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel layer_norm_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_layer_norm_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_layer_norm_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_layer_norm_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_layer_norm_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_layer_norm, layer_norm_rows)

maas_split maas_f32_layer_norm_split(const maas_f32_layer_norm_params *g) {
  return maas_split_by_cost(g->n == 0 ? 0 : g->rows, 30 + 0.8 * (double)g->n, 0);
}

int32_t maas_f32_channel_affine_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_channel_affine_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_channel_affine_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_channel_affine_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel channel_affine_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_channel_affine_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_channel_affine_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_channel_affine_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_channel_affine_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_channel_affine, channel_affine_rows)

maas_split maas_f32_channel_affine_split(const maas_f32_channel_affine_params *g) {
  bool whole_rows = g->inner == 1;
  int64_t items = whole_rows ? g->outer : g->outer * g->channels, n = whole_rows ? g->channels : g->inner;
  double element_ns = g->activation.op < MAAS_UNARY_EXP ? 0.3 : 2;
  return maas_split_by_cost(n == 0 ? 0 : items, 5 + element_ns * (double)n, 0);
}
