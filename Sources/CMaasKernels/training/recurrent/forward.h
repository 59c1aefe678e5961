/// Forward: one step of each cell. `h` are the hidden values before it, `next` those after it.

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
  NUMBER clip = w->g->clip;
  for (int64_t r = 0; r < w->rows; r++) {
    NUMBER *gate = x + r * w->width + first;
    for (int64_t j = 0; j < (clip > 0 ? count : 0); j++)
      gate[j] = gate[j] > clip ? clip : gate[j] < -clip ? -clip : gate[j];
    APPLY(&w->g->functions[w->direction][function], gate, count);
  }
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
  const int32_t *lengths = w->operands[lengths_in];
  start_state(w, hidden_in, lengths,
              g->steps > 0 ? rows_of(w, before_out, g->steps, time_of(w, 0), g->hidden)
                           : state_of(w, hidden_out));
  if (is_lstm)
    start_state(w, cell_in, lengths, rows_of(w, kept_out, g->steps + 1, 0, g->hidden));
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
