#ifndef MAAS_TRAINING_PLANES_H
#define MAAS_TRAINING_PLANES_H
/// What the gradient of weights and convolution with weights that change share: planes with the padding they need, and
/// where the window's taps lie in them.
#include "padded.h"

/// A plane of the image as maas_padded says.
static void pad_plane(const maas_f32_conv_params *g, const maas_padded *p, const float *plane, float *to) {
  maas_window w = {g->input, g->output, g->kernel, g->stride, g->dilation, g->pad, 0};
  for (int64_t z = 0; z < p->depth; z++)
    for (int64_t y = 0; y < p->height; y++, to += p->row) {
      int64_t from_z = z - g->pad[maas_depth], from_y = y - g->pad[maas_height];
      if (from_z < 0 || from_z >= g->input[maas_depth] || from_y < 0 || from_y >= g->input[maas_height])
        memset(to, 0, (size_t)p->row * sizeof(float));
      else
        maas_strip_fill_row(&w, plane + (from_z * g->input[maas_height] + from_y) * g->input[maas_width], to);
    }
}

static void pad_planes(const maas_f32_conv_params *g, const maas_padded *p, const float *planes,
                       int64_t count, float *to) {
  for (int64_t c = 0; c < count; c++)
    pad_plane(g, p, planes + c * maas_window_volume(g->input), to + c * maas_padded_plane(p));
}

/// The taps of `channels` neighbouring planes.
static void place_taps(const maas_f32_conv_params *g, const maas_padded *p, const float *planes,
                       int64_t channels, const float **taps) {
  for (int64_t c = 0; c < channels; c++, planes += maas_padded_plane(p))
    for (int64_t z = 0; z < g->kernel[maas_depth]; z++)
      for (int64_t y = 0; y < g->kernel[maas_height]; y++)
        for (int64_t x = 0; x < g->kernel[maas_width]; x++) {
          int64_t row = z * g->dilation[maas_depth] * p->height + y * g->dilation[maas_height];
          int64_t reach = x * g->dilation[maas_width], stride = g->stride[maas_width];
          *taps++ = planes + row * p->row + reach % stride * p->phase + reach / stride;
        }
}

#endif
