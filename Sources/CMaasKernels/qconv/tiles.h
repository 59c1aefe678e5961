#ifndef MAAS_QCONV_TILES_H
#define MAAS_QCONV_TILES_H
/// Sizes of what Winograd's algorithm for bytes computes with; see winograd.h.
#include "shape.h"

/// Rows of tiles and columns of filters in registers. Sums of at most most_channels, a multiple of 16, are put together
/// exactly.
enum {
  maas_s8_tile_rows = 6,
  maas_s8_tile_columns = 16,
  maas_s8_tile_most_channels = (1 << 25) / (255 * 128 * 9) / 16 * 16
};

/// Channels whose products are summed up at a time.
static inline int64_t maas_s8_tile_channels(const maas_f32_conv_params *g) {
  int64_t parts = maas_ceil_div(g->channels, maas_s8_tile_most_channels);
  return maas_round_up(maas_ceil_div(g->channels, parts), 16);
}

static inline int64_t maas_s8_all_tiles(const maas_f32_conv_params *g) {
  return g->batch * g->output[maas_depth] * maas_plane_tiles(g);
}

/// Words of a tile's row for one product, and of all rows: what one vector goes into would push each other out of the
/// first-level cache if it lay multiples of the page apart.
static inline int64_t maas_s8_tile_pitch(const maas_f32_conv_params *g) {
  return g->channels % 256 == 0 ? g->channels + 32 : g->channels;
}
static inline int64_t maas_s8_tile_words(const maas_f32_conv_params *g) {
  return maas_round_up(g->tile_m * maas_s8_tile_pitch(g), 64) + 32;
}

/// Sums of one product, and those of all lines of outputs.
static inline int64_t maas_s8_tile_sums(const maas_f32_conv_params *g) {
  return maas_round_up(g->tile_m * maas_s8_tile_columns, 32) + 16;
}
static inline int64_t maas_s8_tile_lines(const maas_f32_conv_params *g) {
  return g->tile_m * maas_tile_side * maas_tile_side * maas_s8_tile_columns;
}

/// Bytes of all of them and of a pixel that lies outside.
static inline int64_t maas_s8_tiles_copied(const maas_f32_conv_params *g) {
  int64_t sums = maas_tile_products * maas_s8_tile_sums(g) + maas_s8_tile_lines(g);
  return 4 * sums + 2 * maas_tile_products * maas_s8_tile_words(g) + g->channels;
}

/// Bytes of a panel of weights.
static inline int64_t maas_s8_conv_panel(const maas_f32_conv_params *g, int64_t nr) {
  return g->path == maas_s8_conv_winograd ? 2 * maas_tile_products * g->channels * nr
                                          : maas_s8_panel(maas_s8_conv_rows(g), nr);
}

#endif
