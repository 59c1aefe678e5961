#ifndef MAAS_CONV_WINOGRAD_H
#define MAAS_CONV_WINOGRAD_H
/// Winograd's minimal filtering F(4x4, 3x3), channels last (Lavin, Gray 2015: "Fast algorithms for convolutional
/// neural networks"): 36 products instead of 144 for a tile of 4 x 4 outputs. The interpolation points are 0,
/// +-1/sqrt(2), +-sqrt(2) and infinity: their transforms amplify rounding less than those of 0, +-1, +-2.
#include "../gemm/pass.h"
#include "depthwise_nhwc.h"
#include "nhwc.h"

#define WINOGRAD_A 0.70710678f
#define WINOGRAD_B 1.41421356f

/// B' d along one dimension.
static inline __attribute__((always_inline)) void winograd_input(const vf *d, vf *to) {
  vf two = v_set(-2), half = v_set(-0.5f), middle = v_set(-2.5f);
  vf even_a = v_fma(two, d[2], d[4]), odd_a = v_fma(two, d[1], d[3]);
  vf even_b = v_fma(half, d[2], d[4]), odd_b = v_fma(half, d[1], d[3]);
  to[0] = v_add(v_fma(middle, d[2], d[0]), d[4]);
  to[1] = v_fma(v_set(WINOGRAD_A), odd_a, even_a);
  to[2] = v_fma(v_set(-WINOGRAD_A), odd_a, even_a);
  to[3] = v_fma(v_set(WINOGRAD_B), odd_b, even_b);
  to[4] = v_fma(v_set(-WINOGRAD_B), odd_b, even_b);
  to[5] = v_add(v_fma(middle, d[3], d[1]), d[5]);
}

/// A' m along one dimension.
static inline __attribute__((always_inline)) void winograd_output(const vf *m, vf *to) {
  vf even_a = v_add(m[1], m[2]), odd_a = v_mul(v_set(WINOGRAD_A), v_sub(m[1], m[2]));
  vf even_b = v_add(m[3], m[4]), odd_b = v_mul(v_set(WINOGRAD_B), v_sub(m[3], m[4]));
  vf half = v_set(0.5f), two = v_set(2);
  to[0] = v_add(m[0], v_add(even_a, even_b));
  to[1] = v_add(odd_a, odd_b);
  to[2] = v_fma(half, even_a, v_mul(two, even_b));
  to[3] = v_add(v_fma(half, odd_a, v_mul(two, odd_b)), m[5]);
}

/// The transformed tile for channels [c, c + V_WIDTH): product e at to[e * plane].
static __attribute__((noinline)) void winograd_scatter(const maas_f32_conv_params *g, const float *x,
                                                       maas_tile tile, int64_t c, float *to, int64_t plane) {
  int64_t height = g->input[maas_height], width = g->input[maas_width];
  int64_t top = tile.y - g->pad[maas_height], left = tile.x - g->pad[maas_width];
  const float *from = x + tile.plane * height * width * g->channels + c;
  vf half[maas_tile_reach][maas_tile_reach];
  for (int j = 0; j < maas_tile_reach; j++) {
    vf column[maas_tile_reach], done[maas_tile_reach];
    for (int i = 0; i < maas_tile_reach; i++) {
      bool inside = top + i >= 0 && top + i < height && left + j >= 0 && left + j < width;
      column[i] = inside ? v_load(from + ((top + i) * width + left + j) * g->channels) : v_set(0);
    }
    winograd_input(column, done);
    for (int i = 0; i < maas_tile_reach; i++)
      half[i][j] = done[i];
  }
  for (int i = 0; i < maas_tile_reach; i++) {
    vf row[maas_tile_reach];
    winograd_input(half[i], row);
    for (int j = 0; j < maas_tile_reach; j++)
      v_store(to + (i * maas_tile_reach + j) * plane, row[j]);
  }
}

