/// gemm for one instruction set: a work item is a tile of Y. Included by files that defined MAAS_TILE, MAAS_MR and
/// MAAS_NV.
#include "layout.h"
#include "left.h"
#include "right.h"
#include "micros.h"
#include "streams.h"

/// Only training has products that read and write panels of weights: the core of operators has no need of them.
#if defined(MAAS_CORE) || defined(MAAS_DOUBLE)
enum { has_panels = false };
#else
enum { has_panels = true };
#endif

/// `f` from (i, j) on.
static maas_gemm_finish finish_at(const maas_gemm_finish *f, int64_t i, int64_t j) {
  maas_gemm_finish moved = *f;
  moved.y += i * f->y_row + j + (has_panels ? j / MAAS_NR * f->y_gap : 0);
  if (f->c)
    moved.c += i * f->c_row + j * f->c_col;
  if (f->residual)
    moved.residual += i * f->y_row + j;
  return moved;
}

/// Rows of the next group where `left` are left. The last two groups share theirs if A lies in place and gemm chose the
/// height: few rows would read a panel faster than the cache gives it.
static int64_t group_rows(const maas_gemm_pass *pass, int64_t height, int64_t left) {
  bool can_share = pass->height && pass->group == height * pass->a.row;
  return can_share && left > height && left < 2 * height ? maas_ceil_div(left, 2) : maas_min64(height, left);
}

static void pass_to_rows(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  int64_t height = pass->height ? pass->height : MAAS_MR;
  if (streams_pay(pass)) {
    stream_panels(pass, f);
    return;
  }
  int64_t row = pass->rows > height ? pass->group / height : 0;
  if (pass->rows_outside) {
    for (int64_t i = 0; i < pass->rows; i += height)
      for (int64_t j = 0; j < pass->columns; j += MAAS_NR)
        micros[maas_min64(height, pass->rows - i) - 1](pass, pass->a.a + i * row, f, i, j);
    return;
  }
  for (int64_t j = 0; j < pass->columns; j += MAAS_NR)
    for (int64_t i = 0, rows; i < pass->rows; i += rows) {
      rows = group_rows(pass, height, pass->rows - i);
      micros[rows - 1](pass, pass->a.a + i * row, f, i, j);
    }
}

/// A pass whose Y lies in panels: one after the other.
static __attribute__((noinline)) void pass_to_panels(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  for (int64_t j = 0; j < pass->columns; j += MAAS_NR) {
    maas_gemm_pass panel = *pass;
    maas_gemm_finish finish = finish_at(f, 0, j);
    panel.columns = maas_min64(MAAS_NR, pass->columns - j);
    panel.b += j / MAAS_NR * pass->panel;
    panel.after = j + MAAS_NR < pass->columns ? panel.b + pass->panel : pass->after;
    pass_to_rows(&panel, &finish);
  }
}

void MAAS_REAL_SHARED(gemm_pass)(const maas_gemm_pass *pass, const maas_gemm_finish *f) {
  if (has_panels && f->y_gap)
    pass_to_panels(pass, f);
  else
    pass_to_rows(pass, f);
}

typedef struct gemm_item {
  const real *a, *c, *residual;
  const char *b, *next; ///< B of this item, and of the one after it or NULL.
  real *y;
  const maas_step *step;
  int64_t y_at; ///< Elements of the whole Y before those of this item.
  int64_t rows, columns;
  bool is_packed; ///< A lies in scratch memory as the item before left it.
} gemm_item;

#ifdef MAAS_DOUBLE
static bool has_halves(const maas_f32_gemm_params *g) { return (void)g, false; }
#else
#include "halves.h"
#endif

static int64_t b_bytes(const maas_f32_gemm_params *g) {
  return has_halves(g) ? sizeof(uint16_t) : sizeof(real);
}

static int64_t batch_offset(const maas_f32_gemm_params *g, int64_t index, const int64_t *strides) {
  int64_t offset = 0;
  for (int32_t d = g->batch_rank - 1; d >= 0 && index; d--) {
    offset += index % g->batch[d] * strides[d];
    index /= g->batch[d];
  }
  return offset;
}

/// Where an item lies: its matrices, and its first row and column there.
typedef struct gemm_place {
  int64_t batch, i, j;
} gemm_place;

