/// What works along rows or axes: softmax and normalisation against double precision, within the bounds that
/// maas_kernels.h states; products of few rows, reduction and the LSTM cell against the portable row, whose exactness
/// KernelTests holds.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "rows.h"

#define SPLIT(family)                                                                                        \
  static maas_split family##_split(const maas_kernel *row, void *params) {                                   \
    (void)row;                                                                                               \
    return maas_f32_##family##_split(params);                                                                \
  }
SPLIT(softmax)
SPLIT(layer_norm)
SPLIT(channel_affine)
SPLIT(reduce)
SPLIT(online_softmax)
SPLIT(rows)
SPLIT(rotary)

static const int64_t shapes[][3] = {{1, 1, 1},    {3, 7, 1}, {5, 67, 1},   {2, 8, 1},  {4, 1000, 1},
                                    {1, 4099, 1}, {3, 5, 7}, {2, 33, 100}, {1, 3, 65}, {2, 4, 16}};
enum { shape_count = sizeof shapes / sizeof shapes[0] };

static size_t volume(const int64_t *shape) { return (size_t)(shape[0] * shape[1] * shape[2]); }

/// One row along the axis, whose elements lie `step` apart.
static void softmax_row(const float *x, int64_t n, int64_t step, bool is_log, double *y, double *allowed) {
  double most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++)
    most = fmax(most, x[i * step]);
  for (int64_t i = 0; i < n; i++)
    sum += exp(x[i * step] - most);
  for (int64_t i = 0; i < n; i++) {
    double log_y = x[i * step] - most - log(sum);
    y[i * step] = is_log ? log_y : exp(log_y);
    allowed[i * step] = is_log ? 0x1p-22 * fmax(1, -log_y) : (16 - log_y) * 0x1p-23 * y[i * step] + 0x1p-149;
  }
}

static void softmax_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_softmax_params *p = c->params;
  for (int64_t i = 0; i < p->outer * p->inner; i++) {
    int64_t at = i / p->inner * p->axis * p->inner + i % p->inner;
    softmax_row((const float *)operands[0] + at, p->axis, p->inner, p->log, expected + at, allowed + at);
  }
}

static void check_softmax(const int64_t *s, bool log) {
  maas_f32_softmax_params p = {.log = log, .outer = s[0], .axis = s[1], .inner = s[2]};
  kernel_case c = {.table = "maas_f32_softmax",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, volume(s), -50, 50}, {FLOATS, true, volume(s), 7, 7}},
                   .exact = softmax_exact,
                   .split = softmax_split};
  snprintf(c.note, sizeof c.note, "%dx%dx%d, log %d", (int)s[0], (int)s[1], (int)s[2], log);
  check(&c);
}

static void check_online_softmax(const int64_t *s, maas_mask mask) {
  size_t rows = (size_t)s[0], n = (size_t)s[1], width = (size_t)s[2];
  maas_f32_online_softmax_params p = {
      .rows = s[0], .n = s[1], .width = s[2], .mask = mask, .mask_n = s[1], .mask_row = s[1], .fill = -2};
  kernel_case c = {.table = "maas_f32_online_softmax",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, true, rows * n, -30, 30},
                                {FLOATS, true, rows, -5, 35},
                                {FLOATS, true, rows, 1, 2},
                                {FLOATS, true, rows * width, -1, 1},
                                {mask ? FLOATS : ABSENT, false, rows * n, -1, 1}},
                   .tolerance = 1e-5,
                   .scale = 1,
                   .onto = -1,
                   .split = online_softmax_split};
  snprintf(c.note, sizeof c.note, "%zu rows of %zu, width %zu, mask %d", rows, n, width, mask);
  check(&c);
}

