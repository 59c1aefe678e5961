#ifndef MAAS_CONV_NHWC_H
#define MAAS_CONV_NHWC_H
/// What the split of channels-last convolution decides, its packing writes and its kernels follow.
#include "../gemm/layout.h"
#include "conv.h"

enum {
  maas_nhwc_flat,      ///< One tap at every position: a product with x as it lies.
  maas_nhwc_strip,     ///< A product with rows of taps, copied for a block of outputs.
  maas_nhwc_depthwise, ///< One filter per channel.
  maas_nhwc_winograd,  ///< F(4x4, 3x3).
};

/// Filters whose products are kept before they become outputs: whole panels.
static inline int64_t maas_tile_filters(int64_t nr) { return 64 / nr * nr; }

static inline int64_t maas_nhwc_channels(const maas_f32_conv_params *g) { return g->channels / g->groups; }
static inline int64_t maas_nhwc_taps(const maas_f32_conv_params *g) {
  return maas_nhwc_channels(g) * maas_window_volume(g->kernel);
}

/// A position's taps that lie in one row of the kernel; few of them are not worth a pass of their own, and all
/// rows of the kernel are put together.
static inline bool maas_nhwc_joins(const maas_f32_conv_params *g) {
  return g->kernel[maas_width] * maas_nhwc_channels(g) < 32;
}
static inline int64_t maas_nhwc_run(const maas_f32_conv_params *g) {
  return maas_nhwc_joins(g) ? maas_nhwc_taps(g) : g->kernel[maas_width] * maas_nhwc_channels(g);
}
/// Positions that lie a multiple of the page apart would push each other out of the first-level cache.
static inline int64_t maas_nhwc_pitch(int64_t run) { return run % 256 == 0 ? run + 16 : run; }

/// Rows of the strip for each phase of the stride, for blocks of `rows` output rows.
static inline int64_t maas_nhwc_phase_rows(const maas_f32_conv_params *g, int64_t rows) {
  return rows + (g->kernel[maas_height] - 1) * g->dilation[maas_height] / g->stride[maas_height];
}

/// Floats of a cache line, and what their odd number may add to a product.
enum { maas_nhwc_line = 16, maas_nhwc_most_skew = 3 * maas_nhwc_line };

/// From one of a tile's products to the next where each has tile_m rows: an odd number of cache lines, or what one
/// vector goes into or comes from would push each other out of the first-level cache.
static inline int64_t maas_nhwc_product(const maas_f32_conv_params *g, int64_t row) {
  return maas_round_up(g->tile_m * row, 2 * maas_nhwc_line) + maas_nhwc_line;
}

#endif
