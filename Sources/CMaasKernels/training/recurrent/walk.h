/// What both walks have.
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include "product.h"

/// Most of it runs once in a while; the loops over all units are what must be fast.
#define MAAS_SMALL __attribute__((minsize))
#define MAAS_LOOP __attribute__((noinline))

typedef struct walk {
  const maas_recurrent_params *g;
  void *const *operands;
  maas_worker *worker;
  NUMBER *local; ///< Memory for rows x hidden.
  int64_t direction, row, rows, width;
  bool is_reverse, is_back;
  product products[3];
  NUMBER ends[2][2]; ///< What the gates' functions make of inputs at either end of `clip`.
} walk;

/// y, or what it holds and more: product `which` of rows of a and some of R, which begins at gate `gate`; plus bias.
static void multiply(const walk *w, const NUMBER *a, int64_t gate, const NUMBER *bias, NUMBER *y, int which,
                     bool adds);

static MAAS_SMALL walk walk_of(const maas_step *step, int64_t item, maas_worker *worker, bool is_back) {
  const maas_recurrent_params *g = step->params;
  static const int64_t gates[] = {1, 3, 4};
  int64_t blocks = maas_ceil_div(g->batch, g->rows);
  walk w = {
      .g = g, .operands = step->operands, .worker = worker, .local = worker->scratch, .is_back = is_back};
  w.direction = item / blocks;
  w.row = item % blocks * g->rows;
  w.rows = maas_min64(g->rows, g->batch - w.row);
  w.width = gates[g->cell] * g->hidden;
  w.is_reverse = g->first_is_reverse || w.direction == 1;
  for (int i = 0; i < 3; i++)
    w.products[i] = maas_recurrent_product(g, w.rows, is_back, i);
  for (int i = 0; i < (g->clip > 0 ? (g->cell == MAAS_CELL_RNN ? 1 : 2) : 0); i++) {
    w.ends[i][0] = -g->clip;
    w.ends[i][1] = g->clip;
    APPLY(&g->functions[w.direction][i], w.ends[i], 2);
  }
  return w;
}

static MAAS_SMALL int64_t time_of(const walk *w, int64_t i) {
  return w->is_reverse ? w->g->steps - 1 - i : i;
}

/// Where the walk's rows of an operand [D, count, B, width] begin for a step; NULL without it.
static MAAS_SMALL NUMBER *rows_of(const walk *w, int operand, int64_t count, int64_t at, int64_t width) {
  NUMBER *p = w->operands[operand];
  return p ? p + ((w->direction * count + at) * w->g->batch + w->row) * width : NULL;
}

static MAAS_SMALL NUMBER *state_of(const walk *w, int operand) {
  return rows_of(w, operand, 1, 0, w->g->hidden);
}

/// The same of an operand [T, D, B, H].
static MAAS_SMALL NUMBER *sequence_of(const walk *w, int operand, int64_t time) {
  NUMBER *p = w->operands[operand];
  const maas_recurrent_params *g = w->g;
  return p ? p + ((time * g->directions + w->direction) * g->batch + w->row) * g->hidden : NULL;
}

static MAAS_SMALL bool is_live(const walk *w, const int32_t *lengths, int64_t r, int64_t time) {
  return !lengths || time < lengths[w->row + r];
}

/// The deadline is on the clock of CMaasSystem, no function of which is linked wherever kernels are.
static MAAS_SMALL bool is_stopped(const walk *w) {
  struct timespec now = {0};
  if (w->worker->cancel && __atomic_load_n(w->worker->cancel, __ATOMIC_RELAXED))
    return true;
  return w->worker->deadline && clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
         now.tv_sec * 1000000000LL + now.tv_nsec > w->worker->deadline;
}

/// Of sequences of length 0, whose state is 0, whatever they began with.
static __attribute__((minsize, noinline)) void clear_empty(const walk *w, const int32_t *lengths,
                                                           NUMBER *state) {
  for (int64_t r = 0; r < w->rows; r++)
    if (!is_live(w, lengths, r, 0))
      memset(state + r * w->g->hidden, 0, (size_t)w->g->hidden * sizeof(NUMBER));
}

static MAAS_SMALL void start_state(const walk *w, int from, const int32_t *lengths, NUMBER *to) {
  const NUMBER *given = state_of(w, from);
  size_t bytes = (size_t)(w->rows * w->g->hidden) * sizeof(NUMBER);
  if (given)
    memcpy(to, given, bytes);
  else
    memset(to, 0, bytes);
  clear_empty(w, lengths, to);
}
