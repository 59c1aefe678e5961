/// The rows of reduce, and the normal form of its shape.
#include "../table.h"
#include "reduce.h"

int32_t maas_f32_reduce_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_reduce_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_reduce_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_reduce_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_reduce_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_reduce_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_reduce_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_reduce_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_reduce, rows)

/// Drops dimensions of 1 and merges neighbours of one kind.
static void normalise(maas_f32_reduce_params *g) {
  int32_t last = 0;
  for (int32_t d = 0; d < g->rank; d++) {
    if (g->dims[d] == 1)
      continue;
    if (last > 0 && g->reduced[last - 1] == g->reduced[d]) {
      g->dims[last - 1] *= g->dims[d];
    } else {
      g->dims[last] = g->dims[d];
      g->reduced[last++] = g->reduced[d];
    }
  }
  if (last == 0) {
    g->dims[0] = 1;
    g->reduced[0] = false;
    last = 1;
  }
  g->rank = last;
}

maas_split maas_f32_reduce_split(maas_f32_reduce_params *g) {
  normalise(g);
  maas_reduce_shape s = maas_reduce_shape_of(g);
  double element_ns = g->op == MAAS_REDUCE_LOG_SUM_EXP ? 2 : g->op == MAAS_REDUCE_PROD ? 1 : 0.2;
  if (!s.by_column)
    return maas_split_by_cost(s.outputs, 30 + element_ns * (double)s.rows * (double)s.inner, 0);
  double columns = (double)maas_min64(s.inner, maas_reduce_columns);
  return maas_split_by_cost(s.outputs * maas_reduce_blocks(s.inner),
                            100 + element_ns * (double)s.rows * columns, 0);
}
