/// What a transposed convolution adds up, channels last. Bound by memory, so one portable kernel serves all.
#include <string.h>
#include "../table.h"
#include "conv.h"

int32_t maas_f32_fold_nhwc_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_f32_fold_nhwc_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_f32_fold_nhwc, rows)

/// The input position whose tap `k` falls on output `at` along dimension d; -1 if there is none.
static int64_t source(const maas_f32_conv_params *g, int d, int64_t at, int64_t k) {
  int64_t reach = at + g->pad[d] - k * g->dilation[d];
  return reach < 0 || reach % g->stride[d] || reach / g->stride[d] >= g->input[d] ? -1 : reach / g->stride[d];
}

static void add(const float *x, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    y[i] += x[i];
}

/// Adds what falls on the output at `at`; `columns` are those of its image.
static void fold_pixel(const maas_f32_conv_params *g, const float *columns, const int64_t *at, float *y) {
  int64_t taps = maas_window_volume(g->kernel), tap = 0;
  for (int64_t kz = 0; kz < g->kernel[maas_depth]; kz++)
    for (int64_t ky = 0; ky < g->kernel[maas_height]; ky++)
      for (int64_t kx = 0; kx < g->kernel[maas_width]; kx++, tap++) {
        int64_t z = source(g, maas_depth, at[0], kz), row = source(g, maas_height, at[1], ky);
        int64_t x = source(g, maas_width, at[2], kx);
        if (z >= 0 && row >= 0 && x >= 0)
          add(columns + (((z * g->input[1] + row) * g->input[2] + x) * taps + tap) * g->filters, y,
              g->filters);
      }
}

/// Items: rows of y.
int32_t maas_f32_fold_nhwc_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_conv_params *g = step->params;
  const float *bias = step->operands[1];
  int64_t width = g->output[maas_width], size = (size_t)g->filters * sizeof(float);
  int64_t image_columns = maas_window_volume(g->input) * maas_window_volume(g->kernel) * g->filters;
  for (int64_t i = begin; i < end; i++) {
    int64_t plane = i / g->output[maas_height], at[] = {plane % g->output[0], i % g->output[1], 0};
    const float *columns = (const float *)step->operands[0] + plane / g->output[0] * image_columns;
    float *y = (float *)step->operands[2] + i * width * g->filters;
    for (; at[2] < width; at[2]++, y += g->filters) {
      if (bias)
        memcpy(y, bias, (size_t)size);
      else
        memset(y, 0, (size_t)size);
      fold_pixel(g, columns, at, y);
    }
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_fold_nhwc_split(const maas_f32_conv_params *g) {
  double taps = (double)maas_window_volume(g->kernel), pixels = (double)g->output[maas_width];
  return maas_split_by_cost(g->batch * g->output[maas_depth] * g->output[maas_height],
                            pixels * (10 + 2 * taps + (double)g->filters * 0.3), 0);
}
