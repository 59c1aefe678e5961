/// Convolution and pooling.
#include "rows.h"
#include <stdio.h>

static maas_split conv_split(const maas_kernel *row, void *params) {
  return maas_f32_conv_split_for(row, params);
}

/// A layer of a network: square images and kernels, padded to keep the size, divided by the stride.
typedef struct layer {
  int64_t channels, filters, groups, image, kernel, stride;
} layer;

static void measure_conv(layer l) {
  int64_t out = (l.image + l.stride - 1) / l.stride, taps = l.channels / l.groups * l.kernel * l.kernel;
  maas_f32_conv_params p = {.batch = 1,
                            .channels = l.channels,
                            .filters = l.filters,
                            .groups = l.groups,
                            .input = {1, l.image, l.image},
                            .output = {1, out, out},
                            .kernel = {1, l.kernel, l.kernel},
                            .stride = {1, l.stride, l.stride},
                            .dilation = {1, 1, 1},
                            .pad = {0, l.kernel / 2, l.kernel / 2},
                            .activation = {MAAS_UNARY_RELU, 0, 0}};
  kernel_case c = {.table = "maas_f32_conv",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{(size_t)(l.channels * l.image * l.image), false},
                                {(size_t)(l.filters * taps), false},
                                {(size_t)l.filters, false},
                                {0, false},
                                {(size_t)(l.filters * out * out), false}},
                   .flops = 2.0 * (double)(l.filters * out * out) * (double)taps,
                   .split = conv_split};
  snprintf(c.note, sizeof c.note, "%lld>%lld k%lld s%lld g%lld %lldx%lld", (long long)l.channels,
           (long long)l.filters, (long long)l.kernel, (long long)l.stride, (long long)l.groups,
           (long long)l.image, (long long)l.image);
  measure(&c);
}

SPLIT(pool)

static void measure_pool(int64_t planes, int64_t image, int64_t kernel, int64_t stride, maas_pool op) {
  int64_t out = (image + stride - 1) / stride, before = kernel / 2;
  maas_f32_pool_params p = {.op = op,
                            .planes = planes,
                            .input = {1, image, image},
                            .output = {1, out, out},
                            .kernel = {1, kernel, kernel},
                            .stride = {1, stride, stride},
                            .dilation = {1, 1, 1},
                            .pad_begin = {0, before, before},
                            .pad_end = {0, before, before}};
  kernel_case c = {
      .table = "maas_f32_pool",
      .params = &p,
      .params_size = sizeof p,
      .operands = {{(size_t)(planes * image * image), false}, {(size_t)(planes * out * out), false}},
      .split = pool_split};
  snprintf(c.note, sizeof c.note, "%s k%lld s%lld %lldx%lldx%lld", op == MAAS_POOL_MAX ? "max" : "average",
           (long long)kernel, (long long)stride, (long long)planes, (long long)image, (long long)image);
  measure(&c);
}

void measure_windows(void) {
  static const layer layers[] = {
      {3, 64, 1, 224, 7, 2},     {64, 64, 1, 56, 3, 1},     {64, 128, 1, 56, 3, 2},   {128, 128, 1, 28, 3, 1},
      {256, 256, 1, 14, 3, 1},   {512, 512, 1, 7, 3, 1},    {64, 256, 1, 56, 1, 1},   {256, 64, 1, 56, 1, 1},
      {1024, 256, 1, 14, 1, 1},  {32, 32, 1, 128, 3, 1},    {32, 32, 32, 112, 3, 1},  {96, 96, 96, 112, 3, 2},
      {144, 144, 144, 56, 3, 1}, {576, 576, 576, 14, 3, 1}, {960, 960, 960, 7, 3, 1}, {24, 144, 1, 56, 1, 1},
  };
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
    measure_conv(layers[i]);
  measure_pool(64, 112, 3, 2, MAAS_POOL_MAX);
  measure_pool(64, 56, 3, 1, MAAS_POOL_AVERAGE);
}
