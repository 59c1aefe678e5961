/// The walks of maas_recurrent.h for one element type and instruction set. Included by files that defined NUMBER,
/// IS_DOUBLE, FORWARD and BACKWARD, what the entries are called, and APPLY(f, x, n): x = f(x).
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

static MAAS_SMALL void start_state(const walk *w, int from, NUMBER *to) {
  const NUMBER *given = state_of(w, from);
  size_t bytes = (size_t)(w->rows * w->g->hidden) * sizeof(NUMBER);
  if (given)
    memcpy(to, given, bytes);
  else
    memset(to, 0, bytes);
}

// Forward: one step of each cell. `h` are the hidden values before it, `next` those after it.

typedef struct forward_step {
  NUMBER *gates, *kept, *cell, *next_cell, *y;
  const NUMBER *h;
  NUMBER *next;
  int64_t time;
} forward_step;

enum {
  gates_in,
  r_in,
  extra_in,
  lengths_in,
  hidden_in,
  cell_in,
  before_out,
  kept_out,
  y_out,
  hidden_out,
  cell_out
};

static MAAS_SMALL void apply_rows(const walk *w, int function, NUMBER *x, int64_t first, int64_t count) {
  for (int64_t r = 0; r < w->rows; r++)
    APPLY(&w->g->functions[w->direction][function], x + r * w->width + first, count);
}

static MAAS_SMALL void add_peephole(const walk *w, int gate, const NUMBER *weights, const NUMBER *cell,
                                    NUMBER *gates) {
  int64_t h = w->g->hidden;
  for (int64_t r = 0; r < (weights ? w->rows : 0); r++)
    for (int64_t j = 0; j < h; j++)
      gates[r * w->width + gate * h + j] += weights[j] * cell[r * h + j];
}

/// y = a b, and what is added if anything is. Two loops: a masked load of no address costs hundreds of cycles.
static MAAS_LOOP void add_products(int64_t n, const NUMBER *a, const NUMBER *b, const NUMBER *added,
                                   NUMBER *y) {
  if (!added) {
#pragma clang loop interleave_count(1)
    for (int64_t j = 0; j < n; j++)
      y[j] = a[j] * b[j];
    return;
  }
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < n; j++)
    y[j] = added[j] + a[j] * b[j];
}

static MAAS_LOOP void lstm_cells(const walk *w, const forward_step *s, NUMBER *gates, int64_t r) {
  int64_t h = w->g->hidden;
  const NUMBER *input = gates, *forget = gates + 2 * h, *candidate = gates + 3 * h, *cell = s->cell + r * h;
  NUMBER *restrict next = s->next_cell + r * h;
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < h; j++)
    next[j] = forget[j] * cell[j] + input[j] * candidate[j];
}

static MAAS_SMALL void forward_lstm(const walk *w, const forward_step *s) {
  int64_t h = w->g->hidden;
  const NUMBER *peephole =
      w->operands[extra_in] ? (NUMBER *)w->operands[extra_in] + w->direction * 3 * h : NULL;
  add_peephole(w, 0, peephole, s->cell, s->gates);
  add_peephole(w, 2, peephole ? peephole + 2 * h : NULL, s->cell, s->gates);
  apply_rows(w, 0, s->gates, 0, h);
  apply_rows(w, 0, s->gates, 2 * h, h);
  apply_rows(w, 1, s->gates, 3 * h, h);
  for (int64_t r = 0; r < w->rows; r++) {
    NUMBER *gates = s->gates + r * w->width;
    for (int64_t j = 0; j < (w->g->input_forget ? h : 0); j++)
      gates[2 * h + j] = 1 - gates[j];
    lstm_cells(w, s, gates, r);
  }
  add_peephole(w, 1, peephole ? peephole + h : NULL, s->next_cell, s->gates);
  apply_rows(w, 0, s->gates, h, h);
  memcpy(w->local, s->next_cell, (size_t)(w->rows * h) * sizeof(NUMBER));
  APPLY(&w->g->functions[w->direction][2], w->local, w->rows * h);
  for (int64_t r = 0; r < w->rows; r++) {
    const NUMBER *output = s->gates + r * w->width + h, *cell = w->local + r * h;
    add_products(h, output, cell, NULL, s->next + r * h);
  }
}

