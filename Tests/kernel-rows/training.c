/// The kernels of gradients: slopes against double precision, weights of convolutions against plain sums, what works
/// along rows against the portable row, whose results the conformance tests compare with differences.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rows.h"

#define SPLIT(family)                                                                                        \
  static maas_split family##_split(const maas_kernel *row, void *params) {                                   \
    (void)row;                                                                                               \
    return maas_f32_##family##_split(params);                                                                \
  }
SPLIT(slope)
SPLIT(softmax_slope)
SPLIT(layer_norm_slope)
SPLIT(layer_norm_sums)
SPLIT(channel_norm_slope)

static void slope_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_unary_params *p = c->params;
  const float *dy = operands[0], *known = operands[1];
  for (int64_t i = 0; i < p->n; i++) {
    double slope = maas_f64_slope(p->function, known[i]);
    expected[i] = dy[i] * slope;
    // The argument of this one's tanh is rounded where e^x multiplies that.
    double error = p->function.op == MAAS_UNARY_GELU_TANH ? 4e-6 : 1e-6;
    allowed[i] = error * fabs(dy[i]) * fmax(1, fabs(slope));
  }
}

static void check_slope(maas_unary op, size_t n, float alpha) {
  maas_f32_unary_params p = {{op, alpha, 1.0625f}, (int64_t)n};
  bool result = maas_slope_takes_result(p.function);
  float least = op == MAAS_UNARY_SOFTPLUS ? 0 : -0.9f; // Of y.
  kernel_case c = {.table = "maas_f32_slope",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, n, -2, 2},
                                {FLOATS, false, n, result ? least : -5, result ? 0.9f : 5},
                                {FLOATS, true, n, 7, 7}},
                   .onto = (int)(n % 2),
                   .exact = slope_exact,
                   .split = slope_split};
  snprintf(c.note, sizeof c.note, "function %d of %zu, alpha %g", (int)op, n, alpha);
  check(&c);
}

static void check_slopes(void) {
  const size_t sizes[] = {1, 3, 8, 15, 31, 67, 1001};
  for (int op = 0; op < MAAS_UNARY_COUNT; op++)
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
      check_slope((maas_unary)op, sizes[s], 0.3125f);
      check_slope((maas_unary)op, sizes[s], -0.5f);
    }
}

static const int64_t shapes[][3] = {{1, 1, 1}, {3, 7, 1},    {5, 67, 1}, {4, 1000, 1}, {130, 33, 1},
                                    {3, 5, 7}, {2, 33, 100}, {1, 3, 65}, {2, 4, 1030}};

static size_t volume(const int64_t *shape) { return (size_t)(shape[0] * shape[1] * shape[2]); }

static void check_softmax_slope(const int64_t *s, bool log) {
  maas_f32_softmax_params p = {.log = log, .outer = s[0], .axis = s[1], .inner = s[2]};
  kernel_case c = {.table = "maas_f32_softmax_slope",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, volume(s), -1, 1},
                                {FLOATS, false, volume(s), log ? -5 : 0, log ? 0 : 1},
                                {FLOATS, true, volume(s), 7, 7}},
                   .tolerance = 1e-6,
                   .scale = (double)s[1],
                   .onto = log,
                   .split = softmax_slope_split};
  snprintf(c.note, sizeof c.note, "%dx%dx%d, log %d", (int)s[0], (int)s[1], (int)s[2], log);
  check(&c);
}

static void check_layer_norm(const int64_t *s, bool rms, bool scaled) {
  size_t rows = (size_t)(s[0] * s[2]), n = (size_t)s[1], all = volume(s);
  maas_f32_layer_norm_params p = {.rms = rms, .epsilon = 1e-2f, .rows = (int64_t)rows, .n = (int64_t)n};
  operand x = {FLOATS, false, all, -1, 1}, statistic = {FLOATS, true, rows, 7, 7};
  kernel_case c = {.table = "maas_f32_layer_norm_slope",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {x, x, {scaled ? FLOATS : ABSENT, false, n, -1, 1}, {FLOATS, true, all, 7, 7}},
                   .tolerance = 2e-5,
                   .scale = 1,
                   .onto = scaled,
                   .split = layer_norm_slope_split};
  c.operands[4] = c.operands[5] = statistic;
  snprintf(c.note, sizeof c.note, "%zu rows of %zu, rms %d, scaled %d", rows, n, rms, scaled);
  check(&c);
  kernel_case sums = {
      .table = "maas_f32_layer_norm_sums",
      .params = &p,
      .params_size = sizeof p,
      .operands = {x, x, {rms ? ABSENT : FLOATS, false, rows, -1, 1}, {FLOATS, false, rows, 1, 2}},
      .tolerance = 1e-6,
      .scale = 1 + (double)rows,
      .onto = -1,
      .split = layer_norm_sums_split};
  sums.operands[4] = sums.operands[5] = (operand){FLOATS, true, n, 7, 7};
  memcpy(sums.note, c.note, sizeof c.note);
  check(&sums);
}

