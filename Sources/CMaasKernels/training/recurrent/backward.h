/// Backward. A step turns the gradient of the hidden values after it into what of it reaches those before it without R,
/// and those of the gates' inputs, which R then brings there.

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

/// The derivative of a gate's function where it gave y; none where its input was cut off, at one of the `ends`.
static MAAS_SMALL MAAS_LOOP NUMBER gate_slope(const walk *w, int function, NUMBER y) {
  const NUMBER *ends = w->ends[function];
  bool is_cut = w->g->clip > 0 && (y == ends[0] || y == ends[1]);
  return is_cut ? 0 : slope(&w->g->slopes[w->direction][function], y);
}

#define GATE_SLOPE(s, function, y) (plain ? slope(s, y) : gate_slope(w, function, y))

/// One row; `plain` is the common form, without peepholes and clip, and with a forget gate of its own.
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
    NUMBER output = dh[j] * cell[j] * GATE_SLOPE(&f, 0, o);
    NUMBER d = dc[j] + dh[j] * o * slope(&last, cell[j]);
    if (!plain && p)
      d += p[h + j] * output;
    NUMBER input = d * (joined ? candidate - own[j] : candidate) * GATE_SLOPE(&f, 0, i);
    NUMBER lost = joined ? 0 : d * own[j] * GATE_SLOPE(&f, 0, forget);
    dx[j] = input;
    dx[h + j] = output;
    dx[2 * h + j] = lost;
    dx[3 * h + j] = d * i * GATE_SLOPE(&g, 1, candidate);
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
  if (w->operands[peephole_back] || w->g->input_forget || w->g->clip > 0)
    lstm_slopes(w, s, r, cell, false);
  else
    lstm_slopes_plain(w, s, r, cell);
}

static MAAS_SMALL void backward_rnn(const walk *w, const backward_step *s, int64_t r) {
  int64_t h = w->g->hidden;
  for (int64_t j = r * h; j < (r + 1) * h; j++) {
    s->dx[j] = s->dh[j] * gate_slope(w, 0, s->gates[j]);
    s->dh[j] = 0;
  }
}

/// All but the reset gate where that is applied before R: its gradient comes through R.
static inline __attribute__((always_inline)) void gru_slopes(const walk *w, const backward_step *s, int64_t r,
                                                             const bool linear, const bool plain) {
  int64_t h = w->g->hidden;
  const maas_slope f = w->g->slopes[w->direction][0], g = w->g->slopes[w->direction][1];
  const NUMBER *gates = s->gates + r * w->width, *own = s->before + r * h, *kept = s->kept + r * h;
  NUMBER *restrict dh = s->dh + r * h, *restrict dx = s->dx + r * w->width;
  NUMBER *restrict dr = linear ? s->dr + r * w->width : NULL;
#pragma clang loop interleave_count(1)
  for (int64_t j = 0; j < h; j++) {
    NUMBER z = gates[j], reset = gates[h + j], candidate = gates[2 * h + j];
    NUMBER update = dh[j] * (own[j] - candidate) * GATE_SLOPE(&f, 0, z);
    NUMBER inner = dh[j] * (1 - z) * GATE_SLOPE(&g, 1, candidate);
    dx[j] = update;
    dx[2 * h + j] = inner;
    dh[j] *= z;
    if (linear) {
      NUMBER forgotten = inner * kept[j] * GATE_SLOPE(&f, 0, reset);
      dx[h + j] = forgotten;
      dr[j] = update;
      dr[h + j] = forgotten;
      dr[2 * h + j] = inner * reset;
    }
  }
}

static MAAS_LOOP void gru_slopes_linear(const walk *w, const backward_step *s, int64_t r) {
  gru_slopes(w, s, r, true, true);
}

static MAAS_SMALL void backward_gru(const walk *w, const backward_step *s, int64_t r) {
  if (s->dr && w->g->clip <= 0)
    gru_slopes_linear(w, s, r);
  else
    gru_slopes(w, s, r, s->dr, false);
}

/// The gradient of what the last gate of R was multiplied with goes to the reset gate and to the hidden values.
static MAAS_SMALL void backward_reset(const walk *w, const backward_step *s) {
  int64_t h = w->g->hidden;
  multiply(w, s->dx + 2 * h, 2, NULL, w->local, 1, false);
  for (int64_t r = 0; r < w->rows; r++) {
    const NUMBER *reset = s->gates + r * w->width + h, *own = s->before + r * h, *product = w->local + r * h;
    bool live = is_live(w, w->operands[lengths_back], r, s->time);
    for (int64_t j = 0; j < h; j++) {
      s->dx[r * w->width + h + j] = live ? product[j] * own[j] * gate_slope(w, 0, reset[j]) : 0;
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
  clear_empty(w, w->operands[lengths_back], state_of(w, dh_back));
  if (g->cell == MAAS_CELL_LSTM)
    clear_empty(w, w->operands[lengths_back], state_of(w, dc_back));
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