/// Rows of x, rows of b, elements of a row of b.
static void check_rows(const int64_t *s, bool sums) {
  int64_t x = sums ? s[1] : s[2], y = sums ? s[2] : s[1];
  maas_f32_rows_params p = {.rows = s[0], .n = s[1], .width = s[2], .alpha = 0.75f};
  p.x_row = x + 3, p.b_row = s[2] + 1, p.y_row = y + 2;
  kernel_case c = {.table = sums ? "maas_f32_row_sums" : "maas_f32_row_dots",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)(s[0] * p.x_row - 3), -1, 1},
                                {FLOATS, false, (size_t)(s[1] * p.b_row - 1), -1, 1},
                                {FLOATS, true, (size_t)(s[0] * p.y_row - 2), -1, 1}},
                   .tolerance = 1e-5,
                   .scale = 1,
                   .onto = -1,
                   .split = rows_split};
  snprintf(c.note, sizeof c.note, "%d x %d x %d", (int)s[0], (int)s[1], (int)s[2]);
  check(&c);
}

static void layer_norm_exact(const kernel_case *c, void *const *operands, double *expected, double *allowed) {
  const maas_f32_layer_norm_params *p = c->params;
  const float *x = operands[0], *scale = operands[1], *bias = operands[2];
  for (int64_t r = 0; r < p->rows; r++, x += p->n, expected += p->n, allowed += p->n) {
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < p->n && !p->rms; i++)
      mean += x[i] / (double)p->n;
    for (int64_t i = 0; i < p->n; i++)
      squares += (x[i] - mean) * (x[i] - mean);
    double inverse = 1 / sqrt(squares / (double)p->n + p->epsilon);
    for (int64_t i = 0; i < p->n; i++) {
      expected[i] = (x[i] - mean) * inverse * (scale ? scale[i] : 1) + (bias ? bias[i] : 0);
      allowed[i] = 0x1p-21 * (1 + fabs(mean) * inverse) * fmax(1, fabs(expected[i]));
    }
  }
}

static void check_layer_norm(const int64_t *s, bool rms, bool affine) {
  size_t rows = (size_t)(s[0] * s[2]), n = (size_t)s[1];
  maas_f32_layer_norm_params p = {.rms = rms, .epsilon = 1e-5f, .rows = (int64_t)rows, .n = (int64_t)n};
  role optional = affine ? FLOATS : ABSENT;
  kernel_case c = {.table = "maas_f32_layer_norm",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, rows * n, rms ? -1 : 99, rms ? 1 : 101},
                                {optional, false, n, -1, 1},
                                {optional, false, n, -1, 1},
                                {FLOATS, true, rows * n, 7, 7},
                                {FLOATS, true, rows, 7, 7},
                                {FLOATS, true, rows, 7, 7}},
                   .tolerance = 3e-5,
                   .scale = 1,
                   .exact = layer_norm_exact,
                   .split = layer_norm_split};
  snprintf(c.note, sizeof c.note, "%zu rows of %zu, rms %d, affine %d", rows, n, rms, affine);
  check(&c);
}

static void check_channel_affine(const int64_t *s) {
  maas_f32_channel_affine_params p = {.outer = s[0], .channels = s[1], .inner = s[2]};
  p.activation.op = MAAS_UNARY_RELU;
  kernel_case c = {.table = "maas_f32_channel_affine",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{SPECIAL, false, volume(s), -1, 1},
                                {FLOATS, false, (size_t)s[1], -1, 1},
                                {FLOATS, false, (size_t)s[1], -1, 1},
                                {FLOATS, true, volume(s), 7, 7}},
                   .tolerance = 2e-7,
                   .scale = 1,
                   .split = channel_affine_split};
  snprintf(c.note, sizeof c.note, "%dx%dx%d", (int)s[0], (int)s[1], (int)s[2]);
  check(&c);
}

