/// The rows of convolution of bytes, how it is cut into items, and how weights are packed.
#include "../table.h"
#include "tiles.h"

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
/// copies of patches are small beside the products or kept for all columns, as with AVX2, or weights so large that
/// every tile of rows would wait for them.
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

/// Where words are what is multiplied, which the transformed pixels and weights fit in.
enum { tiled_channels = 16, least_tiles = 16 };

static bool is_tiled(const maas_kernel *kernel, const maas_f32_conv_params *g) {
  bool square = g->kernel[maas_depth] == 1 && g->kernel[maas_height] == 3 && g->kernel[maas_width] == 3;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    square = square && g->stride[d] == 1 && g->dilation[d] == 1;
  bool flat = g->pad[maas_depth] == 0 && g->output[maas_depth] == g->input[maas_depth];
  return kernel->isa == MAAS_ISA_AVX2 && square && flat && g->groups == 1 && g->channels > 0 &&
         g->channels % tiled_channels == 0 && maas_s8_all_tiles(g) >= least_tiles;
}

static maas_split split_tiles(maas_f32_conv_params *g, int64_t nr) {
  int64_t tiles = maas_s8_all_tiles(g), rows = maas_s8_tile_rows;
  g->tile_m = rows;
  int64_t most = rows * maas_max64(2, most_bytes / maas_s8_tiles_copied(g));
  int64_t pieces = maas_ceil_div(tiles, most), columns = 1;
  g->tile_m = maas_ceil_div(tiles, pieces > 1 ? maas_round_up(pieces, 2) : 1);
  double nanoseconds = 0.013 * (double)(maas_tile_products * g->channels * g->tile_m);
  for (g->tile_n = evenly(g->filters, 1, nr);
       maas_ceil_div(tiles, g->tile_m) * maas_ceil_div(g->filters, g->tile_n) < wanted_items &&
       g->tile_n > nr && nanoseconds * (double)g->tile_n > 2 * MAAS_CHUNK_NANOSECONDS;)
    g->tile_n = evenly(g->filters, columns *= 2, nr);
  int64_t items = maas_ceil_div(tiles, g->tile_m) * maas_ceil_div(g->filters, g->tile_n);
  return maas_split_by_cost(items, nanoseconds * (double)g->tile_n, maas_s8_tiles_copied(g));
}

static int32_t path_of(const maas_kernel *kernel, const maas_s8_conv_params *p) {
  const maas_f32_conv_params *g = &p->conv;
  if (maas_s8_needs_sums(&p->finish))
    return maas_s8_conv_product;
  if (g->groups > 1 && g->channels == g->groups && g->filters == g->groups)
    return maas_s8_conv_depthwise;
  return is_tiled(kernel, g) ? maas_s8_conv_winograd : maas_s8_conv_product;
}

maas_split maas_s8_conv_split_for(const maas_kernel *kernel, maas_s8_conv_params *p) {
  maas_f32_conv_params *g = &p->conv;
  if (g->batch == 0 || g->filters == 0 || maas_window_volume(g->output) == 0)
    return (maas_split){.grain = 1};
  g->path = path_of(kernel, p);
  return g->path == maas_s8_conv_depthwise  ? split_depthwise(kernel, g)
         : g->path == maas_s8_conv_winograd ? split_tiles(g, kernel->nr)
                                            : split_product(kernel, g);
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

/// G w along one dimension, 6 or 24 times, as winograd.h wants it, for elements `step` apart.
static void transform(const int *w, int step, int *to) {
  int even = w[0] + w[2 * step], far = w[0] + 4 * w[2 * step];
  to[0] = 6 * w[0];
  to[step] = even + w[step];
  to[2 * step] = even - w[step];
  to[3 * step] = far + 2 * w[step];
  to[4 * step] = far - 2 * w[step];
  to[5 * step] = 6 * w[2 * step];
}

/// The transformed weights of a channel of a filter: `step` words from product to product.
static void pack_tile(const uint8_t *w, uint8_t sign, int64_t step, int16_t *to) {
  enum { reach = maas_tile_reach };
  int taps[reach * reach], half[reach * reach], whole[reach * reach];
  for (int t = 0; t < 9; t++)
    taps[t / 3 * reach + t % 3] = (int8_t)(w[t] ^ sign);
  for (int i = 0; i < 3; i++)
    transform(taps + i, reach, half + i);
  for (int i = 0; i < reach; i++)
    transform(half + reach * i, 1, whole + reach * i);
  for (int e = 0; e < maas_tile_products; e++)
    to[e * step] = (int16_t)whole[e];
}

/// [part of the channels][product][pair of channels][filter][channel].
static void pack_tiles(const maas_s8_conv_pack_params *p, const uint8_t *w, int64_t width, int16_t *to) {
  int64_t channels = p->conv.channels, nr = p->nr, part = maas_s8_tile_channels(&p->conv);
  memset(to, 0, (size_t)maas_s8_conv_panel(&p->conv, nr));
  for (int64_t c = 0; c < channels; c++) {
    int64_t first = c / part * part, step = maas_min64(part, channels - first) * nr;
    int16_t *pair = to + (first * maas_tile_products + (c - first) / 2 * 2) * nr + c % 2;
    for (int64_t j = 0; j < width; j++)
      pack_tile(w + (j * channels + c) * 9, p->is_signed ? 0 : 0x80, step, pair + 2 * j);
  }
}

int32_t maas_s8_conv_pack_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_s8_conv_pack_params *p = step->params;
  const maas_f32_conv_params *g = &p->conv;
  int64_t columns = columns_of(g), panels = maas_ceil_div(columns, p->nr), rows = maas_s8_conv_rows(g),
          size = maas_s8_conv_panel(g, p->nr);
  int64_t filter = maas_s8_conv_channels(g) * maas_window_volume(g->kernel);
  for (int64_t i = begin; i < end; i++) {
    int64_t first = i % panels * p->nr;
    const uint8_t *w = (const uint8_t *)step->operands[1] + (i / panels * columns + first) * filter;
    int64_t width = maas_min64(p->nr, columns - first);
    uint8_t *to = (uint8_t *)step->operands[0] + i * size;
    if (g->path == maas_s8_conv_winograd)
      pack_tiles(p, w, width, (int16_t *)(void *)to);
    else
      pack_panel(p, w, width, to);
    if (g->path == maas_s8_conv_product)
      maas_s8_note_panel(to, rows, p->nr, p->is_constant,
                         maas_s8_notes_of(to, i, panels_of(g, p->nr), rows, p->nr));
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
  bool has_notes = g->path == maas_s8_conv_product;
  if (rows > INT64_MAX / 1024 || __builtin_mul_overflow(panels_of(g, conv->nr),
                                                        has_notes ? maas_s8_panels_bytes(1, rows, conv->nr)
                                                                  : maas_s8_conv_panel(g, conv->nr),
                                                        &bytes))
    return -1;
  return bytes;
}

int64_t maas_s8_conv_packed_bytes(const maas_f32_conv_params *params) {
  return maas_s8_conv_packed_bytes_for(maas_kernel_selected(&maas_s8_conv_table), params);
}