static void check_channel_norm(const int64_t *s, bool given) {
  size_t channels = (size_t)s[1];
  maas_f32_channel_norm_params p = {.outer = s[0], .channels = s[1], .inner = s[2], .epsilon = 1e-2f};
  operand x = {FLOATS, false, volume(s), -1, 1}, each = {FLOATS, true, channels, 7, 7};
  operand own = {given ? FLOATS : ABSENT, false, channels, 0.1f, 1};
  kernel_case c = {
      .table = "maas_f32_channel_norm_slope",
      .params = &p,
      .params_size = sizeof p,
      .operands =
          {x, x, {FLOATS, false, channels, -1, 1}, own, own, {FLOATS, true, volume(s), 7, 7}, each, each},
      .tolerance = 1e-5,
      .scale = 1 + 0.1 * (double)s[0] * (double)s[2],
      .onto = given,
      .split = channel_norm_slope_split};
  snprintf(c.note, sizeof c.note, "%dx%dx%d, given %d", (int)s[0], (int)s[1], (int)s[2], given);
  check(&c);
}

static int64_t product(const int64_t *sizes) { return sizes[0] * sizes[1] * sizes[2]; }

/// The exact gradient of weight `w`, and the sum of the magnitudes of what it is made of.
static double weight_sum(const maas_f32_conv_params *g, const float *x, const float *dy, int64_t w,
                         double *size) {
  int64_t taps = product(g->kernel), channels = g->channels / g->groups;
  int64_t filter = w / taps / channels, channel = w / taps % channels;
  int64_t tap[] = {w / g->kernel[2] / g->kernel[1] % g->kernel[0], w / g->kernel[2] % g->kernel[1],
                   w % g->kernel[2]};
  double sum = *size = 0;
  channel += filter / (g->filters / g->groups) * channels;
  for (int64_t i = 0; i < g->batch * product(g->output); i++) {
    int64_t image = i / product(g->output), at = i % product(g->output), index = 0;
    int64_t place[] = {at / g->output[2] / g->output[1], at / g->output[2] % g->output[1], at % g->output[2]};
    bool inside = true;
    for (int d = 0; d < MAAS_SPATIAL_RANK; d++) {
      int64_t from = place[d] * g->stride[d] + tap[d] * g->dilation[d] - g->pad[d];
      inside = inside && from >= 0 && from < g->input[d];
      index = index * g->input[d] + from;
    }
    double term = inside ? (double)x[(image * g->channels + channel) * product(g->input) + index] *
                               dy[(image * g->filters + filter) * product(g->output) + at]
                         : 0;
    sum += term;
    *size += fabs(term);
  }
  return sum;
}

/// The exact convolution at element `i` of y, and the sum of the magnitudes of what it is made of.
static double convolved(const maas_f32_conv_params *g, const float *x, const float *w, int64_t i,
                        double *size) {
  int64_t positions = product(g->output), plane = i / positions, at = i % positions;
  int64_t filter = plane % g->filters, channels = g->channels / g->groups, taps = product(g->kernel);
  int64_t first = plane / g->filters * g->channels + filter / (g->filters / g->groups) * channels;
  int64_t place[] = {at / g->output[2] / g->output[1], at / g->output[2] % g->output[1], at % g->output[2]};
  double sum = *size = 0;
  for (int64_t t = 0; t < channels * taps; t++) {
    int64_t tap[] = {t / g->kernel[2] / g->kernel[1] % g->kernel[0], t / g->kernel[2] % g->kernel[1],
                     t % g->kernel[2]};
    int64_t index = first + t / taps;
    bool inside = true;
    for (int d = 0; d < MAAS_SPATIAL_RANK; d++) {
      int64_t from = place[d] * g->stride[d] + tap[d] * g->dilation[d] - g->pad[d];
      inside = inside && from >= 0 && from < g->input[d];
      index = index * g->input[d] + from;
    }
    double term = inside ? (double)x[index] * w[filter * channels * taps + t] : 0;
    sum += term;
    *size += fabs(term);
  }
  return sum;
}

static maas_f32_conv_weights_params weights_params;
static const char *weights_note;