/// Neighbouring items share columns of B, which are the larger operand more often than not, or rows of A.
static __attribute__((noinline)) gemm_place place_at(const maas_f32_gemm_params *g, int64_t index) {
  if (index == 0) // Most products are one item, and divisions take longer than a small one.
    return (gemm_place){0, 0, 0};
  int64_t row_tiles = maas_ceil_div(g->m, g->tile_m), column_tiles = maas_ceil_div(g->n, g->tile_n);
  int64_t batch = index / (row_tiles * column_tiles), tile = index % (row_tiles * column_tiles);
  int64_t i = g->rows_outside ? tile / column_tiles : tile % row_tiles;
  int64_t j = g->rows_outside ? tile % column_tiles : tile / row_tiles;
  return (gemm_place){batch, i * g->tile_m, j * g->tile_n};
}

/// Where k is 0, A and B have no elements and may be NULL. Nothing is read of what stands for them then.
static const void *factor(const maas_f32_gemm_params *g, void *const *operands, int which) {
  return operands[g->k ? which : 4];
}

static const char *b_at(const maas_f32_gemm_params *g, void *const *operands, gemm_place at) {
  bool plain = g->b_form == MAAS_GEMM_B_PLAIN;
  int64_t matrix = plain ? 1 : maas_round_up(g->n, MAAS_NR) * g->k, column = plain ? g->b_col : g->k;
  int64_t first = plain ? g->b_offset : 0;
  return (const char *)factor(g, operands, 1) +
         (first + batch_offset(g, at.batch, g->b_batch) * matrix + at.j * column) * b_bytes(g);
}

static int64_t y_gap(const maas_f32_gemm_params *g) {
  return has_panels && g->y_panel ? g->y_panel - MAAS_NR : 0;
}

static gemm_item gemm_item_at(const maas_f32_gemm_params *g, void *const *operands, gemm_place at) {
  int64_t y = batch_offset(g, at.batch, g->y_batch) + at.i * g->y_row + at.j + at.j / MAAS_NR * y_gap(g);
  gemm_item item = {.rows = maas_min64(g->tile_m, g->m - at.i),
                    .columns = maas_min64(g->tile_n, g->n - at.j)};
  item.a = (const real *)factor(g, operands, 0) + g->a_offset + batch_offset(g, at.batch, g->a_batch) +
           at.i * g->a_row;
  item.b = b_at(g, operands, at);
  if (operands[2])
    item.c =
        (const real *)operands[2] + batch_offset(g, at.batch, g->c_batch) + at.i * g->c_row + at.j * g->c_col;
  if (operands[3])
    item.residual = (const real *)operands[3] + y;
  if (operands[4])
    item.y = (real *)operands[4] + y;
  item.y_at = g->taken_first + y;
  return item;
}

/// Rows whose same places share a set of the first-level cache, as many as it has ways.
enum { colliding_rows = 8 };

/// Groups of equal height: a last one of few rows would read a panel faster than the cache gives it.
static int64_t even_height(const maas_f32_gemm_params *g, int64_t rows) {
  bool collide = g->a_col == 1 && g->a_row % (4096 / (int64_t)sizeof(real)) == 0;
  int64_t most = collide ? maas_min64(MAAS_MR, colliding_rows) : MAAS_MR;
  return rows <= most ? rows : maas_ceil_div(rows, maas_ceil_div(rows, most));
}

/// Few groups of rows read a panel where it lies as fast as a copy of it.
enum { groups_in_place = 3 };

/// So do many, where rows of a wide panel are less than this apart, or where all rows of a narrow one fit beside what
/// else the caches hold.
enum { bytes_apart = 1 << 12, bytes_of_rows = 1 << 16 };

static bool stays_in_place(const maas_f32_gemm_params *g, const maas_gemm_pass *pass) {
  bool is_wide = maas_gemm_slab_panels(MAAS_NR) == 1;
  int64_t apart = g->b_row * (int64_t)sizeof(real);
  bool is_near = is_wide ? apart < bytes_apart : apart * pass->k <= bytes_of_rows;
  return is_near || pass->rows <= groups_in_place * MAAS_MR;
}

/// Of a transposed A that fits beside what else the first-level cache holds.
enum { bytes_in_place = 1 << 14 };

/// A is packed where its rows lie scattered and are read again and again; else they are read in place, a line of each
/// at a time.
static bool packing_pays(const maas_f32_gemm_params *g, const gemm_item *item) {
  return g->a_col != 1 && item->rows > MAAS_MR && item->columns > 2 * MAAS_NR &&
         g->k * g->a_col * (int64_t)sizeof(real) > bytes_in_place;
}

