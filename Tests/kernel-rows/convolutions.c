/// Convolution of bytes, and what else networks of quantized images consist of, exactly.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rows.h"

typedef struct byte_convolution {
  maas_s8_conv_params params;
  fenced operands[MAAS_S8_OPERANDS];
} byte_convolution;

/// Bits of a style beside those that choose_finish lists.
enum { tiled = 1 << 13, extreme = 1 << 14 };

static int64_t volume(const int64_t *sizes) { return sizes[0] * sizes[1] * sizes[2]; }

static void choose_output(maas_f32_conv_params *g, int d) {
  int64_t reach = (g->kernel[d] - 1) * g->dilation[d] + 1;
  g->output[d] = (g->input[d] + 2 * g->pad[d] - reach) / g->stride[d] + 1;
}

/// Sizes, strides, dilations and padding that go together; two dimensions mostly.
static void choose_window(maas_f32_conv_params *g, uint64_t *random) {
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++) {
    bool used = d > 0 || random_bits(random) % 4 == 0;
    g->kernel[d] = used ? 1 + (int64_t)(random_bits(random) % 4) : 1;
    if (used && random_bits(random) % 3 == 0)
      g->kernel[d] = 3;
    g->stride[d] = used ? 1 + (int64_t)(random_bits(random) % 2) : 1;
    g->dilation[d] = random_bits(random) % 4 == 0 ? 2 : 1;
    g->pad[d] = used ? (int64_t)(random_bits(random) % 3) : 0;
    unsigned more = d == MAAS_SPATIAL_RANK - 1 ? 80 : 9;
    g->input[d] = used ? g->kernel[d] * g->dilation[d] + (int64_t)(random_bits(random) % more) : 1;
    choose_output(g, d);
  }
}

/// What Winograd's algorithm is for.
static void choose_tiles(maas_f32_conv_params *g, uint64_t *random) {
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++) {
    bool used = d > 0;
    g->kernel[d] = used ? 3 : 1, g->stride[d] = g->dilation[d] = 1;
    g->pad[d] = used ? (int64_t)(random_bits(random) % 4) - 1 : 0;
    g->input[d] = used ? 11 + (int64_t)(random_bits(random) % 10) : 1 + (int64_t)(random_bits(random) % 2);
    g->output[d] = g->input[d] + 2 * g->pad[d] - g->kernel[d] + 1;
  }
}

enum { is_wide = 1 << 12, wide = 300 };

/// More columns than kernels take at a time.
static void widen(maas_f32_conv_params *g) {
  g->input[MAAS_SPATIAL_RANK - 1] += wide;
  choose_output(g, MAAS_SPATIAL_RANK - 1);
}

/// Bit by bit of `style`: signs, zero points and scales of the filters' own, what Y is, clipping, small weights.
static void choose_finish(byte_convolution *c, unsigned style, uint64_t *random) {
  static const maas_element types[] = {MAAS_ELEMENT_S32, MAAS_ELEMENT_F32, MAAS_ELEMENT_U8, MAAS_ELEMENT_S8};
  maas_s8_finish *f = &c->params.finish;
  int64_t filters = c->params.conv.filters;
  f->a_is_signed = style & 1, f->b_is_signed = style & 2;
  f->y_type = types[style >> 2 & 3];
  f->a_zero = style & 1 ? -7 : 9, f->b_zero = f->b_is_signed ? 0 : 128;
  f->a_zeros = style & 16 ? 1 : 0, f->b_zeros = (style & 96) == 96 ? filters : 0;
  f->a_scales = 1, f->b_scales = style & 128 ? filters : 1;
  f->bias_is_integer = style & 256;
  fenced *o = c->operands;
  if (f->a_zeros)
    o[MAAS_S8_A_ZERO] = random_bytes(1, random);
  if (f->b_zeros)
    o[MAAS_S8_B_ZERO] = random_bytes((size_t)filters, random);
  if (f->bias_is_integer)
    o[MAAS_S8_BIAS] = random_integers((size_t)filters, random);
  if (f->y_type == MAAS_ELEMENT_S32)
    return;
  o[MAAS_S8_A_SCALE] = random_floats(1, 0.01f, 0.1f, random);
  o[MAAS_S8_B_SCALE] = random_floats((size_t)f->b_scales, 0.01f, 0.1f, random);
  if (!f->bias_is_integer)
    o[MAAS_S8_BIAS] = random_floats((size_t)filters, -9, 9, random);
  if (style & 512)
    f->activation = (maas_f32_activation){MAAS_UNARY_CLIP, -3, 40};
  if (f->y_type == MAAS_ELEMENT_F32)
    return;
  choose_bytes(o, (size_t)filters, random);
}

