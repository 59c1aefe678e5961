#ifndef MAAS_CONV_DEPTHWISE_H
#define MAAS_CONV_DEPTHWISE_H
/// Convolution with one channel per group: taps over a strip (window/strip.h).
#include "../row.h"
#include "conv.h"

/// A block of output rows, and what one slice of the window adds to it.
typedef struct depthwise_slice {
  const maas_window *window;
  const int64_t *taps; ///< Offset in a strip's row per kernel column.
  const float *weights;
  float bias;
  bool add; ///< To `start`: R in the first slice, y itself later.
} depthwise_slice;

/// Columns [0, vectors * V_WIDTH) from here on, or the last n < V_WIDTH; two or more sums hide the fma's
/// latency.
static inline __attribute__((always_inline)) void depthwise_columns(const depthwise_slice *d,
                                                                    const float *row, const float *start,
                                                                    float *y, const int vectors,
                                                                    const bool tail, int64_t n) {
  const int64_t *kernel = d->window->kernel;
  int64_t step = maas_strip_row(d->window) * d->window->dilation[maas_height];
  const float *weight = d->weights;
  vf sum[4];
  for (int v = 0; v < vectors; v++) {
    sum[v] = v_set(d->bias);
    if (d->add)
      sum[v] = v_add(sum[v], tail ? v_load_tail(start, n) : v_load(start + v * V_WIDTH));
  }
  for (int64_t ky = 0; ky < kernel[maas_height]; ky++, row += step)
    for (int64_t kx = 0; kx < kernel[maas_width]; kx++) {
      const float *x = row + d->taps[kx];
      vf w = v_set(*weight++);
      for (int v = 0; v < vectors; v++)
        sum[v] = v_fma(w, tail ? v_load_tail(x, n) : v_load(x + v * V_WIDTH), sum[v]);
    }
  for (int v = 0; v < vectors; v++)
    if (tail)
      v_store_tail(y, sum[v], n);
    else
      v_store(y + v * V_WIDTH, sum[v]);
}

static void depthwise_row(const depthwise_slice *d, const float *row, const float *start, float *y) {
  int64_t width = d->window->output[maas_width], j = 0;
  for (; j + 4 * V_WIDTH <= width; j += 4 * V_WIDTH)
    depthwise_columns(d, row + j, start + j, y + j, 4, false, 0);
  for (; j + V_WIDTH <= width; j += V_WIDTH)
    depthwise_columns(d, row + j, start + j, y + j, 1, false, 0);
  if (j < width)
    depthwise_columns(d, row + j, start + j, y + j, 1, true, width - j);
}

/// `rows` output rows from `first` on of slice z of one plane; residual is R's or NULL.
static void depthwise_block(const maas_f32_conv_params *g, const maas_window *w, const float *plane,
                            depthwise_slice d, int64_t z, int64_t first, int64_t rows, const float *residual,
                            float *y, float *strip) {
  int64_t width = g->output[maas_width], taps = g->kernel[maas_height] * g->kernel[maas_width];
  for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++, d.weights += taps) {
    int64_t input_z = z * g->stride[maas_depth] - g->pad[maas_depth] + kz * g->dilation[maas_depth];
    const float *start = kz > 0 ? y : residual ? residual : y;
    d.add = kz > 0 || residual;
    d.bias = kz > 0 ? 0 : d.bias;
    maas_strip_fill(w, plane, input_z, first, rows, strip);
    for (int64_t r = 0; r < rows; r++)
      depthwise_row(&d, strip + r * g->stride[maas_height] * maas_strip_row(w), start + r * width,
                    y + r * width);
  }
  const maas_f32_activation *f = &g->activation;
  if (f->op != MAAS_UNARY_IDENTITY)
    MAAS_F32_SHARED(unary_rows)[f->op](y, y, rows * width, f->alpha, f->beta);
}

static void depthwise_item(const maas_f32_conv_params *g, void *const *operands, int64_t index,
                           void *scratch) {
  maas_window w = maas_conv_window(g);
  int64_t *taps = scratch, height = maas_strip_rows(&w),
          blocks = maas_ceil_div(g->output[maas_height], height);
  int64_t plane = index / blocks / g->output[maas_depth], z = index / blocks % g->output[maas_depth];
  int64_t first = index % blocks * height, filter = plane % g->filters;
  int64_t channel = plane / g->filters * g->channels + filter / (g->filters / g->groups);
  int64_t y = ((plane * g->output[maas_depth] + z) * g->output[maas_height] + first) * g->output[maas_width];
  const float *bias = operands[2], *residual = operands[3];
  for (int64_t kx = 0; kx < g->kernel[maas_width]; kx++)
    taps[kx] = maas_strip_tap(&w, kx);
  depthwise_slice d = {.window = &w,
                       .taps = taps,
                       .bias = bias ? bias[filter] : 0,
                       .weights = (const float *)operands[1] + filter * maas_window_volume(g->kernel)};
  depthwise_block(g, &w, (const float *)operands[0] + channel * maas_window_volume(g->input), d, z, first,
                  maas_min64(height, g->output[maas_height] - first), residual ? residual + y : NULL,
                  (float *)operands[4] + y, (float *)((char *)scratch + maas_conv_taps_bytes(g)));
}

#endif