/// Copies rows [p, p + k) of a B whose columns are rows of panels, those of one panel at a time. Where products do not
/// fetch what is copied next, what comes two panels later is fetched here.
static void pack_from_panels(const maas_f32_gemm_params *g, const loose *b, int64_t p, maas_gemm_pass *pass,
                             real *slab) {
  for (int64_t j = 0; j < pass->columns; j += MAAS_NR)
    for (int64_t q = p, rows; q < p + pass->k; q += rows) {
      const loose *from = b + q / MAAS_NR * g->b_panel + q % MAAS_NR + j * g->b_col;
      rows = maas_min64(MAAS_NR - q % MAAS_NR, p + pass->k - q);
      maas_gemm_plain plain = {from, 1, g->b_col, rows, maas_min64(MAAS_NR, pass->columns - j)};
      for (int64_t i = 0; maas_gemm_is_narrow(MAAS_NR) && i < MAAS_NR && q + 2 * MAAS_NR < p + pass->k; i++)
        __builtin_prefetch(from + 2 * g->b_panel + i * MAAS_NR);
      pack_b(&plain, MAAS_NR, pass->k, slab + j * pass->k + (q - p) * MAAS_NR);
    }
  pass->panel = pass->k * MAAS_NR;
}

/// Rows [p, p + k) of panels of a B that is no panels of floats: in place where few groups of rows read whole rows of
/// them, else through `slab`.
static void use_panels(const maas_f32_gemm_params *g, const char *b, int64_t p, maas_gemm_pass *pass,
                       real *slab) {
  pass->b = slab;
#ifndef MAAS_DOUBLE
  if (g->b_form != MAAS_GEMM_B_PLAIN) {
    widen(b + p * MAAS_NR * b_bytes(g), g->b_form == MAAS_GEMM_B_PACKED_BF16, pass->k * MAAS_NR, slab);
    return;
  }
#endif
  if (has_panels && g->b_panel) {
    pack_from_panels(g, (const loose *)(const void *)b, p, pass, slab);
    return;
  }
  maas_gemm_plain plain = {(const loose *)(const void *)b + p * g->b_row, g->b_row, g->b_col, pass->k,
                           pass->columns};
  if (g->b_col == 1 && pass->columns % MAAS_NR == 0 && stays_in_place(g, pass)) {
    pass->b = (const real *)plain.b;
    pass->b_gap = g->b_row - MAAS_NR;
    pass->panel = MAAS_NR;
  } else {
    pack_b(&plain, MAAS_NR, pass->k, slab);
    pass->panel = pass->k * MAAS_NR;
  }
}

#include "taken.h"

/// Columns of B that are copied together.
static int64_t slab_columns(const maas_f32_gemm_params *g) {
  return g->b_form == MAAS_GEMM_B_PLAIN ? maas_gemm_slab_panels(MAAS_NR) * MAAS_NR : MAAS_NR;
}

/// Elements of scratch memory in front of what is taken.
static int64_t scratch_before_taken(const maas_f32_gemm_params *g) {
  return (maas_gemm_packed_rows(g, MAAS_MR) + slab_columns(g)) * maas_gemm_most_rows(g->k);
}

static __attribute__((noinline)) void copied_pass(const maas_f32_gemm_params *g, const gemm_item *item,
                                                  int64_t p, const maas_gemm_pass *whole,
                                                  const maas_gemm_finish *f, real *slab) {
  int64_t column = (g->b_form == MAAS_GEMM_B_PLAIN ? g->b_col : g->k) * b_bytes(g);
  int64_t width = slab_columns(g);
  for (int64_t j = 0; j < whole->columns; j += width) {
    maas_gemm_pass pass = *whole;
    pass.columns = maas_min64(width, whole->columns - j);
    use_panels(g, item->b + j * column, p, &pass, slab);
    bool are_taken = takes(g) && p + pass.k == g->k;
    const char *wanted[most_wanted];
    if (are_taken)
      want_taken(g, item, j, wanted, &pass);
    else if (has_panels && g->b_panel)
      want_next(g, item, j, p, wanted, &pass);
    maas_gemm_finish finish = finish_of_panels(g, &pass, f, j);
    MAAS_REAL_SHARED(gemm_pass)(&pass, &finish);
    if (are_taken)
      take_panels(g, item, j, pass.columns, finish.y);
  }
}

/// Columns from which on an activation that is no clamp takes the rows of a finished tile, not each tile of registers
/// through memory: long rows keep the processor busier, where it is instructions that are short.
enum { least_activated = 64 };
_Static_assert(MAAS_NR < least_activated, "one_tile activates in registers");

static bool activates_rows(const maas_f32_gemm_params *g, const gemm_item *item) {
  return !is_clamp(&g->activation) && item->columns >= least_activated;
}

