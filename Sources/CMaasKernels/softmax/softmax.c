/// The rows of softmax and of its form for tiles. A work item is a row, or a block of columns.
#include "../table.h"
#include "softmax.h"

int32_t maas_f32_softmax_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_softmax_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_softmax_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_softmax_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_softmax_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_softmax_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_softmax_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_softmax_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_softmax, rows)

maas_split maas_f32_softmax_split(const maas_f32_softmax_params *g) {
  if (g->axis == 0 || g->inner == 0)
    return (maas_split){.grain = 1};
  if (g->inner == 1)
    return maas_split_by_cost(g->outer, 20 + 2.0 * (double)g->axis, 0);
  double columns = (double)maas_min64(g->inner, maas_softmax_columns);
  return maas_split_by_cost(g->outer * maas_ceil_div(g->inner, maas_softmax_columns),
                            20 + 3.0 * (double)g->axis * columns, 0);
}

int32_t maas_f32_online_softmax_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_online_softmax_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_online_softmax_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_online_softmax_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel online_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_online_softmax_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_online_softmax_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_online_softmax_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_online_softmax_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_online_softmax, online_rows)

maas_split maas_f32_online_softmax_split(const maas_f32_online_softmax_params *g) {
  return maas_split_by_cost(g->rows, 20 + 2.0 * (double)g->n + 0.2 * (double)g->width, 0);
}
