/// The rows of conv, the choice of a path, and how it is cut into items.
#include "conv.h"
#include "../gemm/layout.h"
#include "../table.h"

int32_t maas_f32_conv_14x32_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_6x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_8x12_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_4x8_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_conv_14x32_avx512, MAAS_ISA_AVX512, 14, 32),
    MAAS_ROW(maas_f32_conv_6x16_avx2, MAAS_ISA_AVX2, 6, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_conv_8x12_neon, MAAS_ISA_NEON, 8, 12),
#endif
    MAAS_ROW(maas_f32_conv_4x8_scalar, MAAS_ISA_SCALAR, 4, 8),
};
MAAS_ENTRY(maas_f32_conv, rows)

enum { most_columns = 128, least_rows = 48, wanted_items = 16 };

/// One tap that moves over every position: the image is one long row, and its panels are plain copies.
static void flatten_pointwise(maas_f32_conv_params *g) {
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    if (g->kernel[d] != 1 || g->stride[d] != 1 || g->pad[d] != 0 || g->input[d] != g->output[d])
      return;
  int64_t positions = maas_window_volume(g->input);
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    g->input[d] = g->output[d] = d == maas_width ? positions : 1;
}

static maas_split split_depthwise(const maas_f32_conv_params *g) {
  maas_window w = maas_conv_window(g);
  int64_t blocks = maas_ceil_div(g->output[maas_height], maas_strip_rows(&w));
  int64_t items = g->batch * g->filters * g->output[maas_depth] * blocks;
  double macs = (double)maas_window_volume(g->output) * (double)maas_window_volume(g->kernel);
  double item_ns = 100 + macs / (double)(blocks * g->output[maas_depth]) / 10;
  int64_t scratch = maas_conv_taps_bytes(g) + maas_strip_bytes(&w);
  return maas_split_by_cost(items, item_ns, scratch);
}

static maas_split split_product(maas_f32_conv_params *g, const maas_kernel *kernel) {
  int64_t filters = g->filters / g->groups, positions = maas_window_volume(g->output);
  int64_t k = g->channels / g->groups * maas_window_volume(g->kernel);
  int64_t pieces = maas_ceil_div(positions, most_columns / kernel->nr * kernel->nr);
  g->tile_n = maas_round_up(maas_ceil_div(positions, pieces), kernel->nr);
  g->tile_m = maas_round_up(filters, kernel->mr);
  int64_t tiles = g->batch * g->groups * maas_ceil_div(positions, g->tile_n);
  double flops = 2.0 * (double)k * (double)g->tile_n;
  // More row tiles pack the same patches again: only where columns alone do not occupy the threads.
  while (tiles * maas_ceil_div(filters, g->tile_m) < wanted_items && g->tile_m >= 2 * least_rows &&
         flops * (double)g->tile_m / 50 > 4 * MAAS_CHUNK_NANOSECONDS)
    g->tile_m = maas_round_up(g->tile_m / 2, kernel->mr);
  int64_t items = tiles * maas_ceil_div(filters, g->tile_m);
  int64_t scratch = g->tile_n * maas_gemm_kc(k) * (int64_t)sizeof(float);
  return maas_split_by_cost(items, 100 + flops * (double)maas_min64(g->tile_m, filters) / 50, scratch);
}

maas_split maas_f32_conv_split_for(const maas_kernel *kernel, maas_f32_conv_params *g) {
  if (g->batch == 0 || g->filters == 0 || maas_window_volume(g->output) == 0)
    return (maas_split){.grain = 1};
  bool one_channel = g->groups > 1 && g->channels == g->groups;
  g->path = one_channel ? maas_conv_depthwise : maas_conv_product;
  if (one_channel)
    return split_depthwise(g);
  flatten_pointwise(g);
  return split_product(g, kernel);
}

maas_split maas_f32_conv_split(maas_f32_conv_params *params) {
  return maas_f32_conv_split_for(maas_kernel_selected(&maas_f32_conv_table), params);
}
