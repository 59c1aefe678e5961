/// The rows of convolution of bytes, how it is cut into items, and how weights are packed.
#include "../table.h"
#include "shape.h"

int32_t maas_s8_conv_6x64_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_conv_16x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_conv_4x16_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_conv_2x4_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_s8_conv_6x64_avx512, MAAS_ISA_AVX512, 6, 64),
    MAAS_ROW(maas_s8_conv_16x16_avx2, MAAS_ISA_AVX2, lanes_rows, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_s8_conv_4x16_neon, MAAS_ISA_NEON, 4, 16),
#endif
    MAAS_ROW(maas_s8_conv_2x4_scalar, MAAS_ISA_SCALAR, 2, 4),
};
MAAS_ENTRY(maas_s8_conv, rows)

/// What a tile copies stays in the second-level cache beside a panel of weights, or smaller weights as a whole.
enum {
  most_bytes = 256 * 1024,
  most_weights = 512 * 1024,
  most_row_groups = 32,
  good_columns = 256,
  wanted_items = 8,
  even_pieces = 2
};

static int64_t evenly(int64_t size, int64_t pieces, int64_t multiple) {
  return maas_max64(multiple, maas_round_up(maas_ceil_div(size, pieces), multiple));
}

static int64_t tiles(const maas_f32_conv_params *g) {
  return g->batch * g->groups * maas_ceil_div(maas_window_volume(g->output), g->tile_m) *
         maas_ceil_div(maas_s8_conv_filters(g), g->tile_n);
}

/// A product, and for each byte of a patch its copy.
static double tile_nanoseconds(const maas_f32_conv_params *g, int32_t isa) {
  double product = isa == MAAS_ISA_SCALAR ? 0.5 : maas_cpu_dots_bytes() ? 0.006 : 0.03;
  double columns = (double)maas_min64(g->tile_n, maas_s8_conv_filters(g));
  return (double)g->tile_m * (double)(maas_s8_conv_rows(g) + 16) * (0.05 + product * columns);
}

static int64_t most_groups(const maas_kernel *kernel, const maas_f32_conv_params *g) {
  int64_t groups = most_row_groups, pass = maas_s8_lanes_pass(maas_s8_conv_rows(g), INT32_MAX);
  if (kernel->isa == MAAS_ISA_AVX2 && pass > 0)
    groups = maas_min64(groups, pass / kernel->mr);
  while (groups > 2 && maas_s8_conv_copied(g, groups * kernel->mr) > most_bytes)
    groups = groups * 3 / 4;
  return groups;
}

/// A few rows more than groups make no tile of their own.
static int64_t least_row_pieces(const maas_kernel *kernel, const maas_f32_conv_params *g) {
  int64_t positions = maas_window_volume(g->output) - kernel->mr / 2;
  int64_t pieces = maas_ceil_div(maas_max64(1, positions), most_groups(kernel, g) * kernel->mr);
  return pieces > 1 ? maas_round_up(pieces, even_pieces) : 1;
}

/// Cuts the tile until there is something for every thread or it is worth nobody's while: its columns first, as long as
/// copies of patches are small beside the products or kept for all columns, as with AVX2, or weights so large that every
/// tile of rows would wait for them.
static maas_split split_product(const maas_kernel *kernel, maas_f32_conv_params *g) {
  int64_t positions = maas_window_volume(g->output), filters = maas_s8_conv_filters(g);
  int64_t row_pieces = least_row_pieces(kernel, g), column_pieces = 1;
  bool has_large_weights = filters * maas_s8_conv_rows(g) > most_weights && maas_s8_conv_slides(g);
  bool keeps_rows = kernel->isa == MAAS_ISA_AVX2;
  int64_t good = has_large_weights || keeps_rows ? kernel->nr : maas_max64(good_columns, kernel->nr);
  for (;;) {
    g->tile_m = maas_min64(positions, evenly(positions, row_pieces, kernel->mr));
    g->tile_n = evenly(filters, column_pieces, kernel->nr);
    if (tiles(g) >= wanted_items || tile_nanoseconds(g, kernel->isa) < 2 * MAAS_CHUNK_NANOSECONDS)
      break;
    if (g->tile_n > good)
      column_pieces *= 2;
    else if (g->tile_m >= 4 * kernel->mr)
      row_pieces *= 2;
    else if (g->tile_n > kernel->nr)
      column_pieces *= 2;
    else
      break;
  }
  int64_t scratch = maas_s8_conv_copied(g, g->tile_m);
  if (kernel->isa == MAAS_ISA_AVX2)
    scratch += maas_s8_lanes_spare(maas_s8_conv_rows(g), g->tile_m);
  return maas_split_by_cost(tiles(g), tile_nanoseconds(g, kernel->isa), scratch);
}

static maas_split split_depthwise(const maas_kernel *kernel, const maas_f32_conv_params *g) {
  int64_t channels = maas_max64(maas_s8_conv_line, kernel->nr);
  int64_t items =
      g->batch * g->output[maas_depth] * g->output[maas_height] * maas_ceil_div(g->channels, channels);
  double per_tap = kernel->isa == MAAS_ISA_SCALAR ? 1 : 0.04;
  double taps = (double)(g->output[maas_width] * maas_min64(channels, g->channels)) *
                (double)maas_window_volume(g->kernel);
  int64_t rows = g->kernel[maas_depth] * maas_s8_conv_column(g) * 4;
  bool copies = kernel->isa == MAAS_ISA_AVX2 && maas_s8_conv_copies_lines(g);
  int64_t scratch = copies ? maas_s8_conv_lines_bytes(g) : rows * (int64_t)sizeof(void *);
  return maas_split_by_cost(items, 50 + per_tap * taps, scratch);
}