/// One row, whole and in pieces, then the end that all rows share.
static void check_weights_of(const maas_kernel *row) {
  maas_f32_conv_weights_params p = weights_params;
  const maas_f32_conv_params *g = &p.conv;
  maas_split split = maas_f32_conv_weights_split_for(row, &p);
  uint64_t random = 5;
  int64_t size = g->filters * (g->channels / g->groups) * product(g->kernel);
  fenced x = random_floats((size_t)(g->batch * g->channels * product(g->input)), -1, 1, &random);
  fenced dy = random_floats((size_t)(g->batch * g->filters * product(g->output)), -1, 1, &random);
  fenced sums = fence((size_t)maas_f32_conv_weights_sums(&p) * sizeof(float), true);
  fenced dw = fence((size_t)size * sizeof(float), true);
  void *operands[] = {x.bytes, dy.bytes, sums.bytes}, *last[] = {sums.bytes, dw.bytes};
  run_row(row->run, &p, operands, split);
  run_row(maas_f32_conv_weights_finish, &p, last, maas_f32_conv_weights_finish_split(&p));
  const char *problem = fence_whole(&sums) && fence_whole(&dw) ? NULL : "wrote outside its operands";
  for (int64_t w = 0; w < size && !problem; w++) {
    double terms,
        sum = weight_sum(g, (const float *)(void *)x.bytes, (const float *)(void *)dy.bytes, w, &terms);
    if (!(fabs(real(&dw, w) - sum) <= 1e-6 * (1 + terms)))
      problem = "is too far off";
  }
  count(row->name, weights_note, problem);
  unfence(&x), unfence(&dy), unfence(&sums), unfence(&dw);
}

static void check_direct_of(const maas_kernel *row) {
  maas_f32_conv_direct_params p = {.conv = weights_params.conv};
  p.conv.activation.op = MAAS_UNARY_RELU;
  const maas_f32_conv_params *g = &p.conv;
  maas_split split = maas_f32_conv_direct_split_for(row, &p);
  uint64_t random = 6;
  int64_t weights = g->filters * (g->channels / g->groups) * product(g->kernel);
  int64_t size = g->batch * g->filters * product(g->output);
  fenced x = random_floats((size_t)(g->batch * g->channels * product(g->input)), -1, 1, &random);
  fenced w = random_floats((size_t)weights, -1, 1, &random), y = fence((size_t)size * sizeof(float), true);
  fenced bias = random_floats((size_t)g->filters, -1, 1, &random);
  fenced packed = fence((size_t)maas_f32_conv_direct_packed(&p) * sizeof(float), true);
  void *first[] = {packed.bytes, w.bytes}, *operands[] = {x.bytes, packed.bytes, bias.bytes, y.bytes};
  run_row(maas_f32_conv_direct_pack, &p, first, maas_f32_conv_direct_pack_split(&p));
  run_row(row->run, &p, operands, split);
  const char *problem = fence_whole(&packed) && fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int64_t i = 0; i < size && !problem; i++) {
    double terms,
        sum = convolved(g, (const float *)(void *)x.bytes, (const float *)(void *)w.bytes, i, &terms);
    sum = fmax(0, sum + real(&bias, i / product(g->output) % g->filters));
    if (!(fabs(real(&y, i) - sum) <= 1e-6 * (1 + terms)))
      problem = "is too far off";
  }
  count(row->name, weights_note, problem);
  unfence(&x), unfence(&w), unfence(&bias), unfence(&packed), unfence(&y);
}

static void check_weights(int64_t batch, int64_t channels, int64_t filters, int64_t groups, unsigned style) {
  static char note[96];
  maas_f32_conv_params g = {.batch = batch, .channels = channels, .filters = filters, .groups = groups};
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++) {
    bool used = d > 0 || style % 7 == 3;
    g.kernel[d] = used ? 1 + (style + (unsigned)d) % 4 : 1;
    g.stride[d] = used ? 1 + style / 2 % 2 + (style + (unsigned)d) % 5 / 4 : 1;
    g.dilation[d] = used && style % 3 == 1 ? 2 : 1;
    g.pad[d] = used ? style / 3 % 3 : 0;
    g.input[d] = used ? (g.kernel[d] - 1) * g.dilation[d] + 4 + (d == 2) * 3 * (int64_t)(style % 9) : 1;
    g.output[d] = (g.input[d] + 2 * g.pad[d] - (g.kernel[d] - 1) * g.dilation[d] - 1) / g.stride[d] + 1;
  }
  weights_params = (maas_f32_conv_weights_params){.conv = g};
  snprintf(note, sizeof note, "weights %d: %d > %d in %d groups", (int)style, (int)channels, (int)filters,
           (int)groups);
  weights_note = note;
  each_row("maas_f32_conv_weights", check_weights_of);
  each_row("maas_f32_conv_direct", check_direct_of);
}

void check_training(void) {
  check_slopes();
  for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
    check_softmax_slope(shapes[s], false);
    check_softmax_slope(shapes[s], true);
    for (int options = 0; options < 4; options++)
      check_layer_norm(shapes[s], options & 1, options & 2);
    check_channel_norm(shapes[s], false);
    check_channel_norm(shapes[s], true);
  }
  for (unsigned style = 0; style < 24; style++) {
    check_weights(3, 2, 9, 1, style);
    check_weights(2, 5, 40, 1, style);
    check_weights(1, 4, 4, 4, style);
    check_weights(2, 6, 36, 2, style);
  }
}
