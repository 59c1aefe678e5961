#ifndef MAAS_TRAINING_PADDED_H
#define MAAS_TRAINING_PADDED_H
/// What splits and kernels of convolutions agree on.
#include "../../split.h"
#include "../../window/strip.h"
#include "maas_training.h"

/// How the gradient of W reads an image: planes padded so that every tap of a window is inside, with the elements of
/// each row sorted by their index modulo the stride: neighbouring positions then lie side by side for every tap.
typedef struct maas_padded {
  int64_t phase;         ///< Elements of a row with the same index modulo the stride.
  int64_t row;           ///< Elements of a row.
  int64_t height, depth; ///< Rows of a slice, and slices.
  bool is_image;         ///< The image lies like that by itself.
} maas_padded;

static inline int64_t maas_padded_plane(const maas_padded *p) { return p->row * p->height * p->depth; }

/// What the window reaches along a dimension.
static inline int64_t maas_reach(const maas_f32_conv_params *g, int d) {
  return (g->output[d] - 1) * g->stride[d] + (g->kernel[d] - 1) * g->dilation[d] + 1;
}

/// Copied, even where the image lies like that by itself.
static inline maas_padded maas_padded_strip_of(const maas_f32_conv_params *g) {
  int64_t stride = g->stride[maas_width], phase = maas_ceil_div(maas_reach(g, maas_width), stride);
  return (maas_padded){phase, phase * stride, maas_reach(g, maas_height), maas_reach(g, maas_depth), false};
}

static inline maas_padded maas_padded_of(const maas_f32_conv_params *g) {
  bool is_image = g->stride[maas_width] == 1;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    is_image = is_image && g->pad[d] == 0 && maas_reach(g, d) <= g->input[d];
  if (is_image)
    return (maas_padded){g->input[maas_width], g->input[maas_width], g->input[maas_height],
                         g->input[maas_depth], true};
  return maas_padded_strip_of(g);
}

/// Positions of dy that are used together: whole rows of it.
enum { maas_weight_positions = 128 };
static inline int64_t maas_weight_rows(const maas_f32_conv_params *g) {
  return maas_max64(1, maas_weight_positions / maas_max64(1, g->output[maas_width]));
}

/// Scratch of conv_weights in floats: addresses of taps, then a panel of dy, then padded planes.
static inline int64_t maas_weight_taps_floats(const maas_f32_conv_weights_params *w) {
  int64_t bytes = w->block * maas_window_volume(w->conv.kernel) * (int64_t)sizeof(float *);
  return maas_round_up(bytes, 64) / (int64_t)sizeof(float);
}
static inline int64_t maas_weight_panel_floats(const maas_f32_conv_weights_params *w) {
  return w->nr == 1 ? 0 : w->nr * maas_weight_rows(&w->conv) * w->conv.output[maas_width];
}

/// Scratch of conv_direct in floats: addresses of taps, then padded planes.
static inline int64_t maas_direct_taps_floats(const maas_f32_conv_params *g) {
  int64_t bytes = g->channels / g->groups * maas_window_volume(g->kernel) * (int64_t)sizeof(float *);
  return maas_round_up(bytes, 64) / (int64_t)sizeof(float);
}

#endif
