/// Matrix products.
#include "rows.h"
#include <stdio.h>

static maas_split gemm_split(const maas_kernel *row, void *params) {
  return maas_f32_gemm_split_for(row, params);
}

static void measure_gemm(int64_t m, int64_t n, int64_t k) {
  maas_f32_gemm_params p = {.m = m,
                            .n = n,
                            .k = k,
                            .a_row = k,
                            .a_col = 1,
                            .c_col = 1,
                            .y_row = n,
                            .alpha = 1,
                            .beta = 1,
                            .activation = {MAAS_UNARY_RELU, 0, 0},
                            .batch_rank = 1,
                            .batch = {1}};
  kernel_case c = {.table = "maas_f32_gemm",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{(size_t)(m * k), false},
                                {(size_t)(k * n), true},
                                {(size_t)n, false},
                                {0, false},
                                {(size_t)(m * n), false}},
                   .flops = 2.0 * (double)m * (double)n * (double)k,
                   .split = gemm_split};
  snprintf(c.note, sizeof c.note, "%lldx%lldx%lld", (long long)m, (long long)n, (long long)k);
  measure(&c);
}

static maas_split bytes_split(const maas_kernel *row, void *params) {
  return maas_s8_gemm_split_for(row, params);
}

/// Bytes to bytes, with a scale and a bias for each column.
static void measure_bytes(int64_t m, int64_t n, int64_t k) {
  maas_s8_gemm_params p = {.m = m, .n = n, .k = k, .a_row = k, .y_row = n};
  p.finish = (maas_s8_finish){
      .b_is_signed = true, .y_type = MAAS_ELEMENT_U8, .a_zero = 9, .a_scales = 1, .b_scales = n};
  p.finish.activation.op = MAAS_UNARY_RELU;
  kernel_case c = {.table = "maas_s8_gemm",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {[MAAS_S8_A] = {(size_t)(m * k + 3) / 4, false},
                                [MAAS_S8_B] = {(size_t)(k * n + 3) / 4, true},
                                [MAAS_S8_Y] = {(size_t)(m * n + 3) / 4, false},
                                [MAAS_S8_A_SCALE] = {1, false},
                                [MAAS_S8_B_SCALE] = {(size_t)n, false},
                                [MAAS_S8_BIAS] = {(size_t)n, false},
                                [MAAS_S8_Y_SCALE] = {1, false}},
                   .flops = 2.0 * (double)m * (double)n * (double)k,
                   .split = bytes_split};
  snprintf(c.note, sizeof c.note, "%lldx%lldx%lld", (long long)m, (long long)n, (long long)k);
  measure(&c);
}

SPLIT(rows)

/// One query against the keys, or weights against the values, of a head.
static void measure_rows(int64_t n, int64_t width, bool sums) {
  int64_t x = sums ? n : width, y = sums ? width : n;
  maas_f32_rows_params p = {
      .rows = 1, .n = n, .width = width, .x_row = x, .b_row = width, .y_row = y, .alpha = 1};
  kernel_case c = {.table = sums ? "maas_f32_row_sums" : "maas_f32_row_dots",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{(size_t)x, false}, {(size_t)(n * width), false}, {(size_t)y, false}},
                   .flops = 2.0 * (double)n * (double)width,
                   .split = rows_split};
  snprintf(c.note, sizeof c.note, "%lldx%lld", (long long)n, (long long)width);
  measure(&c);
}

void measure_products(void) {
  static const int64_t shapes[][3] = {
      {1, 32, 16},       {1, 1024, 1024}, {4, 1024, 1024},  {8, 1024, 1024},   {64, 32, 32},
      {64, 1024, 1024},  {128, 768, 768}, {128, 3072, 768}, {128, 768, 3072},  {197, 1152, 384},
      {512, 1024, 1024}, {512, 10, 256},  {128, 128, 64},   {1024, 1024, 1024}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    measure_gemm(shapes[i][0], shapes[i][1], shapes[i][2]);
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    measure_bytes(shapes[i][0], shapes[i][1], shapes[i][2]);
  for (int sums = 0; sums < 2; sums++)
    measure_rows(129, 64, sums);
}
