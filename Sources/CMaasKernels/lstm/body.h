/// One step of an LSTM for one instruction set: a work item is a panel's width of units, of all rows. Included by files
/// that defined MAAS_NV as gemm's are.
#include "../gemm/pass.h"
#include "../row.h"
#include "../simd/math.h"
#include "../split.h"
#include "maas_recurrent.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
#include "../gemm/share.h"
enum { gate_count = 4, most_rows = 16 };
enum { input_gate, output_gate, forget_gate, candidate_gate };

/// What is computed of some rows before it is stored: the gates, one after the other.
typedef float lstm_gates[gate_count][most_rows * MAAS_NR];

/// Where some rows of an item begin. NULL as in the operands.
typedef struct lstm_part {
  int64_t rows, columns;
  const float *gates, *peephole, *before, *r;
  const float *r_after; ///< R of the rows after these.
  const int32_t *lengths;
  float *cell, *hidden, *y;
} lstm_part;

/// They were written long ago, all steps' at once. A gate at a time: more misses than the core can have under way would
/// hold up the product.
static void fetch_gate(const maas_f32_lstm_params *g, const lstm_part *part, int gate) {
  enum { line = 16 };
  const float *gates = part->gates + gate * g->hidden;
  for (int64_t i = 0; i < part->rows; i++)
    for (int64_t j = 0; j < part->columns; j += line)
      __builtin_prefetch(gates + i * g->gates_row + j);
}

/// The sums of one row. All gates at once: R comes from the outer caches, which answer several streams sooner than one.
static void multiply_row(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t) {
  vf sums[gate_count][MAAS_NV];
  for (int i = 0; i < gate_count; i++)
    fetch_gate(g, part, i);
  for (int i = 0; i < gate_count; i++)
    for (int v = 0; v < MAAS_NV; v++)
      sums[i][v] = v_set(0);
  const float *r = part->r;
  for (int64_t p = 0; p < g->k; p++, r += MAAS_NR)
    for (int i = 0; i < gate_count; i++)
      for (int v = 0; v < MAAS_NV; v++)
        sums[i][v] = v_fma(v_set(part->before[p]), v_load(r + i * g->r_gate + v * V_WIDTH), sums[i][v]);
  for (int i = 0; i < gate_count; i++) {
    for (int v = 0; v < MAAS_NV; v++)
      v_store(t[i] + v * V_WIDTH, sums[i][v]);
    for (int64_t j = 0; j < part->columns; j++)
      t[i][j] += part->gates[i * g->hidden + j];
  }
}

static void multiply_rows(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t) {
  for (int i = 0; i < gate_count; i++) {
    fetch_gate(g, part, i);
    maas_gemm_pass pass = {.rows = part->rows,
                           .columns = part->columns,
                           .k = g->k,
                           .a = {part->before, g->hidden, 1},
                           .b = part->r + i * g->r_gate};
    pass.height = maas_ceil_div(part->rows, maas_ceil_div(part->rows, MAAS_MR));
    pass.group = pass.height * g->hidden;
    share_next(&pass, gate_count * g->r_gate, i + 1 < gate_count ? pass.b + g->r_gate : part->r_after);
    maas_gemm_finish finish = {.y = t[i],
                               .y_row = MAAS_NR,
                               .c = part->gates + i * g->hidden,
                               .c_row = g->gates_row,
                               .c_col = 1,
                               .alpha = 1,
                               .beta = 1};
    MAAS_F32_SHARED(gemm_pass)(&pass, &finish);
  }
}

static void apply(const maas_f32_activation *f, float *gate, int64_t n, float clip) {
  if (clip > 0)
    MAAS_F32_SHARED(unary_rows)[MAAS_UNARY_CLIP](gate, gate, n, -clip, clip);
  MAAS_F32_SHARED(unary_rows)[f->op](gate, gate, n, f->alpha, f->beta);
}

