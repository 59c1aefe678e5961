#ifndef MAAS_CONV_H
#define MAAS_CONV_H
/// What conv's split decides and its kernels follow.
#include "../window/strip.h"

enum {
  maas_conv_product,   ///< Items: images x groups x column tiles x row tiles.
  maas_conv_depthwise, ///< Items: planes of y x output slices x strips.
};

static inline maas_window maas_conv_window(const maas_f32_conv_params *g) {
  return (maas_window){g->input, g->output, g->kernel, g->stride, g->dilation, g->pad, 0};
}

/// Scratch of the depthwise path: an offset per kernel column, then the strip.
static inline int64_t maas_conv_taps_bytes(const maas_f32_conv_params *g) {
  return maas_round_up(g->kernel[maas_width] * (int64_t)sizeof(int64_t), 64);
}

/// Winograd's algorithm F(4x4, 3x3) computes tiles of 4 x 4 outputs from 6 x 6 inputs.
enum { maas_tile_side = 4, maas_tile_reach = 6, maas_tile_products = 36 };

static inline int64_t maas_tiles_across(const maas_f32_conv_params *g) {
  return maas_ceil_div(g->output[maas_width], maas_tile_side);
}

/// Tiles of one plane of y.
static inline int64_t maas_plane_tiles(const maas_f32_conv_params *g) {
  return maas_ceil_div(g->output[maas_height], maas_tile_side) * maas_tiles_across(g);
}

/// Where a tile lies: the plane's number, and the row and column of its first output.
typedef struct maas_tile {
  int64_t plane, y, x;
} maas_tile;

static inline maas_tile maas_tile_at(const maas_f32_conv_params *g, int64_t index) {
  int64_t across = maas_tiles_across(g), tiles = maas_plane_tiles(g);
  return (maas_tile){.plane = index / tiles,
                     .y = index % tiles / across * maas_tile_side,
                     .x = index % across * maas_tile_side};
}

#endif
