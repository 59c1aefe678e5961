/// gemm for one instruction set: a work item is a tile of Y. Included after gemm/micro.h by files that
/// defined MAAS_MICROS, the micro-kernels for 1 ... MAAS_MR rows.
#include "layout.h"
#include "left.h"

static micro_kernel *const micros[MAAS_MR] = {MAAS_MICROS};

static void run_micro(const maas_gemm_pass *pass, const maas_gemm_finish *f, int64_t i, int64_t j) {
  int64_t height = maas_min64(MAAS_MR, pass->rows - i), width = maas_min64(MAAS_NR, pass->columns - j);
  maas_gemm_left a = pass->a;
  a.a += i / MAAS_MR * pass->group;
  maas_gemm_finish tile = *f;
  tile.y += i * f->y_row + j;
  if (f->c)
    tile.c += i * f->c_row + j * f->c_col;
  if (f->residual)
    tile.residual += i * f->y_row + j;
  micros[height - 1](pass->k, a, pass->b + j / MAAS_NR * pass->panel, width, &tile);
}

void MAAS_F32_SHARED(gemm_pass)(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  if (pass->rows_outside) {
    for (int64_t i = 0; i < pass->rows; i += MAAS_MR)
      for (int64_t j = 0; j < pass->columns; j += MAAS_NR)
        run_micro(pass, f, i, j);
    return;
  }
  for (int64_t j = 0; j < pass->columns; j += MAAS_NR)
    for (int64_t i = 0; i < pass->rows; i += MAAS_MR)
      run_micro(pass, f, i, j);
}

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
  maas_gemm_finish whole = {.y = item->y,
                            .y_row = g->y_row,
                            .c = item->c,
                            .c_row = g->c_row,
                            .c_col = g->c_col,
                            .residual = item->residual,
                            .alpha = g->alpha,
                            .beta = g->beta,
                            .activation = g->activation};
  int64_t length = maas_gemm_pass_length(g->k, item->rows, MAAS_MR), p = 0;
  bool pack = item->rows > MAAS_MR && item->columns > 2 * MAAS_NR;
  do { // Also once for k = 0: Y is then beta C.
    maas_gemm_pass pass = {.rows = item->rows,
                           .columns = item->columns,
                           .k = maas_min64(length, g->k - p),
                           .a = {item->a + p * g->a_col, g->a_row, g->a_col},
                           .group = MAAS_MR * g->a_row,
                           .b = item->b + p * MAAS_NR,
                           .panel = g->k * MAAS_NR};
    if (pack) {
      pack_a(pass.rows, pass.k, pass.a, scratch);
      pass.a = (maas_gemm_left){scratch, 1, MAAS_MR};
      pass.group = MAAS_MR * pass.k;
    }
    maas_gemm_finish finish = maas_gemm_finish_of_pass(&whole, p, pass.k, g->k);
    MAAS_F32_SHARED(gemm_pass)(&pass, &finish);
    p += pass.k;
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
