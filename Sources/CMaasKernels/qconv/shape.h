#ifndef MAAS_QCONV_SHAPE_H
#define MAAS_QCONV_SHAPE_H
/// What the split of convolution of bytes decides, its packing writes and its kernels follow.
#include "../conv/conv.h"
#include "maas_quant.h"

enum {
  maas_s8_conv_product,   ///< Items: images x groups x tiles of positions x tiles of filters.
  maas_s8_conv_depthwise, ///< Items: images x panels of channels x rows of y.
};

static inline int64_t maas_s8_conv_channels(const maas_f32_conv_params *g) { return g->channels / g->groups; }
static inline int64_t maas_s8_conv_filters(const maas_f32_conv_params *g) { return g->filters / g->groups; }

/// Depthwise, four taps of one column of the kernel go together.
static inline int64_t maas_s8_conv_column(const maas_f32_conv_params *g) {
  return maas_ceil_div(g->kernel[maas_height], 4);
}

/// Rows of a panel of weights: [tap][channel], or four to each [depth][column][part of the column].
static inline int64_t maas_s8_conv_rows(const maas_f32_conv_params *g) {
  if (g->path == maas_s8_conv_depthwise)
    return 4 * g->kernel[maas_depth] * g->kernel[maas_width] * maas_s8_conv_column(g);
  return maas_s8_conv_channels(g) * maas_window_volume(g->kernel);
}

/// Whether x as it lies is the matrix of patches.
static inline bool maas_s8_conv_is_whole(const maas_f32_conv_params *g) {
  bool whole = true;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    whole = whole && g->kernel[d] == 1 && g->stride[d] == 1 && g->pad[d] == 0 && g->input[d] == g->output[d];
  return whole;
}

#endif