static maas_gemm_finish finish_of(const maas_f32_gemm_params *g, const gemm_item *item) {
  maas_gemm_finish finish = {.y = item->y,
                             .y_row = g->y_row,
                             .y_gap = y_gap(g),
                             .c = item->c,
                             .c_row = g->c_row,
                             .c_col = g->c_col,
                             .residual = item->residual,
                             .alpha = g->alpha,
                             .beta = g->beta};
  if (!activates_rows(g, item))
    finish.activation = g->activation;
  return finish;
}

/// Whether the whole product is a call of a micro-kernel, which those of doubles are not. What larger ones work out
/// first would take longer than it.
static bool is_one_tile(const maas_f32_gemm_params *g, int64_t items) {
  return !is_compact && items == 1 && g->m <= MAAS_MR && g->n <= MAAS_NR && g->b_form == MAAS_GEMM_B_PACKED &&
         even_height(g, g->m) == g->m;
}

static __attribute__((noinline)) void one_tile(const maas_f32_gemm_params *g, void *const *operands) {
  gemm_item item = {
      .c = operands[2], .residual = operands[3], .y = operands[4], .rows = g->m, .columns = g->n};
  maas_gemm_pass pass = {.columns = g->n,
                         .k = g->k,
                         .a = {(const real *)factor(g, operands, 0) + g->a_offset, g->a_row, g->a_col},
                         .b = factor(g, operands, 1)};
  maas_gemm_finish finish = finish_of(g, &item);
  micros[g->m - 1](&pass, pass.a.a, &finish, 0, 0);
}

static void gemm_tile(const maas_f32_gemm_params *g, const gemm_item *item, real *scratch) {
  maas_gemm_finish whole = finish_of(g, item);
#ifndef MAAS_DOUBLE
  if (has_halves(g) && item->rows <= halves_rows) {
    halves_tile(g, item, &whole);
    return;
  }
#endif
  bool copied = g->b_form != MAAS_GEMM_B_PACKED, pack = packing_pays(g, item);
  int64_t length = maas_gemm_pass_length(g->k, item->rows, MAAS_MR, copied, pack), p = 0;
  if (takes(g))
    finish_to_take(item, scratch + scratch_before_taken(g), &whole);
  int64_t height = even_height(g, item->rows);
  do { // Also once for k = 0: Y is then beta C.
    maas_gemm_pass pass = {.rows = item->rows,
                           .columns = item->columns,
                           .k = maas_min64(length, g->k - p),
                           .a = {item->a + p * g->a_col, g->a_row, g->a_col},
                           .group = height * g->a_row,
                           .height = height,
                           .b = (const real *)(const void *)item->b + p * MAAS_NR,
                           .panel = g->k * MAAS_NR,
                           .streams = has_streams(g)};
    if (!copied)
      share_next(&pass, g->n * g->k,
                 p + pass.k < g->k ? pass.b + pass.k * MAAS_NR : (const real *)(const void *)item->next);
    if (pack) {
      if (!item->is_packed)
        pack_a(pass.rows, height, pass.k, pass.a, scratch);
      pass.a = (maas_gemm_left){scratch, 1, height};
      pass.group = height * pass.k;
    }
    maas_gemm_finish finish = maas_gemm_finish_of_pass(&whole, p, pass.k, g->k);
    if (copied)
      copied_pass(g, item, p, &pass, &finish, scratch + maas_gemm_packed_rows(g, MAAS_MR) * length);
    else
      MAAS_REAL_SHARED(gemm_pass)(&pass, &finish);
    p += pass.k;
  } while (p < g->k);
}

int32_t MAAS_REAL_KERNEL(gemm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_f32_gemm_params *g = step->params;
  if (is_one_tile(g, step->items)) {
    one_tile(g, step->operands);
    return MAAS_STEP_OK;
  }
  const real *packed = NULL;
  for (int64_t i = begin; i < end; i++) {
    gemm_item item = gemm_item_at(g, step->operands, place_at(g, i));
    item.step = step;
    item.is_packed = item.a == packed;
    item.next = i + 1 < end ? b_at(g, step->operands, place_at(g, i + 1)) : NULL;
    gemm_tile(g, &item, worker->scratch);
    for (int64_t r = 0; r < item.rows && activates_rows(g, &item); r++)
      activate(&g->activation, item.y + r * g->y_row, item.columns);
    packed = g->k <= MAAS_GEMM_KC && packing_pays(g, &item) ? item.a : NULL;
  }
  return MAAS_STEP_OK;
}