static byte_convolution made_convolution(int64_t channels, int64_t filters, int64_t groups, unsigned style) {
  uint64_t random = (uint64_t)(channels * 10000 + filters * 100 + groups) + style;
  byte_convolution c = {0};
  maas_f32_conv_params *g = &c.params.conv;
  g->batch = 1 + style % 3 / 2, g->channels = channels, g->filters = filters, g->groups = groups;
  (style & tiled ? choose_tiles : choose_window)(g, &random);
  if (style & is_wide)
    widen(g);
  c.operands[MAAS_S8_B] = random_bytes((size_t)(filters * (channels / groups) * volume(g->kernel)), &random);
  size_t size = (style >> 2 & 3) < 2 ? 4 : 1;
  c.operands[MAAS_S8_Y] = fence((size_t)(g->batch * volume(g->output) * filters) * size, true);
  choose_finish(&c, style, &random);
  if (style & 1024)
    draw_weights(&c.operands[MAAS_S8_B], style & 1 ? rarely_large : 32, c.params.finish.b_is_signed, &random);
  c.operands[MAAS_S8_A] = random_bytes((size_t)(g->batch * volume(g->input) * channels), &random);
  if (style & extreme) {
    memset(c.operands[MAAS_S8_A].bytes, style & 1 ? 127 : 255, c.operands[MAAS_S8_A].size);
    memset(c.operands[MAAS_S8_B].bytes, style & 2 ? 128 : 0, c.operands[MAAS_S8_B].size);
  }
  return c;
}

/// The position of X that the tap of an output meets; -1 in padding.
static int64_t seen(const maas_f32_conv_params *g, int64_t image, int64_t output, int64_t tap) {
  int64_t at[3], index = image;
  for (int d = MAAS_SPATIAL_RANK - 1; d >= 0; d--) {
    at[d] = output % g->output[d] * g->stride[d] + tap % g->kernel[d] * g->dilation[d] - g->pad[d];
    output /= g->output[d], tap /= g->kernel[d];
    if (at[d] < 0 || at[d] >= g->input[d])
      return -1;
  }
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    index = index * g->input[d] + at[d];
  return index;
}

/// X less its zero point.
static int *centred_input(const byte_convolution *c) {
  const maas_s8_finish *f = &c->params.finish;
  const fenced *x = &c->operands[MAAS_S8_A];
  int zero = f->a_zeros ? number(&c->operands[MAAS_S8_A_ZERO], 0, f->a_is_signed) : f->a_zero;
  int *centred = malloc((x->size + 1) * sizeof *centred);
  for (size_t i = 0; i < x->size; i++)
    centred[i] = number(x, (int64_t)i, f->a_is_signed) - zero;
  return centred;
}

/// The filters less their zero points, [filters, taps, channels].
static int *centred_filters(const byte_convolution *c) {
  const maas_f32_conv_params *g = &c->params.conv;
  const maas_s8_finish *f = &c->params.finish;
  const fenced *w = &c->operands[MAAS_S8_B], *zeros = &c->operands[MAAS_S8_B_ZERO];
  int64_t channels = g->channels / g->groups, taps = volume(g->kernel);
  int *centred = malloc((w->size + 1) * sizeof *centred), *next = centred;
  for (int64_t filter = 0; filter < g->filters; filter++) {
    int zero = f->b_zeros ? number(zeros, filter, f->b_is_signed) : f->b_zero;
    for (int64_t tap = 0; tap < taps; tap++)
      for (int64_t i = 0; i < channels; i++)
        *next++ = number(w, (filter * channels + i) * taps + tap, f->b_is_signed) - zero;
  }
  return centred;
}

