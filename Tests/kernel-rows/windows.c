/// Convolution and pooling against the portable row, whose exactness KernelTests holds.
#include <stdio.h>
#include <string.h>
#include "rows.h"

static const struct window {
  int64_t input[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
} windows[] = {
    {{1, 1, 20}, {1, 1, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}, {0, 0, 1}},
    {{1, 7, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 14, 15}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 9, 15}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {{1, 9, 8}, {1, 1, 1}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
    {{1, 17, 24}, {1, 5, 7}, {1, 1, 3}, {1, 2, 1}, {0, 4, 0}, {0, 3, 5}},
    {{1, 4, 4}, {1, 3, 3}, {1, 1, 1}, {1, 3, 3}, {0, 6, 6}, {0, 6, 6}},
    {{4, 5, 6}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {{5, 6, 7}, {2, 3, 2}, {2, 1, 2}, {1, 2, 1}, {0, 1, 1}, {1, 0, 0}},
    {{1, 40, 50}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 30, 70}, {1, 2, 2}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
};
enum { window_count = sizeof windows / sizeof windows[0] };

static int64_t product(const int64_t *sizes) { return sizes[0] * sizes[1] * sizes[2]; }

static void output_of(const struct window *w, int64_t *output) {
  for (int d = 0; d < 3; d++)
    output[d] =
        (w->input[d] + w->begin[d] + w->end[d] - (w->kernel[d] - 1) * w->dilation[d] - 1) / w->stride[d] + 1;
}

static maas_split conv_split(const maas_kernel *row, void *params) {
  return maas_f32_conv_split_for(row, params);
}

static void check_conv(const struct window *w, int64_t channels, int64_t filters, int64_t groups) {
  maas_f32_conv_params p = {
      .batch = groups == 1 ? 1 : 2, .channels = channels, .filters = filters, .groups = groups};
  p.activation.op = filters % 2 ? MAAS_UNARY_RELU : MAAS_UNARY_IDENTITY;
  memcpy(p.input, w->input, sizeof p.input);
  memcpy(p.kernel, w->kernel, sizeof p.kernel);
  memcpy(p.stride, w->stride, sizeof p.stride);
  memcpy(p.dilation, w->dilation, sizeof p.dilation);
  memcpy(p.pad, w->begin, sizeof p.pad);
  output_of(w, p.output);
  size_t y = (size_t)(p.batch * filters * product(p.output));
  int64_t taps = channels / groups * product(p.kernel);
  bool residual = filters != 5;
  kernel_case c = {.table = "maas_f32_conv",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)(p.batch * channels * product(p.input)), -1, 1},
                                {FLOATS, false, (size_t)(filters * taps), -1, 1},
                                {filters > 5 ? FLOATS : ABSENT, false, (size_t)filters, -1, 1},
                                {residual ? FLOATS : ABSENT, false, y, -1, 1},
                                {FLOATS, true, y, 7, 7}},
                   .tolerance = 1e-6,
                   .scale = 1 + 0.25 * (double)taps, // The expected sum of the products' magnitudes.
                   .onto = residual ? 3 : -1,
                   .split = conv_split};
  snprintf(c.note, sizeof c.note, "window %d, %d > %d in %d groups", (int)(w - windows), (int)channels,
           (int)filters, (int)groups);
  check(&c);
}

static maas_split pool_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_f32_pool_split(params);
}

static void check_pool(const struct window *w, maas_pool op, bool option) {
  maas_f32_pool_params p = {.op = op, .count_include_pad = option, .column_major = option, .planes = 3};
  memcpy(p.input, w->input, sizeof p.input);
  memcpy(p.kernel, w->kernel, sizeof p.kernel);
  memcpy(p.stride, w->stride, sizeof p.stride);
  memcpy(p.dilation, w->dilation, sizeof p.dilation);
  memcpy(p.pad_begin, w->begin, sizeof p.pad_begin);
  memcpy(p.pad_end, w->end, sizeof p.pad_end);
  output_of(w, p.output);
  size_t y = (size_t)(p.planes * product(p.output));
  bool indices = op == MAAS_POOL_MAX && w->input[1] % 2;
  kernel_case c = {.table = "maas_f32_pool",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{SPECIAL, false, (size_t)(p.planes * product(p.input)), -9, 9},
                                {FLOATS, true, y, 7, 7},
                                {indices ? INDICES : ABSENT, true, y, 0, 0}},
                   .tolerance = op == MAAS_POOL_MAX ? 0 : 5e-7,
                   .scale = 9,
                   .onto = -1,
                   .split = pool_split};
  snprintf(c.note, sizeof c.note, "window %d, pool %d, option %d", (int)(w - windows), op, option);
  check(&c);
}

void check_windows(void) {
  const int64_t shapes[][3] = {{1, 1, 1}, {3, 5, 1}, {8, 12, 4}, {6, 6, 6}, {5, 15, 5}, {2, 40, 1}};
  for (int w = 0; w < window_count; w++) {
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
      check_conv(&windows[w], shapes[s][0], shapes[s][1], shapes[s][2]);
    for (int option = 0; option < 2; option++) {
      check_pool(&windows[w], MAAS_POOL_MAX, option);
      check_pool(&windows[w], MAAS_POOL_AVERAGE, option);
    }
  }
  check_conv(&windows[1], 128, 20, 1); // Several passes over k.
}
