/// What works along rows or axes, and what moves memory.
#include "rows.h"
#include <stdio.h>

SPLIT(softmax)
SPLIT(online_softmax)
SPLIT(layer_norm)
SPLIT(channel_affine)
SPLIT(reduce)

static void named(kernel_case *c, int64_t rows, int64_t n) {
  snprintf(c->note, sizeof c->note, "%lldx%lld", (long long)rows, (long long)n);
}

static void measure_softmax(int64_t rows, int64_t n) {
  maas_f32_softmax_params p = {.outer = rows, .axis = n, .inner = 1};
  size_t count = (size_t)(rows * n);
  kernel_case c = {"maas_f32_softmax", "", &p, sizeof p, {{count, false}, {count, false}}, 0, softmax_split};
  named(&c, rows, n);
  measure(&c);
}

static void measure_online_softmax(int64_t rows, int64_t n, int64_t width) {
  maas_f32_online_softmax_params p = {.rows = rows, .n = n, .width = width};
  size_t r = (size_t)rows;
  kernel_case c = {.table = "maas_f32_online_softmax",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{r * (size_t)n, false}, {r, false}, {r, false}, {r * (size_t)width, false}},
                   .split = online_softmax_split};
  named(&c, rows, n);
  measure(&c);
}

static void measure_layer_norm(int64_t rows, int64_t n, bool rms) {
  maas_f32_layer_norm_params p = {.rms = rms, .epsilon = 1e-5f, .rows = rows, .n = n};
  size_t count = (size_t)(rows * n);
  kernel_case c = {
      .table = "maas_f32_layer_norm",
      .params = &p,
      .params_size = sizeof p,
      .operands = {{count, false}, {(size_t)n, false}, {rms ? 0 : (size_t)n, false}, {count, false}},
      .split = layer_norm_split};
  snprintf(c.note, sizeof c.note, "%s%lldx%lld", rms ? "rms " : "", (long long)rows, (long long)n);
  measure(&c);
}

static void measure_channel_affine(int64_t channels, int64_t inner) {
  maas_f32_channel_affine_params p = {.outer = 1, .channels = channels, .inner = inner};
  size_t count = (size_t)(channels * inner), each = (size_t)channels;
  kernel_case c = {.table = "maas_f32_channel_affine",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{count, false}, {each, false}, {each, false}, {count, false}},
                   .split = channel_affine_split};
  named(&c, channels, inner);
  measure(&c);
}

static void measure_reduce(maas_reduce op, bool rows) {
  maas_f32_reduce_params p = {.op = op, .rank = 2, .dims = {256, 256}, .reduced = {!rows, rows}};
  kernel_case c = {"maas_f32_reduce", "", &p, sizeof p, {{256 * 256, false}, {256, false}}, 0, reduce_split};
  snprintf(c.note, sizeof c.note, "%s of %s", op == MAAS_REDUCE_MEAN ? "mean" : "max",
           rows ? "rows" : "columns");
  measure(&c);
}

static maas_split lstm_split(const maas_kernel *row, void *params) {
  return maas_f32_lstm_split_for(row, params);
}

/// The cells alone.
static void measure_lstm(int64_t rows, int64_t hidden) {
  maas_f32_lstm_params p = {.rows = rows,
                            .hidden = hidden,
                            .units = hidden,
                            .gates_row = 4 * hidden,
                            .y_row = hidden,
                            .f = {MAAS_UNARY_SIGMOID, 0, 0},
                            .g = {MAAS_UNARY_TANH, 0, 0},
                            .h = {MAAS_UNARY_TANH, 0, 0}};
  size_t n = (size_t)(rows * hidden);
  kernel_case c = {.table = "maas_f32_lstm",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{4 * n, false}, {n, false}, {0, false}, {0, false}, {n, false}, {n, false}},
                   .split = lstm_split};
  named(&c, rows, hidden);
  measure(&c);
}

static maas_split copy_split(const maas_kernel *row, void *params) {
  (void)row;
  return maas_copy_split(params);
}

/// [a, b, c] to [b, a, c], as heads are split and joined.
static void measure_transpose(int64_t a, int64_t b, int64_t c) {
  maas_copy_params p = {
      .size = 4, .rank = 3, .dims = {b, a, c}, .x_strides = {c, b * c, 1}, .y_strides = {a * c, c, 1}};
  size_t count = (size_t)(a * b * c);
  kernel_case k = {"maas_copy", "", &p, sizeof p, {{count, false}, {count, false}}, 0, copy_split};
  snprintf(k.note, sizeof k.note, "%lldx%lldx%lld to 1 0 2", (long long)a, (long long)b, (long long)c);
  measure(&k);
}

void measure_along(void) {
  measure_softmax(1536, 128);
  measure_softmax(12, 1000);
  measure_online_softmax(64, 64, 64);
  measure_layer_norm(128, 768, false);
  measure_layer_norm(128, 768, true);
  measure_channel_affine(64, 3136);
  for (int rows = 0; rows < 2; rows++) {
    measure_reduce(MAAS_REDUCE_MEAN, rows);
    measure_reduce(MAAS_REDUCE_MAX, rows);
  }
  measure_lstm(16, 256);
  measure_transpose(128, 12, 64);
  measure_transpose(512, 256, 1);
}
