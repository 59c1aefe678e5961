/// gemm for one instruction set: a work item is a tile of Y. Included after gemm/pass.h.
#include "layout.h"

typedef struct gemm_item {
  const float *a, *b, *c, *residual;
  float *y;
  int64_t rows, columns;
} gemm_item;

static int64_t batch_offset(const maas_f32_gemm_params *g, int64_t index, const int64_t *strides) {
  int64_t offset = 0;
  for (int32_t d = g->batch_rank - 1; d >= 0; d--) {
    offset += index % g->batch[d] * strides[d];
    index /= g->batch[d];
  }
  return offset;
}

/// Neighbouring items share columns of B, which are the larger operand more often than not.
static gemm_item gemm_item_at(const maas_f32_gemm_params *g, void *const *operands, int64_t index) {
  int64_t row_tiles = maas_ceil_div(g->m, g->tile_m), column_tiles = maas_ceil_div(g->n, g->tile_n);
  int64_t batch = index / (row_tiles * column_tiles);
  int64_t i = index % row_tiles * g->tile_m, j = index / row_tiles % column_tiles * g->tile_n;
  int64_t packed = maas_round_up(g->n, MAAS_NR) * g->k;
  int64_t y = batch_offset(g, batch, g->y_batch) + i * g->y_row + j;
  gemm_item item = {.rows = maas_min64(g->tile_m, g->m - i), .columns = maas_min64(g->tile_n, g->n - j)};
  item.a = (const float *)operands[0] + batch_offset(g, batch, g->a_batch) + i * g->a_row;
  item.b = (const float *)operands[1] + batch_offset(g, batch, g->b_batch) * packed + j * g->k;
  if (operands[2])
    item.c = (const float *)operands[2] + batch_offset(g, batch, g->c_batch) + i * g->c_row + j * g->c_col;
  if (operands[3])
    item.residual = (const float *)operands[3] + y;
  item.y = (float *)operands[4] + y;
  return item;
}

static void gemm_tile(const maas_f32_gemm_params *g, const gemm_item *item, float *scratch) {
  finish whole = {.y = item->y,
                  .y_row = g->y_row,
                  .c = item->c,
                  .c_row = g->c_row,
                  .c_col = g->c_col,
                  .residual = item->residual,
                  .alpha = g->alpha,
                  .beta = g->beta,
                  .activation = g->activation};
  int64_t length = maas_gemm_pass(g->k, item->rows, MAAS_MR), p = 0;
  bool pack = item->rows > MAAS_MR && item->columns > 2 * MAAS_NR;
  do { // Also once for k = 0: Y is then beta C.
    int64_t k = maas_min64(length, g->k - p);
    left a = {item->a + p * g->a_col, g->a_row, g->a_col};
    if (pack) {
      pack_a(item->rows, k, a, scratch);
      a = (left){scratch, 1, MAAS_MR};
    }
    finish pass = finish_of_pass(&whole, p, k, g->k);
    run_pass(item->rows, item->columns, k, a, pack ? MAAS_MR * k : MAAS_MR * g->a_row, item->b + p * MAAS_NR,
             g->k * MAAS_NR, &pass);
    p += k;
  } while (p < g->k);
}

int32_t MAAS_F32_KERNEL(gemm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_gemm_params *g = step->params;
  for (int64_t i = begin; i < end; i++) {
    gemm_item item = gemm_item_at(g, step->operands, i);
    gemm_tile(g, &item, worker->scratch);
  }
  return MAAS_STEP_OK;
}