/// The new state between the candidate and the old one.
static MAAS_LOOP void mix_states(int64_t h, const NUMBER *gates, const NUMBER *own, NUMBER *restrict next) {
  const NUMBER *update = gates, *candidate = gates + 2 * h;
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < h; j++)
    next[j] = (1 - update[j]) * candidate[j] + update[j] * own[j];
}

static MAAS_SMALL void forward_gru(const walk *w, const forward_step *s) {
  int64_t h = w->g->hidden;
  bool linear = w->g->linear_before_reset;
  apply_rows(w, 0, s->gates, 0, 2 * h);
  if (linear)
    multiply(w, s->h, 2, w->operands[extra_in] ? (NUMBER *)w->operands[extra_in] + w->direction * h : NULL,
             s->kept, 1, false);
  for (int64_t r = 0; r < w->rows; r++) {
    const NUMBER *reset = s->gates + r * w->width + h, *own = s->h + r * h;
    NUMBER *candidate = s->gates + r * w->width + 2 * h, *kept = s->kept + r * h;
    add_products(h, reset, linear ? kept : own, linear ? candidate : NULL, linear ? candidate : kept);
  }
  if (!linear)
    multiply(w, s->kept, 2, NULL, s->gates + 2 * h, 2, true);
  apply_rows(w, 1, s->gates, 2 * h, h);
  for (int64_t r = 0; r < w->rows; r++)
    mix_states(h, s->gates + r * w->width, s->h + r * h, s->next + r * h);
}

static MAAS_SMALL void forward_rnn(const walk *w, const forward_step *s) {
  apply_rows(w, 0, s->gates, 0, w->g->hidden);
  memcpy(s->next, s->gates, (size_t)(w->rows * w->g->hidden) * sizeof(NUMBER));
}

/// What has ended keeps its state and is 0 in y.
static MAAS_SMALL void finish_rows(const walk *w, const forward_step *s) {
  int64_t h = w->g->hidden;
  size_t bytes = (size_t)h * sizeof(NUMBER);
  for (int64_t r = 0; r < w->rows; r++) {
    bool live = is_live(w, w->operands[lengths_in], r, s->time);
    if (!live) {
      memcpy(s->next + r * h, s->h + r * h, bytes);
      if (s->cell)
        memcpy(s->next_cell + r * h, s->cell + r * h, bytes);
    }
    if (s->y && live)
      memcpy(s->y + r * h, s->next + r * h, bytes);
    else if (s->y)
      memset(s->y + r * h, 0, bytes);
  }
}

static MAAS_SMALL int32_t forward_walk(const walk *w) {
  const maas_recurrent_params *g = w->g;
  bool is_lstm = g->cell == MAAS_CELL_LSTM;
  start_state(w, hidden_in,
              g->steps > 0 ? rows_of(w, before_out, g->steps, time_of(w, 0), g->hidden)
                           : state_of(w, hidden_out));
  if (is_lstm)
    start_state(w, cell_in, rows_of(w, kept_out, g->steps + 1, 0, g->hidden));
  for (int64_t i = 0; i < g->steps; i++) {
    if (is_stopped(w))
      return MAAS_STEP_STOPPED;
    forward_step s = {.time = time_of(w, i)};
    s.gates = rows_of(w, gates_in, g->steps, s.time, w->width);
    s.h = rows_of(w, before_out, g->steps, s.time, g->hidden);
    s.next = i + 1 < g->steps ? rows_of(w, before_out, g->steps, time_of(w, i + 1), g->hidden)
                              : state_of(w, hidden_out);
    s.y = sequence_of(w, y_out, s.time);
    if (is_lstm) {
      s.cell = rows_of(w, kept_out, g->steps + 1, i, g->hidden);
      s.next_cell = rows_of(w, kept_out, g->steps + 1, i + 1, g->hidden);
    } else {
      s.kept = rows_of(w, kept_out, g->steps, s.time, g->hidden);
    }
    multiply(w, s.h, 0, NULL, s.gates, 0, true);
    (g->cell == MAAS_CELL_RNN ? forward_rnn : is_lstm ? forward_lstm : forward_gru)(w, &s);
    finish_rows(w, &s);
  }
  if (is_lstm && w->operands[cell_out])
    memcpy(state_of(w, cell_out), rows_of(w, kept_out, g->steps + 1, g->steps, g->hidden),
           (size_t)(w->rows * g->hidden) * sizeof(NUMBER));
  return MAAS_STEP_OK;
}

