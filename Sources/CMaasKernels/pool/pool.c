/// The rows of pool, and how it is cut into items.
#include <math.h>
#include "../table.h"
#include "pool.h"

int32_t maas_f32_pool_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_pool_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_pool_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_pool_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_pool_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_pool_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_pool_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_pool_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_pool, rows)

maas_split maas_f32_pool_split(const maas_f32_pool_params *g) {
  if (g->planes == 0 || maas_window_volume(g->output) == 0)
    return (maas_split){.grain = 1};
  maas_window w = maas_pool_window(g);
  int64_t blocks = maas_ceil_div(g->output[maas_height], maas_strip_rows(&w)) * g->output[maas_depth];
  double taps = (double)maas_window_volume(g->output) * (double)maas_window_volume(g->kernel);
  int64_t scratch = maas_pool_taps_bytes(g) + maas_pool_counts_bytes(g) + maas_strip_bytes(&w);
  return maas_split_by_cost(g->planes * blocks, 100 + taps / (double)blocks / 5, scratch);
}

int32_t maas_f32_pool_nhwc_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_pool_nhwc_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_pool_nhwc_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_pool_nhwc_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel nhwc_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_pool_nhwc_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_f32_pool_nhwc_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_pool_nhwc_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_f32_pool_nhwc_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_f32_pool_nhwc, nhwc_rows)

maas_split maas_f32_pool_nhwc_split(const maas_f32_pool_params *g) {
  int64_t items = g->planes == 0 || g->channels == 0 ? 0 : g->planes / g->channels;
  double taps = (double)(g->output[maas_width] * g->channels) * (double)maas_window_volume(g->kernel);
  return maas_split_by_cost(items * g->output[maas_depth] * g->output[maas_height], 50 + taps / 15, 0);
}

int32_t maas_s8_pool_nhwc_16_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_pool_nhwc_8_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_pool_nhwc_4_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_pool_nhwc_1_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel byte_rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_s8_pool_nhwc_16_avx512, MAAS_ISA_AVX512, 1, 16),
    MAAS_ROW(maas_s8_pool_nhwc_8_avx2, MAAS_ISA_AVX2, 1, 8),
#elif defined(__aarch64__)
    MAAS_ROW(maas_s8_pool_nhwc_4_neon, MAAS_ISA_NEON, 1, 4),
#endif
    MAAS_ROW(maas_s8_pool_nhwc_1_scalar, MAAS_ISA_SCALAR, 1, 1),
};
MAAS_ENTRY(maas_s8_pool_nhwc, byte_rows)