/// A shape, and a bit for each dimension that is reduced.
static const struct reduction {
  int32_t rank;
  int64_t dims[6];
  unsigned axes;
} reductions[] = {
    {0, {0}, 0},
    {1, {1}, 1},
    {1, {67}, 1},
    {1, {67}, 0},
    {2, {3, 5}, 1},
    {2, {3, 5}, 2},
    {2, {3, 5}, 3},
    {3, {7, 1, 9}, 2},
    {4, {2, 3, 4, 5}, 5},
    {4, {2, 3, 4, 5}, 10},
    {4, {5, 100, 3, 33}, 13},
    {4, {5, 100, 3, 33}, 2},
    {3, {4, 0, 3}, 2},
    {2, {1, 5000}, 2},
    {2, {300, 70}, 1},
    {6, {2, 3, 2, 3, 2, 3}, 21},
};

static void check_reduce(maas_reduce op, const struct reduction *r, role role) {
  maas_f32_reduce_params p = {.op = op, .rank = r->rank};
  memcpy(p.dims, r->dims, sizeof r->dims);
  size_t x = 1, y = 1;
  for (int d = 0; d < r->rank; d++) {
    p.reduced[d] = r->axes >> d & 1;
    x *= (size_t)r->dims[d];
    y *= p.reduced[d] ? 1 : (size_t)r->dims[d];
  }
  // The logarithm of a sum that may be negative is defined for no row.
  float low = op == MAAS_REDUCE_LOG_SUM ? 0.1f : -1;
  kernel_case c = {.table = "maas_f32_reduce",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{role, false, x, low, 3}, {FLOATS, true, y, 7, 7}},
                   .tolerance = 1e-6,
                   .scale = 1,
                   .onto = -1,
                   .split = reduce_split};
  snprintf(c.note, sizeof c.note, "operation %d, shape %d, role %d", op, (int)(r - reductions), role);
  check(&c);
}

/// The row of gemm that packs what `row` reads.
static const maas_kernel *gemm_of(const maas_kernel *row) {
  const maas_kernel *gemm = table_named("maas_f32_gemm")->rows;
  while (gemm->isa != row->isa)
    gemm++;
  return gemm;
}

static maas_split lstm_split(const maas_kernel *row, void *params) {
  maas_f32_lstm_params *p = params;
  p->r_gate = maas_f32_gemm_packed_bytes_for(gemm_of(row), p->k, p->units) / (int64_t)sizeof(float);
  return maas_f32_lstm_split_for(row, p);
}

/// R [4 hidden, hidden].
static fenced lstm_packed(const kernel_case *c, const maas_kernel *row, const fenced *plain) {
  const maas_f32_lstm_params *g = c->params;
  maas_f32_gemm_pack_params p = {.k = g->k,
                                 .n = g->units,
                                 .b_row = 1,
                                 .b_col = g->k,
                                 .batch_rank = 1,
                                 .batch = {4},
                                 .b_batch = {g->units * g->k}};
  fenced packed = fence((size_t)maas_f32_gemm_packed_bytes_for(gemm_of(row), p.k, p.n) * 4, true);
  void *operands[] = {packed.bytes, plain->bytes};
  run_row(maas_f32_gemm_pack, &p, operands, maas_f32_gemm_pack_split_for(gemm_of(row), &p));
  return packed;
}

