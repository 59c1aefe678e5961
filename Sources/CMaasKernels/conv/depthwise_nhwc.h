#ifndef MAAS_CONV_DEPTHWISE_NHWC_H
#define MAAS_CONV_DEPTHWISE_NHWC_H
/// Channels-last convolution with one filter per channel: a vector holds neighbouring channels.
#include "../clamp.h"
#include "nhwc.h"

/// A loop over registers, unrolled.
#ifndef MAAS_EACH
#define MAAS_EACH(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)
#endif

enum { depthwise_most_rows = 8 };

/// Taps [first, end) along a dimension that meet the input.
typedef struct tap_range {
  int64_t first, end;
} tap_range;

static inline tap_range taps_inside(const maas_f32_conv_params *g, int d, int64_t at) {
  int64_t start = at * g->stride[d] - g->pad[d], dilation = g->dilation[d];
  tap_range range = {.first = start < 0 ? maas_min64(g->kernel[d], maas_ceil_div(-start, dilation)) : 0};
  range.end =
      start >= g->input[d] ? 0 : maas_min64(g->kernel[d], maas_ceil_div(g->input[d] - start, dilation));
  range.end = maas_max64(range.first, range.end);
  return range;
}

/// One row of outputs, for a vector of channels.
typedef struct depthwise_strip {
  const maas_f32_conv_params *g;
  const float *image, *weights, *residual; ///< Of the row's image, and of the vector's first channel.
  float *y;
  vf bias;
  int64_t z, row; ///< Of the input, where the kernel's first tap would be.
  tap_range depth, height;
  clamp clamp;
} depthwise_strip;

enum { depthwise_count = 4 };

/// How a row of the kernel is applied: tap by tap, or, with 3 taps and neither stride nor dilation, so that neighbouring
/// outputs share what they load, which may partly lie outside the input.
typedef enum depthwise_way { BY_TAP, SHARED, SHARED_AT_EDGE } depthwise_way;

/// sum[i] += the kernel's row for `count` neighbouring outputs, the first of which sees column `left` of the input first.
static inline __attribute__((always_inline)) void depthwise_taps(const maas_f32_conv_params *g,
                                                                 const float *x, const float *weight,
                                                                 int64_t left, tap_range columns,
                                                                 const int count, const depthwise_way way,
                                                                 const bool tail, int64_t n, vf *sum) {
  int64_t channels = g->channels, step = g->stride[maas_width] * channels;
  if (way != BY_TAP) {
    vf w[3], seen[depthwise_count + 2];
    MAAS_EACH (k, 3)
      w[k] = tail ? v_load_tail(weight + k * channels, n) : v_load(weight + k * channels);
    MAAS_EACH (i, count + 2)
      if (way == SHARED_AT_EDGE && (left + i < 0 || left + i >= g->input[maas_width]))
        seen[i] = v_set(0);
      else
        seen[i] = tail ? v_load_tail(x + i * channels, n) : v_load(x + i * channels);
    MAAS_EACH (k, 3)
      MAAS_EACH (i, count)
        sum[i] = v_fma(w[k], seen[i + k], sum[i]);
    return;
  }
  const float *from = x + columns.first * g->dilation[maas_width] * channels;
  weight += columns.first * channels;
  for (int64_t kx = columns.first; kx < columns.end; kx++) {
    vf w = tail ? v_load_tail(weight, n) : v_load(weight);
    MAAS_EACH (i, count)
      sum[i] = v_fma(w, tail ? v_load_tail(from + i * step, n) : v_load(from + i * step), sum[i]);
    from += g->dilation[maas_width] * channels;
    weight += channels;
  }
}

/// `count` neighbouring outputs from column `x` on, which see the kernel's columns [first, end).
static inline __attribute__((always_inline)) void depthwise_pixels(const depthwise_strip *d, int64_t x,
                                                                   tap_range columns, const int count,
                                                                   const depthwise_way way, const bool tail,
                                                                   int64_t n) {
  const maas_f32_conv_params *g = d->g;
  int64_t channels = g->channels, left = x * g->stride[maas_width] - g->pad[maas_width];
  vf sum[depthwise_count];
  MAAS_EACH (i, count)
    sum[i] = d->bias;
  for (int64_t kz = d->depth.first; kz < d->depth.end; kz++)
    for (int64_t ky = d->height.first; ky < d->height.end; ky++) {
      int64_t plane = (d->z + kz * g->dilation[maas_depth]) * g->input[maas_height];
      int64_t row = plane + d->row + ky * g->dilation[maas_height];
      int64_t weight = (kz * g->kernel[maas_height] + ky) * g->kernel[maas_width];
      depthwise_taps(g, d->image + (row * g->input[maas_width] + left) * channels,
                     d->weights + weight * channels, left, columns, count, way, tail, n, sum);
    }
  MAAS_EACH (i, count) {
    int64_t at = (x + i) * channels;
    if (d->residual)
      sum[i] = v_add(sum[i], tail ? v_load_tail(d->residual + at, n) : v_load(d->residual + at));
    sum[i] = clamped(d->clamp, sum[i]);
    if (tail)
      v_store_tail(d->y + at, sum[i], n);
    else
      v_store(d->y + at, sum[i]);
  }
}