static int dot(const int *x, const int *w, int64_t n) {
  int sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += x[i] * w[i];
  return sum;
}

/// Adds to `sums`, of all filters, what they see at an output.
static void add_sums(const maas_f32_conv_params *g, const int *x, const int *filters, int64_t output,
                     int64_t *sums) {
  int64_t channels = g->channels / g->groups, taps = volume(g->kernel), positions = volume(g->output);
  for (int64_t tap = 0; tap < taps; tap++) {
    int64_t position = seen(g, output / positions, output % positions, tap);
    for (int64_t filter = 0; position >= 0 && filter < g->filters; filter++) {
      int64_t first = filter / (g->filters / g->groups) * channels;
      sums[filter] +=
          dot(x + position * g->channels + first, filters + (filter * taps + tap) * channels, channels);
    }
  }
}

static int64_t output_count(const maas_f32_conv_params *g) {
  return g->batch * volume(g->output) * g->filters;
}

/// Of every element of Y.
static int64_t *convolution_sums(const byte_convolution *c) {
  const maas_f32_conv_params *g = &c->params.conv;
  const int32_t *bias = (const int32_t *)(const void *)c->operands[MAAS_S8_BIAS].bytes;
  int *x = centred_input(c), *filters = centred_filters(c);
  int64_t count = output_count(g), *sums = malloc((size_t)(count + 1) * sizeof *sums);
  for (int64_t at = 0; at < count; at++)
    sums[at] = c->params.finish.bias_is_integer ? bias[at % g->filters] : 0;
  for (int64_t at = 0; at < count; at += g->filters)
    add_sums(g, x, filters, at / g->filters, sums + at);
  free(x);
  free(filters);
  return sums;
}

static bool is_output(const byte_convolution *c, int64_t at, int64_t sum) {
  const maas_s8_finish *f = &c->params.finish;
  const fenced *o = c->operands;
  int64_t filter = at % c->params.conv.filters;
  if (f->y_type == MAAS_ELEMENT_S32)
    return ((const int32_t *)(const void *)o[MAAS_S8_Y].bytes)[at] == sum;
  double exact = (double)sum * real(&o[MAAS_S8_A_SCALE], 0) * real(&o[MAAS_S8_B_SCALE], filter % f->b_scales);
  if (!f->bias_is_integer)
    exact += real(&o[MAAS_S8_BIAS], filter);
  if (f->activation.op == MAAS_UNARY_CLIP)
    exact = fmin(f->activation.beta, fmax(f->activation.alpha, exact));
  if (f->y_type == MAAS_ELEMENT_F32)
    return fabs(real(&o[MAAS_S8_Y], at) - exact) <= 1e-5 * (20 + fabs(exact));
  return is_byte(f, o, at, filter, exact);
}

static const char *convolution_problem(const byte_convolution *c, const int64_t *sums) {
  for (int64_t i = 0; i < output_count(&c->params.conv); i++)
    if (!is_output(c, i, sums[i]))
      return "not the convolution";
  return fence_whole(&c->operands[MAAS_S8_Y]) ? NULL : "wrote outside its operands";
}

/// The case that every row runs, and its sums, which take longer than the rows.
static byte_convolution made;
static int64_t *made_sums;
static unsigned made_style;

