/// Weights [filters, channels / groups, kernel...] for channels-last convolution. Products: panels as gemm's, with
/// the channel as the fastest row. Depthwise: [tap][channel]. Winograd: panels for each of the 36 products.
#include <string.h>
#include "../table.h"
#include "nhwc.h"

int32_t maas_f32_conv_nhwc_pack_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_f32_conv_nhwc_pack_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_f32_conv_nhwc_pack, rows)

typedef float loose __attribute__((aligned(1))); // Weights may lie anywhere in a file.

static void pack_depthwise(const maas_f32_conv_nhwc_pack_params *p, const loose *from, float *to) {
  int64_t taps = maas_window_volume(p->conv.kernel), channels = p->conv.channels;
  for (int64_t t = 0; t < taps; t++)
    for (int64_t c = 0; c < channels; c++)
      to[t * channels + c] = from[c * taps + t];
}

/// One panel: `width` filters, then zeros.
static void pack_panel(const maas_f32_conv_nhwc_pack_params *p, const loose *from, int64_t width, float *to) {
  int64_t taps = maas_window_volume(p->conv.kernel), channels = maas_nhwc_channels(&p->conv);
  for (int64_t t = 0; t < taps; t++)
    for (int64_t c = 0; c < channels; c++, to += p->nr)
      for (int64_t j = 0; j < p->nr; j++)
        to[j] = j < width ? from[(j * channels + c) * taps + t] : 0;
}

/// G w along one dimension, for the points of winograd.h.
static void transform(const double *w, int64_t step, double *to, int64_t to_step) {
  const double a = 0.70710678118654752440, b = 1.4142135623730950488;
  double first = w[0], second = w[step], third = w[2 * step];
  to[0] = first;
  to[to_step] = (first + a * second + 0.5 * third) / -1.5;
  to[2 * to_step] = (first - a * second + 0.5 * third) / -1.5;
  to[3 * to_step] = (first + b * second + 2 * third) / 6;
  to[4 * to_step] = (first - b * second + 2 * third) / 6;
  to[5 * to_step] = third;
}

static void pack_tiles(const maas_f32_conv_nhwc_pack_params *p, const loose *from, int64_t width, float *to) {
  int64_t channels = p->conv.channels, plane = maas_round_up(p->conv.filters, p->nr) * channels;
  for (int64_t c = 0; c < channels; c++, to += p->nr)
    for (int64_t j = 0; j < p->nr; j++) {
      double w[9] = {0}, half[18], whole[maas_tile_products];
      for (int t = 0; j < width && t < 9; t++)
        w[t] = from[(j * channels + c) * 9 + t];
      for (int i = 0; i < 3; i++)
        transform(w + i, 3, half + i, 3);
      for (int i = 0; i < maas_tile_reach; i++)
        transform(half + 3 * i, 1, whole + maas_tile_reach * i, 1);
      for (int e = 0; e < maas_tile_products; e++)
        to[e * plane + j] = (float)whole[e];
    }
}

/// Items are panels.
int32_t maas_f32_conv_nhwc_pack_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_conv_nhwc_pack_params *p = step->params;
  const loose *weights = step->operands[1];
  float *packed = step->operands[0];
  int64_t filters = p->conv.filters / p->conv.groups, taps = maas_nhwc_taps(&p->conv);
  int64_t panels = maas_ceil_div(filters, p->nr);
  for (int64_t i = begin; i < end; i++) {
    int64_t group = i / panels, first = i % panels * p->nr, width = maas_min64(p->nr, filters - first);
    const loose *from = weights + (group * filters + first) * taps;
    if (p->conv.path == maas_nhwc_depthwise)
      pack_depthwise(p, weights, packed);
    else if (p->conv.path == maas_nhwc_winograd)
      pack_tiles(p, from, width, packed + first * p->conv.channels);
    else
      pack_panel(p, from, width, packed + (group * panels * p->nr + first) * taps);
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_conv_nhwc_pack_split_for(const maas_kernel *conv, maas_f32_conv_nhwc_pack_params *p) {
  p->nr = conv->nr;
  int64_t panels = p->conv.groups * maas_ceil_div(p->conv.filters / p->conv.groups, p->nr);
  bool depthwise = p->conv.path == maas_nhwc_depthwise;
  return maas_split_by_cost(depthwise ? 1 : panels, (double)maas_nhwc_taps(&p->conv) * (double)p->nr, 0);
}

maas_split maas_f32_conv_nhwc_pack_split(maas_f32_conv_nhwc_pack_params *params) {
  return maas_f32_conv_nhwc_pack_split_for(maas_kernel_selected(&maas_f32_conv_nhwc_table), params);
}

int64_t maas_f32_conv_nhwc_packed_bytes_for(const maas_kernel *conv, const maas_f32_conv_params *g) {
  int64_t rows = g->path == maas_nhwc_winograd ? maas_tile_products * g->channels : maas_nhwc_taps(g);
  int64_t columns = g->groups * maas_round_up(g->filters / g->groups, conv->nr), bytes;
  if (g->path == maas_nhwc_depthwise)
    columns = g->filters;
  return __builtin_mul_overflow(rows, columns * (int64_t)sizeof(float), &bytes) ? -1 : bytes;
}

int64_t maas_f32_conv_nhwc_packed_bytes(const maas_f32_conv_params *params) {
  return maas_f32_conv_nhwc_packed_bytes_for(maas_kernel_selected(&maas_f32_conv_nhwc_table), params);
}
