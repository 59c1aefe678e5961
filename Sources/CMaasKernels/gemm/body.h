/// gemm for one instruction set: a work item is a tile of Y. Included after gemm/micro.h by files that
/// defined MAAS_MICROS, the micro-kernels for 1 ... MAAS_MR rows.
#include "layout.h"
#include "left.h"
#include "right.h"

static micro_kernel *const micros[MAAS_MR] = {MAAS_MICROS};

/// `f` from (i, j) on.
static maas_gemm_finish finish_at(const maas_gemm_finish *f, int64_t i, int64_t j) {
  maas_gemm_finish moved = *f;
  moved.y += i * f->y_row + j;
  if (f->c)
    moved.c += i * f->c_row + j * f->c_col;
  if (f->residual)
    moved.residual += i * f->y_row + j;
  return moved;
}

void MAAS_F32_SHARED(gemm_pass)(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  int64_t height = pass->height ? pass->height : MAAS_MR;
  const float *a = pass->a.a;
  if (pass->rows_outside) {
    for (int64_t i = 0; i < pass->rows; i += height, a += pass->group)
      for (int64_t j = 0; j < pass->columns; j += MAAS_NR)
        micros[maas_min64(height, pass->rows - i) - 1](pass, a, f, i, j);
    return;
  }
  for (int64_t j = 0; j < pass->columns; j += MAAS_NR, a = pass->a.a)
    for (int64_t i = 0; i < pass->rows; i += height, a += pass->group)
      micros[maas_min64(height, pass->rows - i) - 1](pass, a, f, i, j);
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
  int64_t y = batch_offset(g, batch, g->y_batch) + i * g->y_row + j;
  gemm_item item = {.rows = maas_min64(g->tile_m, g->m - i), .columns = maas_min64(g->tile_n, g->n - j)};
  item.a = (const float *)operands[0] + batch_offset(g, batch, g->a_batch) + i * g->a_row;
  int64_t b = batch_offset(g, batch, g->b_batch), packed = maas_round_up(g->n, MAAS_NR) * g->k;
  item.b = (const float *)operands[1] + (g->b_plain ? b + j * g->b_col : b * packed + j * g->k);
  if (operands[2])
    item.c = (const float *)operands[2] + batch_offset(g, batch, g->c_batch) + i * g->c_row + j * g->c_col;
  if (operands[3])
    item.residual = (const float *)operands[3] + y;
  item.y = (float *)operands[4] + y;
  return item;
}

/// Groups of equal height: a last one of few rows would read a panel faster than the cache gives it.
static int64_t even_height(int64_t rows) { return maas_ceil_div(rows, maas_ceil_div(rows, MAAS_MR)); }

/// A is packed where it is read again and again, and where its rows would push each other out of the cache.
static bool packing_pays(const maas_f32_gemm_params *g, const gemm_item *item) {
  bool collide = g->a_col == 1 && g->a_row % 1024 == 0 && !maas_gemm_is_flat(item->rows, MAAS_MR);
  return collide || (item->rows > MAAS_MR && item->columns > 2 * MAAS_NR);
}

/// A pass over a B that is not packed: panel by panel, in place where one group of rows reads it.
static void plain_pass(const maas_f32_gemm_params *g, const maas_gemm_pass *whole, const maas_gemm_finish *f,
                       float *slab) {
  for (int64_t j = 0; j < whole->columns; j += MAAS_NR) {
    maas_gemm_pass pass = *whole;
    pass.b += j * g->b_col;
    pass.columns = maas_min64(MAAS_NR, whole->columns - j);
    if (pass.rows <= MAAS_MR && g->b_col == 1 && pass.columns == MAAS_NR) {
      pass.b_gap = g->b_row - MAAS_NR;
    } else {
      maas_gemm_plain b = {pass.b, g->b_row, g->b_col, pass.k, pass.columns};
      pack_b(&b, MAAS_NR, slab);
      pass.b = slab;
    }
    maas_gemm_finish finish = finish_at(f, 0, j);
    MAAS_F32_SHARED(gemm_pass)(&pass, &finish);
  }
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
  int64_t length = maas_gemm_pass_length(g->k, item->rows, MAAS_MR, g->b_plain), p = 0;
  int64_t height = even_height(item->rows);
  bool pack = packing_pays(g, item);
  do { // Also once for k = 0: Y is then beta C.
    maas_gemm_pass pass = {.rows = item->rows,
                           .columns = item->columns,
                           .k = maas_min64(length, g->k - p),
                           .a = {item->a + p * g->a_col, g->a_row, g->a_col},
                           .group = height * g->a_row,
                           .height = height,
                           .b = item->b + p * (g->b_plain ? g->b_row : MAAS_NR),
                           .panel = g->k * MAAS_NR};
    if (pack) {
      pack_a(pass.rows, height, pass.k, pass.a, scratch);
      pass.a = (maas_gemm_left){scratch, 1, height};
      pass.group = height * pass.k;
    }
    maas_gemm_finish finish = maas_gemm_finish_of_pass(&whole, p, pass.k, g->k);
    if (g->b_plain)
      plain_pass(g, &pass, &finish, scratch + g->tile_m * length);
    else
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
