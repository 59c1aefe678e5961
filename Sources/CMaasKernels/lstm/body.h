/// The point-wise part of an LSTM step for one instruction set: a work item is a row.
#include "../row.h"
#include "../simd/math.h"

static void apply(const maas_f32_activation *f, float *gate, int64_t n, float clip) {
  if (clip > 0)
    MAAS_F32_SHARED(unary_rows)[MAAS_UNARY_CLIP](gate, gate, n, -clip, clip);
  MAAS_F32_SHARED(unary_rows)[f->op](gate, gate, n, f->alpha, f->beta);
}

static void add_peephole(float *gate, const float *weights, const float *cell, int64_t n) {
  for (int64_t j = 0; j < n; j++)
    gate[j] += weights[j] * cell[j];
}

static void lstm_row(const maas_f32_lstm_params *g, float *gates, float *cell, const float *peephole,
                     float *hidden) {
  int64_t n = g->units, gate = g->hidden;
  float *input = gates, *output = gates + gate, *forget = gates + 2 * gate, *candidate = gates + 3 * gate;
  if (peephole) {
    add_peephole(input, peephole, cell, n);
    add_peephole(forget, peephole + 2 * gate, cell, n);
  }
  apply(&g->f, input, n, g->clip);
  apply(&g->g, candidate, n, g->clip);
  if (g->input_forget)
    for (int64_t j = 0; j < n; j++)
      forget[j] = 1 - input[j];
  else
    apply(&g->f, forget, n, g->clip);
  for (int64_t j = 0; j < n; j++)
    cell[j] = forget[j] * cell[j] + input[j] * candidate[j];
  if (peephole)
    add_peephole(output, peephole + gate, cell, n);
  apply(&g->f, output, n, g->clip);
  MAAS_F32_SHARED(unary_rows)[g->h.op](cell, candidate, n, g->h.alpha, g->h.beta);
  for (int64_t j = 0; j < n; j++)
    hidden[j] = output[j] * candidate[j];
}

int32_t MAAS_F32_KERNEL(lstm)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_f32_lstm_params *g = step->params;
  const int32_t *lengths = step->operands[3];
  float *y = step->operands[5];
  size_t bytes = (size_t)g->units * sizeof(float);
  for (int64_t i = begin; i < end; i++) {
    float *hidden = (float *)step->operands[4] + i * g->hidden;
    bool live = !lengths || g->time < lengths[i];
    if (live)
      lstm_row(g, (float *)step->operands[0] + i * g->gates_row, (float *)step->operands[1] + i * g->hidden,
               step->operands[2], hidden);
    if (!y)
      continue;
    if (live)
      memcpy(y + i * g->y_row, hidden, bytes);
    else
      memset(y + i * g->y_row, 0, bytes);
  }
  return MAAS_STEP_OK;
}
