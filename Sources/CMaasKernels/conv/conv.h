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

#endif
