/// The rows of channels-last convolution, the choice of a path, and how it is cut into items.
#include "nhwc.h"
#include "../table.h"

int32_t maas_f32_conv_nhwc_14x32_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_nhwc_6x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_nhwc_8x12_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_conv_nhwc_4x8_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_conv_nhwc_14x32_avx512, MAAS_ISA_AVX512, 14, 32),
    MAAS_ROW(maas_f32_conv_nhwc_6x16_avx2, MAAS_ISA_AVX2, 6, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_conv_nhwc_8x12_neon, MAAS_ISA_NEON, 8, 12),
#endif
    MAAS_ROW(maas_f32_conv_nhwc_4x8_scalar, MAAS_ISA_SCALAR, 4, 8),
};
MAAS_ENTRY(maas_f32_conv_nhwc, rows)

enum {
  strip_elements = 1 << 16,       ///< A strip that leaves the second-level cache room for weights.
  winograd_elements = 180 * 1024, ///< The same of all that a block of Winograd's tiles needs.
  least_tiles = 12,               ///< Fewer do not pay for reading four times as many weights.
  least_channels = 32,
  wanted_items = 8,
};

static bool all(const int64_t *sizes, int64_t a, int64_t b, int64_t c) {
  return sizes[maas_depth] == a && sizes[maas_height] == b && sizes[maas_width] == c;
}

static bool is_flat(const maas_f32_conv_params *g) {
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    if (g->input[d] != g->output[d])
      return false;
  return all(g->kernel, 1, 1, 1) && all(g->stride, 1, 1, 1) && all(g->pad, 0, 0, 0) && g->channels % 512 != 0;
}

static bool takes_winograd(const maas_f32_conv_params *g) {
  bool fits = all(g->kernel, 1, 3, 3) && all(g->stride, 1, 1, 1) && all(g->dilation, 1, 1, 1) &&
              g->groups == 1 && g->pad[maas_depth] == 0 && g->input[maas_depth] == g->output[maas_depth];
  return fits && g->channels % 16 == 0 && g->filters % 16 == 0 && g->channels >= least_channels &&
         g->filters >= least_channels &&
         g->batch * g->output[maas_depth] * maas_plane_tiles(g) >= least_tiles;
}

static int32_t path_of(const maas_f32_conv_params *g) {
  if (g->groups > 1 && g->channels == g->groups && g->filters == g->groups)
    return maas_nhwc_depthwise;
  return takes_winograd(g) ? maas_nhwc_winograd : is_flat(g) ? maas_nhwc_flat : maas_nhwc_strip;
}

static double nanoseconds(double flops) { return flops / 50; }

/// Whether there is something for every thread, or smaller items are worth nobody's while.
static bool is_cut(int64_t items, double flops) {
  return items >= wanted_items || nanoseconds(flops) <= 2 * MAAS_CHUNK_NANOSECONDS;
}

/// False if the tile is as narrow as it can be.
static bool halve_filters(maas_f32_conv_params *g, int64_t nr) {
  bool can = g->tile_n > nr;
  if (can)
    g->tile_n = maas_round_up(maas_ceil_div(g->tile_n, 2), nr);
  return can;
}

/// `flops`: of all positions of a block, for one filter.
static void cut_filters(maas_f32_conv_params *g, int64_t blocks, int64_t filters, int64_t nr, double flops) {
  g->tile_n = maas_round_up(filters, nr);
  while (!is_cut(blocks * maas_ceil_div(filters, g->tile_n), flops * (double)g->tile_n))
    if (!halve_filters(g, nr))
      return;
}

/// The length of pieces of at most `most`, an even number of them where there are several: two threads get the same.
static int64_t even_length(int64_t whole, int64_t most) {
  int64_t pieces = maas_ceil_div(whole, most);
  return maas_ceil_div(whole, pieces == 1 ? 1 : maas_min64(whole, maas_round_up(pieces, 2)));
}

/// Positions as one long row, in tiles that groups of mr rows divide.
static void flatten(maas_f32_conv_params *g) {
  int64_t positions = maas_window_volume(g->output);
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    g->input[d] = g->output[d] = d == maas_width ? positions : 1;
}

/// Rows, or columns of one row, of positions whose strip fits.
static void choose_block(maas_f32_conv_params *g, int64_t pitch, int64_t mr) {
  int64_t width = g->output[maas_width], height = g->output[maas_height];
  int64_t positions = maas_max64(4 * mr, strip_elements / pitch / mr * mr);
  g->tile_m = even_length(height, maas_max64(1, maas_min64(height, positions / width)));
  g->tile_x = maas_min64(width, maas_round_up(even_length(width, maas_min64(width, positions)), mr));
}

/// More than any machine has where the product is; the plan refuses it.
static int64_t saturated(int64_t a, int64_t b) {
  int64_t c;
  return __builtin_mul_overflow(a, b, &c) || c > INT64_MAX / 16 ? INT64_MAX / 16 : c;
}

static int64_t blocks_of(const maas_f32_conv_params *g) {
  return g->batch * g->groups * g->output[maas_depth] * maas_ceil_div(g->output[maas_height], g->tile_m) *
         maas_ceil_div(g->output[maas_width], g->tile_x);
}