static void check_made_of(const maas_kernel *row) {
  byte_convolution *c = &made;
  const maas_f32_conv_params *g = &c->params.conv;
  memset(c->operands[MAAS_S8_Y].bytes, 0, c->operands[MAAS_S8_Y].size);
  maas_s8_conv_params params = c->params;
  maas_split split = maas_s8_conv_split_for(row, &params);
  maas_s8_conv_pack_params pack = {.conv = params.conv, .is_signed = params.finish.b_is_signed};
  pack.is_constant = made_style & 2048;
  maas_split pack_split = maas_s8_conv_pack_split_for(row, &pack);
  fenced panels = fence((size_t)maas_s8_conv_packed_bytes_for(row, &params.conv), true);
  run_row(maas_s8_conv_pack, &pack, (void *[]){panels.bytes, c->operands[MAAS_S8_B].bytes}, pack_split);
  void *operands[MAAS_S8_OPERANDS];
  for (int i = 0; i < MAAS_S8_OPERANDS; i++)
    operands[i] = i == MAAS_S8_B ? panels.bytes : c->operands[i].bytes;
  run_row(row->run, &params, operands, split);
  char note[64];
  snprintf(note, sizeof note, "%d -> %d / %d, %x", (int)g->channels, (int)g->filters, (int)g->groups,
           made_style);
  count(row->name, note, convolution_problem(c, made_sums));
  unfence(&panels);
}

static void check_convolution(int64_t channels, int64_t filters, int64_t groups, unsigned style) {
  made = made_convolution(channels, filters, groups, style);
  made_sums = convolution_sums(&made), made_style = style;
  each_row("maas_s8_conv", check_made_of);
  free(made_sums);
  for (int i = 0; i < MAAS_S8_OPERANDS; i++)
    unfence(&made.operands[i]);
}

static void check_convolutions(void) {
  static const int64_t sizes[][3] = {{3, 8, 1}, {4, 70, 1},   {13, 5, 1}, {8, 8, 8},    {70, 70, 70},
                                     {6, 4, 2}, {16, 32, 4},  {3, 6, 3},  {64, 64, 64}, {130, 2, 1},
                                     {1, 1, 1}, {17, 17, 17}, {0, 8, 1}};
  uint64_t random = 3;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int n = 0; n < 24; n++)
      check_convolution(sizes[i][0], sizes[i][1], sizes[i][2], (unsigned)random_bits(&random) & 0xfff);
  static const int64_t tiles[][2] = {{0, 8}, {16, 33}, {48, 16}, {112, 5}, {256, 5}, {20, 40}};
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
    for (unsigned n = 0; n < 48; n++)
      check_convolution(tiles[i][0], tiles[i][1], 1,
                        tiled | (n % 6 ? 0 : extreme) | ((unsigned)random_bits(&random) & 0xfff));
  for (int n = 0; n < 24; n++)
    check_convolution(80, 80, 80, is_wide | ((unsigned)random_bits(&random) & 0xfff));
}

/// The largest byte that a window sees; the lowest one where it sees none.
static int most(const maas_f32_pool_params *g, const fenced *x, int64_t output, int64_t channel) {
  int found = g->is_signed ? -128 : 0;
  for (int64_t tap = 0; tap < volume(g->kernel); tap++) {
    int64_t at = 0, rest = output, place = tap;
    bool inside = true;
    int64_t positions[MAAS_SPATIAL_RANK];
    for (int d = MAAS_SPATIAL_RANK - 1; d >= 0; d--) {
      positions[d] =
          rest % g->output[d] * g->stride[d] + place % g->kernel[d] * g->dilation[d] - g->pad_begin[d];
      rest /= g->output[d], place /= g->kernel[d];
      inside = inside && positions[d] >= 0 && positions[d] < g->input[d];
    }
    for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
      at = at * g->input[d] + positions[d];
    int value = inside ? number(x, at * g->channels + channel, g->is_signed) : found;
    found = value > found ? value : found;
  }
  return found;
}