/// The outputs of a tile for filters [f, f + V_WIDTH), out of product e at from[e * plane].
static __attribute__((noinline)) void winograd_gather(const maas_f32_conv_params *g, void *const *operands,
                                                      maas_tile tile, int64_t f, const float *from,
                                                      int64_t plane) {
  int64_t height = g->output[maas_height], width = g->output[maas_width];
  const float *bias = operands[2], *residual = operands[3];
  vf half[maas_tile_side][maas_tile_reach], shift = bias ? v_load(bias + f) : v_set(0);
  clamp limits = clamp_of(&g->activation);
  for (int j = 0; j < maas_tile_reach; j++) {
    vf column[maas_tile_reach], done[maas_tile_side];
    for (int i = 0; i < maas_tile_reach; i++)
      column[i] = v_load(from + (i * maas_tile_reach + j) * plane);
    winograd_output(column, done);
    for (int i = 0; i < maas_tile_side; i++)
      half[i][j] = done[i];
  }
  for (int i = 0; i < maas_tile_side && tile.y + i < height; i++) {
    int64_t at = ((tile.plane * height + tile.y + i) * width + tile.x) * g->filters + f;
    vf row[maas_tile_side];
    winograd_output(half[i], row);
    for (int j = 0; j < maas_tile_side && tile.x + j < width; j++, at += g->filters) {
      vf value = v_add(row[j], shift);
      if (residual)
        value = v_add(value, v_load(residual + at));
      v_store((float *)operands[4] + at, clamped(limits, value));
    }
  }
}

/// An activation that is no clamp, for `filters` filters from `f` on.
static void winograd_activate(const maas_f32_conv_params *g, float *y, maas_tile tile, int64_t f,
                              int64_t filters) {
  const maas_f32_activation *a = &g->activation;
  int64_t height = g->output[maas_height], width = g->output[maas_width];
  if (is_clamp(a))
    return;
  for (int64_t i = tile.y; i < maas_min64(height, tile.y + maas_tile_side); i++)
    for (int64_t j = tile.x; j < maas_min64(width, tile.x + maas_tile_side); j++) {
      float *row = y + ((tile.plane * height + i) * width + j) * g->filters + f;
      MAAS_F32_SHARED(unary_rows)[a->op](row, row, filters, a->alpha, a->beta);
    }
}

/// The 36 products of `count` tiles with filters [f, f + filters).
static __attribute__((noinline)) void winograd_multiply(const maas_f32_conv_params *g, const float *weights,
                                                        const float *input, int64_t count, int64_t f,
                                                        int64_t filters, float *output) {
  int64_t k = g->channels, pitch = maas_nhwc_pitch(k), panels = maas_round_up(g->filters, MAAS_NR) * k;
  const int64_t kept = maas_tile_filters(MAAS_NR);
  for (int e = 0; e < maas_tile_products; e++) {
    maas_gemm_finish finish = {
        .y = output + e * maas_nhwc_product(g, kept), .y_row = kept, .alpha = 1, .beta = 1};
    maas_gemm_pass pass = {.rows = count,
                           .columns = filters,
                           .k = k,
                           .a = {input + e * maas_nhwc_product(g, pitch), pitch, 1},
                           .group = MAAS_MR * pitch,
                           .b = weights + e * panels + f * k,
                           .panel = k * MAAS_NR};
    share_panels(&pass, maas_tile_products * panels,
                 weights + maas_min64(e + 1, maas_tile_products - 1) * panels + f * k);
    multiply_run(&pass, &finish, 0, k);
  }
}

/// A block of tile_m tiles and a tile of filters.
static void winograd_item(const maas_f32_conv_params *g, void *const *operands, int64_t index,
                          float *scratch) {
  int64_t pitch = maas_nhwc_pitch(g->channels), filter_tiles = maas_ceil_div(g->filters, g->tile_n);
  int64_t first = index / filter_tiles * g->tile_m, begin = index % filter_tiles * g->tile_n;
  int64_t tiles = g->batch * g->output[maas_depth] * maas_plane_tiles(g);
  int64_t count = maas_min64(g->tile_m, tiles - first), end = maas_min64(g->filters, begin + g->tile_n);
  float *output = scratch + maas_tile_products * maas_nhwc_product(g, pitch);
  const int64_t kept = maas_tile_filters(MAAS_NR);
  for (int64_t t = 0; t < count; t++)
    for (int64_t c = 0; c < g->channels; c += V_WIDTH)
      winograd_scatter(g, operands[0], maas_tile_at(g, first + t), c, scratch + t * pitch + c,
                       maas_nhwc_product(g, pitch));
  for (int64_t f = begin; f < end; f += kept) {
    int64_t filters = maas_min64(kept, end - f);
    winograd_multiply(g, operands[1], scratch, count, f, filters, output);
    for (int64_t t = 0; t < count; t++) {
      maas_tile tile = maas_tile_at(g, first + t);
      for (int64_t j = 0; j < filters; j += V_WIDTH)
        winograd_gather(g, operands, tile, f + j, output + t * kept + j, maas_nhwc_product(g, kept));
      winograd_activate(g, operands[4], tile, f, filters);
    }
  }
}

#endif