static void add_peephole(const maas_f32_lstm_params *g, const lstm_part *part, int64_t weights, float *gate) {
  for (int64_t i = 0; i < (part->peephole ? part->rows : 0); i++)
    for (int64_t j = 0; j < part->columns; j++)
      gate[i * MAAS_NR + j] += part->peephole[weights * g->hidden + j] * part->cell[i * g->hidden + j];
}

static bool is_live(const maas_f32_lstm_params *g, const lstm_part *part, int64_t i) {
  return !part->lengths || g->time < part->lengths[i];
}

/// The new cells, which then stand in for the candidates too.
static void update_cells(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t) {
  for (int64_t i = 0; i < part->rows; i++) {
    if (!is_live(g, part, i))
      continue;
    float *cell = part->cell + i * g->hidden, *candidate = t[candidate_gate] + i * MAAS_NR;
    const float *input = t[input_gate] + i * MAAS_NR, *forget = t[forget_gate] + i * MAAS_NR;
    for (int64_t j = 0; j < part->columns; j++)
      candidate[j] = cell[j] = forget[j] * cell[j] + input[j] * candidate[j];
  }
}

static void update_hidden(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t) {
  for (int64_t i = 0; i < part->rows; i++) {
    bool live = is_live(g, part, i);
    const float *output = t[output_gate] + i * MAAS_NR, *cell = t[candidate_gate] + i * MAAS_NR;
    float *hidden = part->hidden + i * g->hidden, *y = part->y ? part->y + i * g->y_row : NULL;
    for (int64_t j = 0; j < (live ? part->columns : 0); j++)
      hidden[j] = output[j] * cell[j];
    for (int64_t j = 0; j < (y ? part->columns : 0); j++)
      y[j] = live ? output[j] * cell[j] : 0;
  }
}

#ifdef MAAS_CORE // Worth a few hundredths of a run, for 3 kB of each instruction set.
#undef MAAS_PLAIN_GATES
#endif

#ifdef MAAS_PLAIN_GATES
/// Whether the gates have ONNX's own activations and nothing besides.
static bool is_plain(const maas_f32_lstm_params *g, const lstm_part *part) {
  return g->f.op == MAAS_UNARY_SIGMOID && g->g.op == MAAS_UNARY_TANH && g->h.op == MAAS_UNARY_TANH &&
         g->clip <= 0 && !g->input_forget && !part->peephole;
}

static inline vf load_units(const float *p, int64_t n) { return n < V_WIDTH ? v_load_tail(p, n) : v_load(p); }

static inline void store_units(float *p, vf x, int64_t n) {
  if (n < V_WIDTH)
    v_store_tail(p, x, n);
  else
    v_store(p, x);
}

/// The cells of plain gates, which then stand in for the candidates too. In a loop of its own, since an output would
/// wait for its cell: so many functions are under way at once.
static void update_plain_cells(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t,
                               int64_t i) {
  float *cell = part->cell + i * g->hidden;
  for (int64_t j = 0; j < part->columns; j += V_WIDTH) {
    int64_t at = i * MAAS_NR + j, n = part->columns - j;
    vf kept = v_mul(v_sigmoid_near(v_load(t[forget_gate] + at)), load_units(cell + j, n));
    vf candidate = v_tanh(v_load(t[candidate_gate] + at));
    vf c = v_fma(v_sigmoid_near(v_load(t[input_gate] + at)), candidate, kept);
    v_store(t[candidate_gate] + at, c);
    store_units(cell + j, c, n);
  }
}

static void update_plain_hidden(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t,
                                int64_t i) {
  float *hidden = part->hidden + i * g->hidden, *y = part->y ? part->y + i * g->y_row : NULL;
  for (int64_t j = 0; j < part->columns; j += V_WIDTH) {
    int64_t at = i * MAAS_NR + j, n = part->columns - j;
    vf h = v_mul(v_sigmoid_near(v_load(t[output_gate] + at)), v_tanh(v_load(t[candidate_gate] + at)));
    store_units(hidden + j, h, n);
    if (y)
      store_units(y + j, h, n);
  }
}