// Backward. A step turns the gradient of the hidden values after it into what of it reaches those before it without R,
// and those of the gates' inputs, which R then brings there.

typedef struct backward_step {
  const NUMBER *gates, *before, *kept, *cell, *next_cell, *dy;
  NUMBER *dh, *dc, *dx, *dr; ///< dr: of R's part of the gates, where that differs.
  int64_t time;
} backward_step;

enum {
  gates_back,
  r_back,
  r_gates_back,
  peephole_back,
  lengths_back,
  before_back,
  kept_back,
  dy_back,
  dh_back,
  dc_back,
  dx_back,
  dr_back
};

static inline __attribute__((always_inline)) NUMBER slope(const maas_slope *s, NUMBER y) {
  bool above = y > 0;
  NUMBER a = above ? s->above[0] : s->below[0], b = above ? s->above[1] : s->below[1];
  return a + y * (b + y * (above ? s->above[2] : s->below[2]));
}

/// One row; `plain` is the common form, without peepholes and with a forget gate of its own.
static inline __attribute__((always_inline)) void
lstm_slopes(const walk *w, const backward_step *s, int64_t r, const NUMBER *cell, const bool plain) {
  int64_t h = w->g->hidden;
  const maas_slope f = w->g->slopes[w->direction][0], g = w->g->slopes[w->direction][1];
  const maas_slope last = w->g->slopes[w->direction][2];
  const NUMBER *gates = s->gates + r * w->width, *own = s->cell + r * h;
  const NUMBER *p =
      w->operands[peephole_back] ? (NUMBER *)w->operands[peephole_back] + w->direction * 3 * h : NULL;
  NUMBER *restrict dh = s->dh + r * h, *restrict dc = s->dc + r * h, *restrict dx = s->dx + r * w->width;
  const bool joined = !plain && w->g->input_forget;
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < h; j++) {
    NUMBER i = gates[j], o = gates[h + j], forget = gates[2 * h + j], candidate = gates[3 * h + j];
    NUMBER output = dh[j] * cell[j] * slope(&f, o);
    NUMBER d = dc[j] + dh[j] * o * slope(&last, cell[j]);
    if (!plain && p)
      d += p[h + j] * output;
    NUMBER input = d * (joined ? candidate - own[j] : candidate) * slope(&f, i);
    NUMBER lost = joined ? 0 : d * own[j] * slope(&f, forget);
    dx[j] = input;
    dx[h + j] = output;
    dx[2 * h + j] = lost;
    dx[3 * h + j] = d * i * slope(&g, candidate);
    dc[j] = d * forget;
    if (!plain && p)
      dc[j] += p[j] * input + p[2 * h + j] * lost;
    dh[j] = 0;
  }
}

static MAAS_LOOP void lstm_slopes_plain(const walk *w, const backward_step *s, int64_t r,
                                        const NUMBER *cell) {
  lstm_slopes(w, s, r, cell, true);
}

static MAAS_SMALL void backward_lstm(const walk *w, const backward_step *s, int64_t r, const NUMBER *cell) {
  if (w->operands[peephole_back] || w->g->input_forget)
    lstm_slopes(w, s, r, cell, false);
  else
    lstm_slopes_plain(w, s, r, cell);
}

static MAAS_SMALL void backward_rnn(const walk *w, const backward_step *s, int64_t r) {
  int64_t h = w->g->hidden;
  const maas_slope f = w->g->slopes[w->direction][0];
  for (int64_t j = r * h; j < (r + 1) * h; j++) {
    s->dx[j] = s->dh[j] * slope(&f, s->gates[j]);
    s->dh[j] = 0;
  }
}

