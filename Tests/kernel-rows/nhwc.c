/// Channels-last convolution and pooling against their definitions in double precision.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "rows.h"

/// Sizes that reach every path, and their edges.
static const struct shape {
  int64_t channels, filters, groups, input[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
} shapes[] = {
    {3, 20, 1, {1, 13, 15}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},  // All taps joined.
    {16, 24, 1, {1, 9, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},   // Flat.
    {16, 12, 2, {1, 6, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},   // Flat, in groups.
    {512, 33, 1, {1, 4, 5}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},  // Padded rows.
    {16, 40, 1, {1, 11, 10}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, // A strip.
    {12, 17, 1, {1, 12, 17}, {1, 5, 4}, {1, 3, 2}, {1, 2, 3}, {0, 4, 3}, {0, 2, 5}}, // Stride and dilation.
    {40, 18, 2, {1, 8, 9}, {1, 3, 3}, {1, 2, 1}, {1, 1, 1}, {0, 1, 0}, {0, 1, 2}},   // In groups.
    {11, 9, 1, {4, 5, 6}, {3, 3, 3}, {1, 1, 2}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},    // 3-D.
    {16, 8, 1, {1, 1, 700}, {1, 1, 9}, {1, 1, 1}, {1, 1, 1}, {0, 0, 4}, {0, 0, 4}},  // 1-D.
    {600, 8, 1, {1, 1, 500}, {1, 1, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}, {0, 0, 1}}, // Blocks of a row.
    {21, 21, 21, {1, 9, 14}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, // Depthwise.
    {32, 32, 32, {3, 8, 9}, {2, 5, 3}, {1, 2, 2}, {1, 1, 2}, {1, 2, 2}, {0, 2, 2}},
    {16, 16, 16, {1, 4, 4}, {1, 3, 3}, {1, 1, 1}, {1, 3, 3}, {0, 6, 6}, {0, 6, 6}},
    {32, 48, 1, {1, 14, 13}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, // Winograd.
    {256, 80, 1, {2, 9, 12}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 2}, {0, 2, 0}},
    {48, 32, 1, {1, 40, 41}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}}, // Several blocks.
};

static int64_t volume(const int64_t *sizes) { return sizes[0] * sizes[1] * sizes[2]; }

static void output_of(const struct shape *s, int64_t *output) {
  for (int d = 0; d < 3; d++)
    output[d] =
        (s->input[d] + s->begin[d] + s->end[d] - (s->kernel[d] - 1) * s->dilation[d] - 1) / s->stride[d] + 1;
}

/// The input's index of tap `t` seen from output `at`; -1 outside.
static int64_t seen(const int64_t *input, const int64_t *kernel, const int64_t *stride,
                    const int64_t *dilation, const int64_t *pad, const int64_t *output, int64_t at,
                    int64_t t) {
  int64_t places[] = {at / output[2] / output[1], at / output[2] % output[1], at % output[2]};
  int64_t taps[] = {t / kernel[2] / kernel[1], t / kernel[2] % kernel[1], t % kernel[2]}, index = 0;
  for (int d = 0; d < 3; d++) {
    int64_t i = places[d] * stride[d] - pad[d] + taps[d] * dilation[d];
    if (i < 0 || i >= input[d])
      return -1;
    index = index * input[d] + i;
  }
  return index;
}

static double activated(const maas_f32_activation *f, double y) {
  switch (f->op) {
  case MAAS_UNARY_RELU:
    return fmax(y, 0);
  case MAAS_UNARY_CLIP:
    return fmin(fmax(y, f->alpha), f->beta);
  case MAAS_UNARY_TANH:
    return tanh(y);
  default:
    return y;
  }
}

static double conv_sum(const maas_f32_conv_params *p, const float *x, const float *w, int64_t at,
                       int64_t filter, double *size) {
  int64_t channels = p->channels / p->groups, taps = volume(p->kernel), positions = volume(p->output);
  int64_t group = filter / (p->filters / p->groups), image = at / positions;
  double sum = 0;
  for (int64_t t = 0; t < taps; t++) {
    int64_t from = seen(p->input, p->kernel, p->stride, p->dilation, p->pad, p->output, at % positions, t);
    for (int64_t c = 0; from >= 0 && c < channels; c++) {
      double product = (double)x[(image * volume(p->input) + from) * p->channels + group * channels + c] *
                       w[(filter * channels + c) * taps + t];
      sum += product;
      *size += fabs(product);
    }
  }
  return sum;
}

static void conv_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_conv_params *p = c->params;
  const float *bias = operands[2], *residual = operands[3];
  for (int64_t i = 0; i < p->batch * volume(p->output) * p->filters; i++) {
    int64_t filter = i % p->filters;
    double size = 1, sum = conv_sum(p, operands[0], operands[1], i / p->filters, filter, &size);
    sum += (bias ? bias[filter] : 0) + (residual ? residual[i] : 0);
    expected[i] = activated(&p->activation, sum);
    allowed[i] = c->tolerance * size;
  }
}

static maas_split conv_split(const maas_kernel *row, void *params) {
  return maas_f32_conv_nhwc_split_for(row, params);
}

static fenced conv_pack(const kernel_case *c, const maas_kernel *row, const fenced *plain) {
  union {
    maas_f32_conv_nhwc_pack_params p;
    uint64_t aligned[8];
  } pack __attribute__((aligned(64))) = {0};
  memcpy(&pack.p.conv, c->params, sizeof pack.p.conv);
  maas_f32_conv_nhwc_split_for(row, &pack.p.conv);
  maas_split split = maas_f32_conv_nhwc_pack_split_for(row, &pack.p);
  fenced packed = fence((size_t)maas_f32_conv_nhwc_packed_bytes_for(row, &pack.p.conv), true);
  void *operands[] = {packed.bytes, plain->bytes};
  run_row(maas_f32_conv_nhwc_pack, &pack.p, operands, split);
  return packed;
}

static void check_conv(const struct shape *s, int option) {
  const maas_f32_activation activations[] = {{.op = MAAS_UNARY_IDENTITY},
                                             {.op = MAAS_UNARY_RELU},
                                             {MAAS_UNARY_CLIP, -0.5f, 0.75f},
                                             {.op = MAAS_UNARY_TANH}};
  maas_f32_conv_params p = {.batch = option == 1 ? 2 : 1,
                            .channels = s->channels,
                            .filters = s->filters,
                            .groups = s->groups,
                            .activation = activations[option]};
  memcpy(p.input, s->input, sizeof p.input);
  memcpy(p.kernel, s->kernel, sizeof p.kernel);
  memcpy(p.stride, s->stride, sizeof p.stride);
  memcpy(p.dilation, s->dilation, sizeof p.dilation);
  memcpy(p.pad, s->begin, sizeof p.pad);
  output_of(s, p.output);
  size_t y = (size_t)(p.batch * p.filters * volume(p.output));
  bool residual = option > 1;
  kernel_case c = {
      .table = "maas_f32_conv_nhwc",
      .params = &p,
      .params_size = sizeof p,
      .operands = {{FLOATS, false, (size_t)(p.batch * p.channels * volume(p.input)), -1, 1},
                   {PACKED, false, (size_t)(p.filters * p.channels / p.groups * volume(p.kernel)), -1, 1},
                   {option > 0 ? FLOATS : ABSENT, false, (size_t)p.filters, -1, 1},
                   {residual ? FLOATS : ABSENT, false, y, -1, 1},
                   {FLOATS, true, y, 7, 7}},
      .tolerance = 1e-6,
      .onto = residual ? 3 : -1,
      .exact = conv_exact,
      .split = conv_split,
      .pack = conv_pack};
  snprintf(c.note, sizeof c.note, "shape %d, option %d", (int)(s - shapes), option);
  check(&c);
}

static void pool_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_pool_params *p = c->params;
  const float *x = operands[0];
  int64_t positions = volume(p->output), images = p->planes / p->channels;
  int64_t padded[3], none[3] = {0};
  for (int d = 0; d < 3; d++)
    padded[d] = p->input[d] + p->pad_begin[d] + p->pad_end[d];
  for (int64_t i = 0; i < images * positions * p->channels; i++) {
    int64_t at = i / p->channels % positions, image = i / p->channels / positions;
    double sum = 0, largest = -INFINITY;
    int64_t inside = 0, counted = 0;
    for (int64_t t = 0; t < volume(p->kernel); t++) {
      int64_t from = seen(p->input, p->kernel, p->stride, p->dilation, p->pad_begin, p->output, at, t);
      counted += seen(padded, p->kernel, p->stride, p->dilation, none, p->output, at, t) >= 0;
      if (from < 0)
        continue;
      double value = x[(image * volume(p->input) + from) * p->channels + i % p->channels];
      inside++;
      sum += value;
      largest = isnan(value) || value > largest ? value : largest;
    }
    int64_t divisor = p->count_include_pad ? counted : inside;
    expected[i] = p->op == MAAS_POOL_MAX   ? largest
                  : p->op == MAAS_POOL_SUM ? sum
                  : divisor                ? sum / (double)divisor
                                           : 0;
    allowed[i] = p->op == MAAS_POOL_MAX ? 0 : c->tolerance * 9 * (double)(inside + 1);
  }
}

static maas_split pool_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_f32_pool_nhwc_split(params);
}

static void check_pool(const struct shape *s, maas_pool op, bool option) {
  maas_f32_pool_params p = {
      .op = op, .count_include_pad = option, .planes = 2 * s->channels, .channels = s->channels};
  memcpy(p.input, s->input, sizeof p.input);
  memcpy(p.kernel, s->kernel, sizeof p.kernel);
  memcpy(p.stride, s->stride, sizeof p.stride);
  memcpy(p.dilation, s->dilation, sizeof p.dilation);
  memcpy(p.pad_begin, s->begin, sizeof p.pad_begin);
  memcpy(p.pad_end, s->end, sizeof p.pad_end);
  output_of(s, p.output);
  kernel_case c = {.table = "maas_f32_pool_nhwc",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)(p.planes * volume(p.input)), -9, 9},
                                {FLOATS, true, (size_t)(p.planes * volume(p.output)), 7, 7}},
                   .tolerance = 1e-6,
                   .onto = -1,
                   .exact = pool_exact,
                   .split = pool_split};
  snprintf(c.note, sizeof c.note, "shape %d, pool %d, option %d", (int)(s - shapes), op, option);
  check(&c);
}