maas_split maas_s8_conv_split_for(const maas_kernel *kernel, maas_s8_conv_params *p) {
  maas_f32_conv_params *g = &p->conv;
  if (g->batch == 0 || g->filters == 0 || maas_window_volume(g->output) == 0)
    return (maas_split){.grain = 1};
  bool depthwise = g->groups > 1 && g->channels == g->groups && g->filters == g->groups;
  g->path = depthwise && !maas_s8_needs_sums(&p->finish) ? maas_s8_conv_depthwise : maas_s8_conv_product;
  return g->path == maas_s8_conv_depthwise ? split_depthwise(kernel, g) : split_product(kernel, g);
}

maas_split maas_s8_conv_split(maas_s8_conv_params *params) {
  return maas_s8_conv_split_for(maas_kernel_selected(&maas_s8_conv_table), params);
}

// Packing: items are panels.

int32_t maas_s8_conv_pack_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel pack_rows[] = {MAAS_ROW(maas_s8_conv_pack_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_s8_conv_pack, pack_rows)

/// Columns of a panel of weights, which all items but the depthwise one's have in each group.
static int64_t columns_of(const maas_f32_conv_params *g) {
  return g->path == maas_s8_conv_depthwise ? g->filters : maas_s8_conv_filters(g);
}

static int64_t panels_of(const maas_f32_conv_params *g, int64_t nr) {
  int64_t groups = g->path == maas_s8_conv_depthwise ? 1 : g->groups;
  return groups * maas_ceil_div(columns_of(g), nr);
}

/// Where in a filter row p of its panel lies; -1 for none.
static int64_t place_of(const maas_f32_conv_params *g, int64_t p) {
  int64_t channels = maas_s8_conv_channels(g), taps = maas_window_volume(g->kernel);
  if (g->path == maas_s8_conv_product)
    return p < channels * taps ? p % channels * taps + p / channels : -1;
  int64_t column = 4 * maas_s8_conv_column(g), ky = p % column, kx = p / column % g->kernel[maas_width];
  int64_t kz = p / column / g->kernel[maas_width];
  return ky < g->kernel[maas_height] ? (kz * g->kernel[maas_height] + ky) * g->kernel[maas_width] + kx : -1;
}

static void pack_panel(const maas_s8_conv_pack_params *p, const uint8_t *w, int64_t width, uint8_t *to) {
  const maas_f32_conv_params *g = &p->conv;
  int64_t filter = maas_s8_conv_channels(g) * maas_window_volume(g->kernel);
  int64_t size = maas_s8_panel(maas_s8_conv_rows(g), p->nr) - 4 * p->nr;
  int32_t *sums = (int32_t *)(void *)(to + size);
  uint8_t sign = p->is_signed ? 0 : 0x80;
  memset(to, 0, (size_t)(size + 4 * p->nr));
  for (int64_t row = 0; row < size / p->nr; row++) {
    int64_t place = place_of(g, row);
    uint8_t *quads = to + row / 4 * 4 * p->nr + row % 4;
    for (int64_t j = 0; place >= 0 && j < width; j++) {
      quads[4 * j] = w[j * filter + place] ^ sign;
      sums[j] += (int8_t)quads[4 * j];
    }
  }
}

int32_t maas_s8_conv_pack_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_s8_conv_pack_params *p = step->params;
  const maas_f32_conv_params *g = &p->conv;
  int64_t columns = columns_of(g), panels = maas_ceil_div(columns, p->nr),
          size = maas_s8_panel(maas_s8_conv_rows(g), p->nr);
  int64_t filter = maas_s8_conv_channels(g) * maas_window_volume(g->kernel);
  for (int64_t i = begin; i < end; i++) {
    int64_t first = i % panels * p->nr;
    const uint8_t *w = (const uint8_t *)step->operands[1] + (i / panels * columns + first) * filter;
    pack_panel(p, w, maas_min64(p->nr, columns - first), (uint8_t *)step->operands[0] + i * size);
  }
  return MAAS_STEP_OK;
}

maas_split maas_s8_conv_pack_split_for(const maas_kernel *conv, maas_s8_conv_pack_params *p) {
  p->nr = conv->nr;
  double panel_ns = (double)p->nr * (double)maas_s8_conv_rows(&p->conv);
  return maas_split_by_cost(panels_of(&p->conv, p->nr), panel_ns, 0);
}

maas_split maas_s8_conv_pack_split(maas_s8_conv_pack_params *params) {
  return maas_s8_conv_pack_split_for(maas_kernel_selected(&maas_s8_conv_table), params);
}

int64_t maas_s8_conv_packed_bytes_for(const maas_kernel *conv, const maas_f32_conv_params *g) {
  int64_t bytes, rows = maas_s8_conv_rows(g);
  if (rows > INT64_MAX / 1024 ||
      __builtin_mul_overflow(panels_of(g, conv->nr), maas_s8_panel(rows, conv->nr), &bytes))
    return -1;
  return bytes;
}

int64_t maas_s8_conv_packed_bytes(const maas_f32_conv_params *params) {
  return maas_s8_conv_packed_bytes_for(maas_kernel_selected(&maas_s8_conv_table), params);
}