static void check_pool(const maas_kernel *row, int64_t channels, bool is_signed, uint64_t *random) {
  maas_f32_conv_params window = {0};
  choose_window(&window, random);
  maas_f32_pool_params g = {
      .op = MAAS_POOL_MAX, .planes = channels, .channels = channels, .is_signed = is_signed};
  memcpy(g.input, window.input, sizeof g.input);
  memcpy(g.output, window.output, sizeof g.output);
  memcpy(g.kernel, window.kernel, sizeof g.kernel);
  memcpy(g.stride, window.stride, sizeof g.stride);
  memcpy(g.dilation, window.dilation, sizeof g.dilation);
  memcpy(g.pad_begin, window.pad, sizeof g.pad_begin);
  memcpy(g.pad_end, window.pad, sizeof g.pad_end);
  fenced x = random_bytes((size_t)(volume(g.input) * channels), random);
  fenced y = fence((size_t)(volume(g.output) * channels), true);
  run_row(row->run, &g, (void *[]){x.bytes, y.bytes}, maas_f32_pool_nhwc_split(&g));
  const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int64_t i = 0; i < volume(g.output) * channels; i++)
    if (number(&y, i, is_signed) != most(&g, &x, i / channels, i % channels))
      problem = "not the maximum";
  count(row->name, is_signed ? "signed" : "unsigned", problem);
  unfence(&x);
  unfence(&y);
}

static void check_pools_of(const maas_kernel *row) {
  uint64_t random = 11;
  for (int64_t channels = 1; channels < 200; channels = channels * 2 + 1)
    for (int n = 0; n < 4; n++)
      check_pool(row, channels, n % 2, &random);
}

static void check_sum(const maas_kernel *row, int n, bool is_signed) {
  uint64_t random = (uint64_t)n;
  fenced a = random_bytes((size_t)n, &random), b = random_bytes((size_t)n, &random),
         y = fence((size_t)n, true);
  fenced zeros = random_bytes(3, &random);
  float scales[] = {0.013f, 0.021f, 0.03f};
  maas_qbinary_params g = {.type = is_signed ? MAAS_ELEMENT_S8 : MAAS_ELEMENT_U8, .rank = 1};
  g.dims[0] = n, g.a_strides[0] = g.b_strides[0] = 1;
  maas_split split = maas_f32_qbinary_split(&g);
  run_row(row->run, &g,
          (void *[]){a.bytes, scales, zeros.bytes, b.bytes, scales + 1, zeros.bytes + 1, scales + 2,
                     zeros.bytes + 2, y.bytes},
          split);
  const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
  for (int64_t i = 0; i < n; i++) {
    double sum = (number(&a, i, is_signed) - number(&zeros, 0, is_signed)) * (double)scales[0] +
                 (number(&b, i, is_signed) - number(&zeros, 1, is_signed)) * (double)scales[1];
    double exact = sum / (double)scales[2] + number(&zeros, 2, is_signed);
    exact = fmin(is_signed ? 127 : 255, fmax(is_signed ? -128 : 0, exact));
    if (fabs(number(&y, i, is_signed) - exact) > 0.501)
      problem = "not the sum";
  }
  count(row->name, is_signed ? "signed" : "unsigned", problem);
  for (int i = 0; i < 4; i++)
    unfence((fenced *[]){&a, &b, &y, &zeros}[i]);
}

static void check_sums_of(const maas_kernel *row) {
  for (int n = 1; n < 3000; n = n * 3 + 2)
    for (int i = 0; i < 2; i++)
      check_sum(row, n, i);
}

static void check_table(const maas_kernel *row) {
  uint64_t random = 13;
  for (int n = 1; n < 1000; n = n * 2 + 1) {
    fenced x = random_bytes((size_t)n, &random), table = random_bytes(256, &random),
           y = fence((size_t)n, true);
    run_row(row->run, NULL, (void *[]){x.bytes, table.bytes, y.bytes}, maas_s8_table_split(n));
    const char *problem = fence_whole(&y) ? NULL : "wrote outside its operands";
    for (int i = 0; i < n; i++)
      if (y.bytes[i] != table.bytes[x.bytes[i]])
        problem = "not the table's";
    count(row->name, "bytes", problem);
    for (int i = 0; i < 3; i++)
      unfence((fenced *[]){&x, &table, &y}[i]);
  }
}

void check_byte_convolutions(void) {
  check_convolutions();
  each_row("maas_s8_pool_nhwc", check_pools_of);
  each_row("maas_f32_qbinary", check_sums_of);
  each_row("maas_s8_table", check_table);
}