/// Every column is added where its tap falls, if that is inside.
static void fold_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_conv_params *p = c->params;
  const float *columns = operands[0], *bias = operands[1];
  int64_t taps = volume(p->kernel), blocks = volume(p->input);
  for (int64_t i = 0; i < p->batch * volume(p->output) * p->filters; i++) {
    expected[i] = bias ? bias[i % p->filters] : 0;
    allowed[i] = c->tolerance * (double)(taps + 1);
  }
  for (int64_t i = 0; i < p->batch * blocks * taps; i++) {
    // A block sees as an output of a convolution what it makes as an input of its transpose.
    int64_t to =
        seen(p->output, p->kernel, p->stride, p->dilation, p->pad, p->input, i / taps % blocks, i % taps);
    for (int64_t f = 0; to >= 0 && f < p->filters; f++)
      expected[(i / taps / blocks * volume(p->output) + to) * p->filters + f] += columns[i * p->filters + f];
  }
}

static maas_split fold_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_f32_fold_nhwc_split(params);
}

static void check_fold(const struct shape *s, bool bias) {
  maas_f32_conv_params p = {.batch = 2, .filters = 5};
  output_of(s, p.input);
  memcpy(p.output, s->input, sizeof p.output);
  memcpy(p.kernel, s->kernel, sizeof p.kernel);
  memcpy(p.stride, s->stride, sizeof p.stride);
  memcpy(p.dilation, s->dilation, sizeof p.dilation);
  memcpy(p.pad, s->begin, sizeof p.pad);
  kernel_case c = {.table = "maas_f32_fold_nhwc",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)(2 * volume(p.input) * volume(p.kernel) * 5), -1, 1},
                                {bias ? FLOATS : ABSENT, false, 5, -1, 1},
                                {FLOATS, true, (size_t)(2 * volume(p.output) * 5), 7, 7}},
                   .tolerance = 1e-6,
                   .onto = -1,
                   .exact = fold_exact,
                   .split = fold_split};
  snprintf(c.note, sizeof c.note, "shape %d, bias %d", (int)(s - shapes), bias);
  check(&c);
}

void check_nhwc(void) {
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    for (int option = 0; option < 4; option++)
      check_conv(&shapes[i], option);
    check_fold(&shapes[i], i % 2);
    check_pool(&shapes[i], MAAS_POOL_MAX, false);
    check_pool(&shapes[i], MAAS_POOL_SUM, false);
    check_pool(&shapes[i], MAAS_POOL_AVERAGE, i % 2);
  }
}