static void update_plain(const maas_f32_lstm_params *g, const lstm_part *part, lstm_gates t) {
  for (int64_t i = 0; i < part->rows; i++)
    if (is_live(g, part, i))
      update_plain_cells(g, part, t, i);
  for (int64_t i = 0; i < part->rows; i++)
    if (is_live(g, part, i))
      update_plain_hidden(g, part, t, i);
    else if (part->y)
      memset(part->y + i * g->y_row, 0, (size_t)part->columns * sizeof(float));
}

#endif

static void lstm_rows(const maas_f32_lstm_params *g, const lstm_part *part) {
  lstm_gates t;
  int64_t n = part->rows * MAAS_NR;
  if (part->columns < MAAS_NR)
    memset(t, 0, sizeof t);
  if (part->rows == 1)
    multiply_row(g, part, t);
  else
    multiply_rows(g, part, t);
#ifdef MAAS_PLAIN_GATES
  if (is_plain(g, part)) {
    update_plain(g, part, t);
    return;
  }
#endif
  add_peephole(g, part, input_gate, t[input_gate]);
  add_peephole(g, part, forget_gate, t[forget_gate]);
  apply(&g->f, t[input_gate], n, g->clip);
  apply(&g->g, t[candidate_gate], n, g->clip);
  if (g->input_forget)
    for (int64_t j = 0; j < n; j++)
      t[forget_gate][j] = 1 - t[input_gate][j];
  else
    apply(&g->f, t[forget_gate], n, g->clip);
  update_cells(g, part, t);
  add_peephole(g, part, output_gate, t[output_gate]);
  apply(&g->f, t[output_gate], n, g->clip);
  MAAS_F32_SHARED(unary_rows)[g->h.op](t[candidate_gate], t[candidate_gate], n, g->h.alpha, g->h.beta);
  update_hidden(g, part, t);
}

/// The n-th of panels [begin, end): every other step goes backwards, so that it begins with what the step before left
/// in the caches.
static int64_t panel_at(const maas_f32_lstm_params *g, int64_t begin, int64_t end, int64_t n) {
  return g->time % 2 == 0 ? n : begin + end - 1 - n;
}

int32_t MAAS_F32_KERNEL(lstm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_lstm_params *g = step->params;
  void *const *operands = step->operands;
  // Of no product nothing is read, but where it would be is computed: from NULL that is undefined.
  const float *before = operands[6] ? operands[6] : operands[0], *r = operands[7] ? operands[7] : operands[0];
  for (int64_t n = begin; n < end; n++) {
    int64_t j = panel_at(g, begin, end, n) * MAAS_NR;
    for (int64_t i = 0; i < g->rows; i += most_rows) {
      int64_t at = i * g->hidden + j;
      lstm_part part = {.rows = maas_min64(most_rows, g->rows - i),
                        .columns = maas_min64(MAAS_NR, g->units - j)};
      part.gates = (const float *)operands[0] + i * g->gates_row + j;
      part.cell = (float *)operands[1] + at;
      part.peephole = operands[2] ? (const float *)operands[2] + j : NULL;
      part.lengths = operands[3] ? (const int32_t *)operands[3] + i : NULL;
      part.hidden = (float *)operands[4] + at;
      part.y = operands[5] ? (float *)operands[5] + i * g->y_row + j : NULL;
      part.before = before + i * g->hidden;
      part.r = r + j * g->k;
      bool moves_on = i + most_rows >= g->rows && n + 1 < end;
      int64_t after = moves_on ? panel_at(g, begin, end, n + 1) * MAAS_NR : j;
      part.r_after = r + after * g->k;
      lstm_rows(g, &part);
    }
  }
  return MAAS_STEP_OK;
}