/// For two threads.
static void halve_positions(maas_f32_conv_params *g, int64_t mr) {
  g->tile_x = maas_round_up(maas_ceil_div(g->tile_x, 2), mr);
}

/// Few items and an odd number of them: one of two threads would wait.
static bool is_uneven(int64_t items) { return items > 1 && items < wanted_items && items % 2 != 0; }

/// The smaller of strip and weights is read again: more tiles of filters copy the same strips, more blocks of positions
/// read the same weights.
static void cut_strips(maas_f32_conv_params *g, int64_t filters, int64_t nr) {
  double flops = 2.0 * (double)maas_nhwc_taps(g);
  g->tile_n = maas_round_up(filters, nr);
  while (!is_cut(blocks_of(g) * maas_ceil_div(filters, g->tile_n),
                 flops * (double)(g->tile_m * g->tile_x) * (double)g->tile_n))
    if (g->tile_m > 1 && g->tile_m * g->tile_x > g->tile_n)
      g->tile_m = maas_ceil_div(g->tile_m, 2);
    else if (!halve_filters(g, nr))
      return;
}

static maas_split split_strip(maas_f32_conv_params *g, const maas_kernel *kernel) {
  bool flat = g->path == maas_nhwc_flat, joined = maas_nhwc_joins(g);
  if (flat)
    flatten(g);
  int64_t filters = g->filters / g->groups, taps = maas_nhwc_taps(g);
  int64_t pitch = maas_nhwc_pitch(flat ? taps : maas_nhwc_run(g));
  choose_block(g, maas_max64(1, pitch), kernel->mr);
  if (flat && g->tile_x == g->output[maas_width] && g->tile_x >= 8 * kernel->mr)
    halve_positions(g, kernel->mr);
  if (flat)
    cut_filters(g, blocks_of(g), filters, kernel->nr, 2.0 * (double)taps * (double)(g->tile_m * g->tile_x));
  else
    cut_strips(g, filters, kernel->nr);
  if (flat && is_uneven(blocks_of(g) * maas_ceil_div(filters, g->tile_n)) && g->tile_x >= 2 * kernel->mr)
    halve_positions(g, kernel->mr);
  int64_t blocks = blocks_of(g);
  double flops = 2.0 * (double)taps * (double)(g->tile_m * g->tile_x);
  int64_t rows = joined ? g->tile_m : saturated(g->stride[maas_height], maas_nhwc_phase_rows(g, g->tile_m));
  int64_t scratch =
      flat ? 0 : saturated(saturated(rows, g->tile_x), saturated(pitch, (int64_t)sizeof(float)));
  return maas_split_by_cost(blocks * maas_ceil_div(filters, g->tile_n),
                            100 + nanoseconds(flops * (double)maas_min64(g->tile_n, filters)), scratch);
}

static maas_split split_winograd(maas_f32_conv_params *g, const maas_kernel *kernel) {
  int64_t tiles = g->batch * g->output[maas_depth] * maas_plane_tiles(g);
  int64_t kept = maas_tile_filters(kernel->nr), row = maas_nhwc_pitch(g->channels) + kept;
  int64_t most = winograd_elements / maas_tile_products / row / kernel->mr * kernel->mr;
  g->tile_m = even_length(tiles, maas_max64(most, 2 * kernel->mr));
  int64_t blocks = maas_ceil_div(tiles, g->tile_m);
  double flops = 2.0 * maas_tile_products * (double)g->channels * (double)g->tile_m;
  cut_filters(g, blocks, g->filters, kept, flops);
  int64_t floats = saturated(g->tile_m, row) + 2 * maas_nhwc_most_skew;
  int64_t scratch = saturated(floats, maas_tile_products * (int64_t)sizeof(float));
  return maas_split_by_cost(blocks * maas_ceil_div(g->filters, g->tile_n),
                            nanoseconds(flops * (double)g->tile_n), scratch);
}

static maas_split split_rows(const maas_f32_conv_params *g) {
  int64_t items = g->batch * g->output[maas_depth] * g->output[maas_height];
  double macs = (double)(g->output[maas_width] * g->channels) * (double)maas_window_volume(g->kernel);
  return maas_split_by_cost(items, 50 + macs / 20, 0);
}

maas_split maas_f32_conv_nhwc_split_for(const maas_kernel *kernel, maas_f32_conv_params *g) {
  if (g->batch == 0 || g->filters == 0 || maas_window_volume(g->output) == 0)
    return (maas_split){.grain = 1};
  g->path = path_of(g);
  switch (g->path) {
  case maas_nhwc_depthwise:
    return split_rows(g);
  case maas_nhwc_winograd:
    return split_winograd(g, kernel);
  default:
    return split_strip(g, kernel);
  }
}

maas_split maas_f32_conv_nhwc_split(maas_f32_conv_params *params) {
  return maas_f32_conv_nhwc_split_for(maas_kernel_selected(&maas_f32_conv_nhwc_table), params);
}
