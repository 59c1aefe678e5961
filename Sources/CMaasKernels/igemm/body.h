/// Products of int16 matrices for one instruction set: MAAS_MR rows x MAAS_NV vectors of int32 in registers over all
/// of k. A lane holds a column; one instruction multiplies two neighbours along k and adds them.
#include "../split.h"
#include "maas_quant.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
#define MAAS_S16_KERNEL(op) MAAS_JOIN4_EXPANDED(maas_s16_, op, MAAS_TILE, MAAS_ISA_SUFFIX)
#define MAAS_EACH(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)

static inline int32_t load_pair(const int16_t *p) {
  int32_t pair;
  memcpy(&pair, p, sizeof pair);
  return pair;
}

/// Y[mr, NR] for `pairs` pairs along k. `columns` of them are stored.
static inline __attribute__((always_inline)) void multiply(const int mr, int64_t pairs, const int16_t *a,
                                                           int64_t a_row, const int16_t *b, int32_t *y,
                                                           int64_t y_row, int64_t columns) {
  vi acc[MAAS_MR][MAAS_NV];
  MAAS_EACH (i, mr)
    MAAS_EACH (v, MAAS_NV)
      acc[i][v] = vi_set(0);
  for (int64_t p = 0; p < pairs; p++, b += 2 * MAAS_NR, a += 2) {
    vi panel[MAAS_NV];
    MAAS_EACH (v, MAAS_NV)
      panel[v] = vi_load((const int32_t *)(const void *)b + v * V_WIDTH);
    MAAS_EACH (i, mr) {
      vi row = vi_set(load_pair(a + i * a_row));
      MAAS_EACH (v, MAAS_NV)
        acc[i][v] = vi_add(acc[i][v], vi_dot_pairs(row, panel[v]));
    }
  }
  int32_t tile[MAAS_NR];
  MAAS_EACH (i, mr) {
    int32_t *to = columns == MAAS_NR ? y + i * y_row : tile;
    MAAS_EACH (v, MAAS_NV)
      vi_store(to + v * V_WIDTH, acc[i][v]);
    if (columns < MAAS_NR)
      memcpy(y + i * y_row, tile, (size_t)columns * sizeof(int32_t));
  }
}

static __attribute__((noinline)) void rows_many(int64_t pairs, const int16_t *a, const int16_t *b, int32_t *y,
                                                int64_t y_row, int64_t columns) {
  multiply(MAAS_MR, pairs, a, 2 * pairs, b, y, y_row, columns);
}
static __attribute__((noinline)) void rows_one(int64_t pairs, const int16_t *a, const int16_t *b, int32_t *y,
                                               int64_t y_row, int64_t columns) {
  multiply(1, pairs, a, 2 * pairs, b, y, y_row, columns);
}

static int64_t matrix_of(const maas_s16_gemm_params *g, int64_t index, const int64_t *strides) {
  int64_t matrix = 0;
  for (int32_t d = g->batch_rank - 1; d >= 0; d--) {
    matrix += index % g->batch[d] * strides[d];
    index /= g->batch[d];
  }
  return matrix;
}

/// One work item: a tile of one matrix of Y, panel by panel.
static void igemm_tile(const maas_s16_gemm_params *g, void *const *operands, int64_t item) {
  int64_t row_tiles = maas_ceil_div(g->m, g->tile_m), column_tiles = maas_ceil_div(g->n, g->tile_n);
  int64_t batch = item / (row_tiles * column_tiles), pairs = (g->k + 1) / 2;
  int64_t i = item % row_tiles * g->tile_m, j = item / row_tiles % column_tiles * g->tile_n;
  int64_t rows = maas_min64(g->tile_m, g->m - i), end = maas_min64(g->n, j + g->tile_n);
  const int16_t *a = (const int16_t *)operands[0] + (matrix_of(g, batch, g->a_batch) * g->m + i) * 2 * pairs;
  const int16_t *b = (const int16_t *)operands[1] +
                     matrix_of(g, batch, g->b_batch) * maas_round_up(g->n, MAAS_NR) * 2 * pairs;
  int32_t *y = (int32_t *)operands[2] + (matrix_of(g, batch, g->y_batch) * g->m + i) * g->n;
  for (; j < end; j += MAAS_NR) {
    int64_t columns = maas_min64(MAAS_NR, g->n - j), r = 0;
    for (; r + MAAS_MR <= rows; r += MAAS_MR)
      rows_many(pairs, a + r * 2 * pairs, b + j * 2 * pairs, y + r * g->n + j, g->n, columns);
    for (; r < rows; r++)
      rows_one(pairs, a + r * 2 * pairs, b + j * 2 * pairs, y + r * g->n + j, g->n, columns);
  }
}

int32_t MAAS_S16_KERNEL(gemm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  for (int64_t item = begin; item < end; item++)
    igemm_tile(step->params, step->operands, item);
  return MAAS_STEP_OK;
}