/// A whole vector of channels, by 3 taps without stride and dilation. Outputs in [inner, outer) see all of them.
static void depthwise_shared(const depthwise_strip *d, int64_t inner, int64_t outer) {
  tap_range all = {0, 3};
  int64_t width = d->g->output[maas_width], x = 0;
  for (; x + depthwise_count <= width; x += depthwise_count)
    if (x >= inner && x + depthwise_count <= outer)
      depthwise_pixels(d, x, all, depthwise_count, SHARED, false, 0);
    else
      depthwise_pixels(d, x, all, depthwise_count, SHARED_AT_EDGE, false, 0);
  for (; x < width; x++)
    depthwise_pixels(d, x, all, 1, SHARED_AT_EDGE, false, 0);
}

/// Outputs in [inner, outer) see whole rows of the kernel.
static inline __attribute__((always_inline)) void
depthwise_by_tap(const depthwise_strip *d, int64_t inner, int64_t outer, const bool tail, int64_t n) {
  const maas_f32_conv_params *g = d->g;
  for (int64_t x = 0; x < g->output[maas_width];)
    if (x >= inner && x + depthwise_count <= outer) {
      depthwise_pixels(d, x, (tap_range){0, g->kernel[maas_width]}, depthwise_count, BY_TAP, tail, n);
      x += depthwise_count;
    } else {
      depthwise_pixels(d, x, taps_inside(g, maas_width, x), 1, BY_TAP, tail, n);
      x++;
    }
}

/// The row for the n <= V_WIDTH channels of the strip.
static __attribute__((noinline)) void depthwise_line(const depthwise_strip *d, int64_t inner, int64_t outer,
                                                     int64_t n) {
  const maas_f32_conv_params *g = d->g;
  if (n < V_WIDTH)
    depthwise_by_tap(d, inner, outer, true, n);
  else if (g->kernel[maas_width] == 3 && g->stride[maas_width] == 1 && g->dilation[maas_width] == 1)
    depthwise_shared(d, inner, outer);
  else
    depthwise_by_tap(d, inner, outer, false, 0);
}

/// Where the first channel of a row of y is worked on, and the columns that see whole rows of the kernel.
typedef struct depthwise_place {
  depthwise_strip strip;
  int64_t inner, outer;
} depthwise_place;

static depthwise_place depthwise_place_at(const maas_f32_conv_params *g, void *const *operands,
                                          int64_t index) {
  int64_t y = index % g->output[maas_height], z = index / g->output[maas_height] % g->output[maas_depth];
  int64_t image = index / g->output[maas_height] / g->output[maas_depth], width = g->output[maas_width];
  int64_t row = index * width * g->channels;
  const float *residual = operands[3];
  depthwise_place place = {
      .strip = {.g = g,
                .image = (const float *)operands[0] + image * maas_window_volume(g->input) * g->channels,
                .weights = operands[1],
                .residual = residual ? residual + row : NULL,
                .y = (float *)operands[4] + row,
                .z = z * g->stride[maas_depth] - g->pad[maas_depth],
                .row = y * g->stride[maas_height] - g->pad[maas_height],
                .depth = taps_inside(g, maas_depth, z),
                .height = taps_inside(g, maas_height, y),
                .clamp = clamp_of(&g->activation)},
      .outer = width};
  while (place.inner < width && taps_inside(g, maas_width, place.inner).first > 0)
    place.inner++;
  while (place.outer > place.inner && taps_inside(g, maas_width, place.outer - 1).end < g->kernel[maas_width])
    place.outer--;
  return place;
}

/// The strip from channel `c` on.
static depthwise_strip depthwise_strip_at(const depthwise_strip *whole, const float *bias, int64_t c,
                                          int64_t n) {
  depthwise_strip strip = *whole;
  strip.image += c;
  strip.weights += c;
  strip.y += c;
  if (strip.residual)
    strip.residual += c;
  strip.bias = bias ? v_load_tail(bias + c, n) : v_set(0);
  return strip;
}

/// Rows [first, end) of y: all rows for one vector of channels after the other, as they share rows of x.
static void depthwise_rows_nhwc(const maas_f32_conv_params *g, void *const *operands, int64_t first,
                                int64_t end) {
  depthwise_place places[depthwise_most_rows];
  for (int64_t i = first; i < end; i++)
    places[i - first] = depthwise_place_at(g, operands, i);
  for (int64_t c = 0; c < g->channels; c += V_WIDTH)
    for (int64_t i = 0; i < end - first; i++) {
      int64_t n = maas_min64(V_WIDTH, g->channels - c);
      depthwise_strip strip = depthwise_strip_at(&places[i].strip, operands[2], c, n);
      depthwise_line(&strip, places[i].inner, places[i].outer, n);
    }
  float *y = places[0].strip.y;
  if (!is_clamp(&g->activation))
    MAAS_F32_SHARED(unary_rows)
  [g->activation.op](y, y, (end - first) * g->output[maas_width] * g->channels, g->activation.alpha,
                     g->activation.beta);
}

#endif