/// All but the reset gate where that is applied before R: its gradient comes through R.
static inline __attribute__((always_inline)) void gru_slopes(const walk *w, const backward_step *s, int64_t r,
                                                             const bool linear) {
  int64_t h = w->g->hidden;
  const maas_slope f = w->g->slopes[w->direction][0], g = w->g->slopes[w->direction][1];
  const NUMBER *gates = s->gates + r * w->width, *own = s->before + r * h, *kept = s->kept + r * h;
  NUMBER *restrict dh = s->dh + r * h, *restrict dx = s->dx + r * w->width;
  NUMBER *restrict dr = linear ? s->dr + r * w->width : NULL;
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < h; j++) {
    NUMBER z = gates[j], reset = gates[h + j], candidate = gates[2 * h + j];
    NUMBER update = dh[j] * (own[j] - candidate) * slope(&f, z);
    NUMBER inner = dh[j] * (1 - z) * slope(&g, candidate);
    dx[j] = update;
    dx[2 * h + j] = inner;
    dh[j] *= z;
    if (linear) {
      NUMBER forgotten = inner * kept[j] * slope(&f, reset);
      dx[h + j] = forgotten;
      dr[j] = update;
      dr[h + j] = forgotten;
      dr[2 * h + j] = inner * reset;
    }
  }
}

static MAAS_LOOP void gru_slopes_linear(const walk *w, const backward_step *s, int64_t r) {
  gru_slopes(w, s, r, true);
}

static MAAS_SMALL void backward_gru(const walk *w, const backward_step *s, int64_t r) {
  if (s->dr)
    gru_slopes_linear(w, s, r);
  else
    gru_slopes(w, s, r, false);
}

/// The gradient of what the last gate of R was multiplied with goes to the reset gate and to the hidden values.
static MAAS_SMALL void backward_reset(const walk *w, const backward_step *s) {
  int64_t h = w->g->hidden;
  const maas_slope f = w->g->slopes[w->direction][0];
  multiply(w, s->dx + 2 * h, 2, NULL, w->local, 1, false);
  for (int64_t r = 0; r < w->rows; r++) {
    const NUMBER *reset = s->gates + r * w->width + h, *own = s->before + r * h, *product = w->local + r * h;
    bool live = is_live(w, w->operands[lengths_back], r, s->time);
    for (int64_t j = 0; j < h; j++) {
      s->dx[r * w->width + h + j] = live ? product[j] * own[j] * slope(&f, reset[j]) : 0;
      s->dh[r * h + j] += product[j] * reset[j];
    }
  }
}

static MAAS_LOOP void add_row(int64_t n, const NUMBER *restrict x, NUMBER *restrict y) {
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < n; j++)
    y[j] += x[j];
}

static MAAS_SMALL void backward_row(const walk *w, const backward_step *s, int64_t r) {
  int64_t h = w->g->hidden;
  if (!is_live(w, w->operands[lengths_back], r, s->time)) {
    memset(s->dx + r * w->width, 0, (size_t)w->width * sizeof(NUMBER));
    if (s->dr)
      memset(s->dr + r * w->width, 0, (size_t)w->width * sizeof(NUMBER));
    return;
  }
  if (s->dy)
    add_row(h, s->dy + r * h, s->dh + r * h);
  switch (w->g->cell) {
  case MAAS_CELL_RNN:
    return backward_rnn(w, s, r);
  case MAAS_CELL_GRU:
    return backward_gru(w, s, r);
  case MAAS_CELL_LSTM:
    memcpy(w->local, s->next_cell + r * h, (size_t)h * sizeof(NUMBER));
    APPLY(&w->g->functions[w->direction][2], w->local, h);
    return backward_lstm(w, s, r, w->local);
  }
}

