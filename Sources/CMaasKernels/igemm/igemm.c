/// The rows of the int16 product, how it is cut into tiles, and how its operands are made of 8-bit integers.
#include "maas_quant.h"
#include "../split.h"
#include "../table.h"

int32_t maas_s16_gemm_8x32_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_s16_gemm_4x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_s16_gemm_8x8_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_s16_gemm_4x4_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_s16_gemm_8x32_avx512, MAAS_ISA_AVX512, 8, 32),
    MAAS_ROW(maas_s16_gemm_4x16_avx2, MAAS_ISA_AVX2, 4, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_s16_gemm_8x8_neon, MAAS_ISA_NEON, 8, 8),
#endif
    MAAS_ROW(maas_s16_gemm_4x4_scalar, MAAS_ISA_SCALAR, 4, 4),
};
MAAS_ENTRY(maas_s16_gemm, rows)

/// Rows of A and columns of B in one tile: both fit the second-level cache for all usual k.
enum { tile_rows = 64, tile_columns = 64 };

maas_split maas_s16_gemm_split_for(const maas_kernel *kernel, maas_s16_gemm_params *g) {
  g->nr = kernel->nr;
  g->tile_m = maas_max64(1, maas_min64(g->m, tile_rows));
  g->tile_n = maas_max64(kernel->nr, maas_min64(maas_round_up(g->n, kernel->nr), tile_columns));
  int64_t items = maas_ceil_div(g->m, g->tile_m) * maas_ceil_div(g->n, g->tile_n);
  for (int32_t d = 0; d < g->batch_rank; d++)
    items *= g->batch[d];
  double products = (double)g->tile_m * (double)g->tile_n * (double)(g->k + 1);
  return maas_split_by_cost(items, products / 30, 0);
}

maas_split maas_s16_gemm_split(maas_s16_gemm_params *params) {
  return maas_s16_gemm_split_for(maas_kernel_selected(&maas_s16_gemm_table), params);
}

int64_t maas_s16_packed_bytes_for(const maas_kernel *gemm, int64_t k, int64_t n) {
  int64_t columns, rows, elements, bytes;
  if (__builtin_add_overflow(n, gemm->nr - 1, &columns) || __builtin_add_overflow(k, 1, &rows))
    return -1;
  if (__builtin_mul_overflow(columns / gemm->nr * gemm->nr, rows / 2 * 2, &elements))
    return -1;
  if (__builtin_mul_overflow(elements, (int64_t)sizeof(int16_t), &bytes))
    return -1;
  return bytes;
}

int64_t maas_s16_packed_bytes(int64_t k, int64_t n) {
  return maas_s16_packed_bytes_for(maas_kernel_selected(&maas_s16_gemm_table), k, n);
}

static inline int16_t byte_at(const uint8_t *p, int64_t i, bool is_signed) {
  return is_signed ? (int16_t)(int8_t)p[i] : (int16_t)p[i];
}

// Items of rows are rows.

int32_t maas_s16_rows_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows_rows[] = {MAAS_ROW(maas_s16_rows_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_s16_rows, rows_rows)

static inline __attribute__((always_inline)) void widen(const uint8_t *x, int16_t *y, int64_t n, int16_t zero,
                                                        bool is_signed) {
  for (int64_t i = 0; i < n; i++)
    y[i] = (int16_t)(byte_at(x, i, is_signed) - zero);
}

int32_t maas_s16_rows_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_s16_rows_params *g = step->params;
  const uint8_t *x = step->operands[1], *zeros = g->zeros ? step->operands[2] : NULL;
  int64_t stride = (g->k + 1) / 2 * 2;
  for (int64_t r = begin; r < end; r++) {
    int16_t zero = zeros ? byte_at(zeros, r % g->zeros, g->is_signed) : (int16_t)g->zero;
    int16_t *y = (int16_t *)step->operands[0] + r * stride;
    if (g->is_signed)
      widen(x + r * g->k, y, g->k, zero, true);
    else
      widen(x + r * g->k, y, g->k, zero, false);
    if (g->k < stride)
      y[g->k] = 0;
  }
  return MAAS_STEP_OK;
}

maas_split maas_s16_rows_split(const maas_s16_rows_params *params) {
  return maas_split_by_cost(params->rows, 2 + 0.2 * (double)params->k, 0);
}

// Items of pack are panels.

int32_t maas_s16_pack_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel pack_rows[] = {MAAS_ROW(maas_s16_pack_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_s16_pack, pack_rows)

enum { most_columns = 64 };

/// Rows p and p + 1 of a panel, interleaved; a row or column that B does not have is 0.
static inline __attribute__((always_inline)) void pack_pair(const maas_s16_pack_params *g, const uint8_t *b,
                                                            int64_t p, int64_t column, int64_t width,
                                                            const int16_t *zeros, int16_t *to) {
  const uint8_t *upper = b + p * g->b_row, *lower = upper + g->b_row;
  bool has_lower = p + 1 < g->k;
  for (int64_t j = 0; j < width; j++) {
    to[2 * j] = (int16_t)(byte_at(upper, j * column, g->is_signed) - zeros[j]);
    to[2 * j + 1] = has_lower ? (int16_t)(byte_at(lower, j * column, g->is_signed) - zeros[j]) : 0;
  }
  for (int64_t j = width; j < g->nr; j++)
    to[2 * j] = to[2 * j + 1] = 0;
}

int32_t maas_s16_pack_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_s16_pack_params *g = step->params;
  const uint8_t *given = g->zeros ? step->operands[2] : NULL;
  int64_t panels = maas_ceil_div(g->n, g->nr), pairs = (g->k + 1) / 2;
  for (int64_t item = begin; item < end; item++) {
    int64_t matrix = item / panels, j = item % panels * g->nr, width = maas_min64(g->nr, g->n - j);
    int16_t zeros[most_columns];
    for (int64_t c = 0; c < width; c++)
      zeros[c] = given ? byte_at(given, (matrix * g->n + j + c) % g->zeros, g->is_signed) : (int16_t)g->zero;
    const uint8_t *b = (const uint8_t *)step->operands[1] + matrix * g->k * g->n + j * g->b_col;
    int16_t *to = (int16_t *)step->operands[0] + item * pairs * 2 * g->nr;
    for (int64_t p = 0; p < g->k; p += 2, to += 2 * g->nr)
      if (g->b_col == 1)
        pack_pair(g, b, p, 1, width, zeros, to);
      else
        pack_pair(g, b, p, g->b_col, width, zeros, to);
  }
  return MAAS_STEP_OK;
}

maas_split maas_s16_pack_split_for(const maas_kernel *gemm, maas_s16_pack_params *params) {
  params->nr = gemm->nr;
  double panel_ns = 0.8 * (double)params->nr * (double)params->k;
  return maas_split_by_cost(params->count * maas_ceil_div(params->n, params->nr), panel_ns, 0);
}

maas_split maas_s16_pack_split(maas_s16_pack_params *params) {
  return maas_s16_pack_split_for(maas_kernel_selected(&maas_s16_gemm_table), params);
}