static void check_lstm(int64_t rows, int64_t hidden, bool product, bool peephole, bool lengths,
                       bool input_forget) {
  maas_f32_lstm_params p = {.rows = rows,
                            .hidden = hidden,
                            .units = hidden,
                            .k = product ? hidden : 0,
                            .gates_row = 4 * hidden + 3,
                            .y_row = hidden + 1,
                            .time = 2,
                            .f = {MAAS_UNARY_SIGMOID, 0, 0},
                            .g = {MAAS_UNARY_TANH, 0, 0},
                            .h = {MAAS_UNARY_TANH, 0, 0},
                            .clip = peephole ? 0.5f : 0,
                            .input_forget = input_forget};
  size_t n = (size_t)(rows * hidden);
  kernel_case c = {.table = "maas_f32_lstm",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)(rows * p.gates_row - 3), -3, 3},
                                {FLOATS, true, n, -1, 1},
                                {peephole ? FLOATS : ABSENT, false, (size_t)(3 * hidden), -1, 1},
                                {lengths ? COUNTS : ABSENT, false, (size_t)rows, 0, 0},
                                {FLOATS, true, n, -1, 1},
                                {FLOATS, true, (size_t)(rows * p.y_row - 1), 7, 7},
                                {product ? FLOATS : ABSENT, false, n, -1, 1},
                                {product ? PACKED : ABSENT, false, (size_t)(4 * hidden * hidden), -1, 1}},
                   .tolerance = product ? 4e-6 : 1e-6,
                   .scale = 1,
                   .onto = -1,
                   .split = lstm_split,
                   .pack = lstm_packed};
  snprintf(c.note, sizeof c.note, "%d rows of %d, product %d, peephole %d, lengths %d", (int)rows,
           (int)hidden, product, peephole, lengths);
  check(&c);
}

static void check_lstms(bool product, bool peephole, bool lengths, bool input_forget) {
  static const int64_t rows[] = {1, 3, 14, 19}, hidden[] = {1, 11, 70, 289};
  for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
    for (size_t h = 0; h < sizeof hidden / sizeof hidden[0]; h++)
      check_lstm(rows[r], hidden[h], product, peephole, lengths, input_forget);
}

/// Of as many pairs as `s` has elements in a row.
static void check_rotary(const int64_t *s, bool interleaved, bool own_angles) {
  maas_f32_rotary_params p = {.batch = 1, .places = 3, .heads = 2, .pairs = s[1]};
  p.interleaved = interleaved, p.own_angles = own_angles;
  p.size = 2 * p.pairs + 1, p.positions = 3, p.place_step = 1;
  p.x_head = p.size, p.x_place = 2 * p.size + 3, p.y_place = p.size, p.y_head = 3 * p.size;
  size_t angles = (size_t)(3 * p.pairs * (own_angles ? 2 : 1));
  kernel_case c = {.table = "maas_f32_rotary",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{FLOATS, false, (size_t)(3 * p.x_place - 3), -1, 1},
                                {FLOATS, false, angles, -1, 1},
                                {FLOATS, false, angles, -1, 1},
                                {ABSENT, false, 0, 0, 0},
                                {FLOATS, true, (size_t)(6 * p.size), 7, 7}},
                   .tolerance = 1e-6,
                   .scale = 1,
                   .onto = -1,
                   .split = rotary_split};
  snprintf(c.note, sizeof c.note, "%d pairs, interleaved %d, own angles %d", (int)p.pairs, interleaved,
           own_angles);
  check(&c);
}

void check_along(void) {
  for (int s = 0; s < shape_count; s++) {
    check_softmax(shapes[s], false);
    check_softmax(shapes[s], true);
    for (int mask = MAAS_MASK_NONE; mask <= MAAS_MASK_CHOSEN; mask++)
      check_online_softmax(shapes[s], (maas_mask)mask);
    check_rows(shapes[s], false);
    check_rows(shapes[s], true);
    check_layer_norm(shapes[s], false, false);
    check_layer_norm(shapes[s], false, true);
    check_layer_norm(shapes[s], true, true);
    check_channel_affine(shapes[s]);
    check_rotary(shapes[s], false, false);
    check_rotary(shapes[s], false, true);
    check_rotary(shapes[s], true, false);
  }
  for (int op = 0; op < MAAS_REDUCE_COUNT; op++)
    for (size_t r = 0; r < sizeof reductions / sizeof reductions[0]; r++)
      check_reduce((maas_reduce)op, &reductions[r], FLOATS);
  check_reduce(MAAS_REDUCE_MAX, &reductions[2], SPECIAL);
  check_reduce(MAAS_REDUCE_MIN, &reductions[14], SPECIAL);
  for (int options = 0; options < 16; options++)
    check_lstms(options & 1, options & 2, options & 4, options & 8);
}