static MAAS_SMALL int32_t backward_walk(const walk *w) {
  const maas_recurrent_params *g = w->g;
  for (int64_t i = g->steps - 1; i >= 0; i--) {
    if (is_stopped(w))
      return MAAS_STEP_STOPPED;
    backward_step s = {.time = time_of(w, i), .dh = state_of(w, dh_back), .dc = state_of(w, dc_back)};
    s.gates = rows_of(w, gates_back, g->steps, s.time, w->width);
    s.before = rows_of(w, before_back, g->steps, s.time, g->hidden);
    s.dy = sequence_of(w, dy_back, s.time);
    s.dx = rows_of(w, dx_back, g->steps, s.time, w->width);
    s.dr = rows_of(w, dr_back, g->steps, s.time, w->width);
    if (g->cell == MAAS_CELL_LSTM) {
      s.cell = rows_of(w, kept_back, g->steps + 1, i, g->hidden);
      s.next_cell = rows_of(w, kept_back, g->steps + 1, i + 1, g->hidden);
    } else {
      s.kept = rows_of(w, kept_back, g->steps, s.time, g->hidden);
    }
    for (int64_t r = 0; r < w->rows; r++)
      backward_row(w, &s, r);
    if (g->cell == MAAS_CELL_GRU && !g->linear_before_reset)
      backward_reset(w, &s);
    multiply(w, s.dr ? s.dr : s.dx, 0, NULL, s.dh, 0, true);
  }
  return MAAS_STEP_OK;
}

#if IS_DOUBLE
static MAAS_SMALL void multiply(const walk *w, const NUMBER *a, int64_t gate, const NUMBER *bias, NUMBER *y,
                                int which, bool adds) {
  const maas_f32_gemm_params *p = &w->products[which].gemm;
  int64_t h = w->g->hidden, n = p->n * p->batch[0], to_row = w->is_back ? 1 : h,
          to_inner = w->is_back ? h : 1;
  const NUMBER *r = (NUMBER *)w->operands[r_in] + (w->direction * w->width + gate * h) * h;
  for (int64_t i = 0; i < w->rows; i++)
    for (int64_t j = 0; j < n; j++) {
      NUMBER sum = (adds ? y[i * p->y_row + j] : 0) + (bias ? bias[j] : 0);
      for (int64_t k = 0; k < p->k; k++)
        sum += a[i * p->a_row + k] * r[j * to_row + k * to_inner];
      y[i * p->y_row + j] = sum;
    }
}
#else
static MAAS_SMALL void multiply(const walk *w, const NUMBER *a, int64_t gate, const NUMBER *bias, NUMBER *y,
                                int which, bool adds) {
  const product *p = &w->products[which];
  const bool by_gate = !w->is_back || which == 1;
  int64_t gates = w->width / w->g->hidden, matrix = by_gate ? w->direction * gates + gate : w->direction;
  int64_t bytes = maas_f32_gemm_packed_bytes(p->gemm.k, p->gemm.n);
  char *r = (char *)w->operands[w->is_back && by_gate ? r_gates_back : r_in] + matrix * bytes;
  void *operands[] = {(void *)a, r, (void *)bias, adds ? y : NULL, y};
  maas_step step = {.operands = operands, .params = &p->gemm, .items = p->split.items};
  maas_worker worker = *w->worker;
  worker.scratch = (char *)worker.scratch + w->g->local_scratch;
  maas_f32_gemm(&step, 0, p->split.items, &worker);
}
#endif

MAAS_SMALL int32_t FORWARD(MAAS_STEP_ARGUMENTS) {
  for (int64_t item = begin; item < end; item++) {
    walk w = walk_of(step, item, worker, false);
    int32_t status = forward_walk(&w);
    if (status != MAAS_STEP_OK)
      return status;
  }
  return MAAS_STEP_OK;
}

MAAS_SMALL int32_t BACKWARD(MAAS_STEP_ARGUMENTS) {
  for (int64_t item = begin; item < end; item++) {
    walk w = walk_of(step, item, worker, true);
    int32_t status = backward_walk(&w);
    if (status != MAAS_STEP_OK)
      return status;
  }
  return MAAS_STEP_OK;
}
