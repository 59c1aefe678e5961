/// The rows of recurrent_forward and recurrent_backward.
#include "product.h"
#include "../rows.h"

int32_t maas_f32_recurrent_forward(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_recurrent_backward(MAAS_STEP_ARGUMENTS);
int32_t maas_f64_recurrent_forward(MAAS_STEP_ARGUMENTS);
int32_t maas_f64_recurrent_backward(MAAS_STEP_ARGUMENTS);

MAAS_FAMILY(maas_f32_recurrent_forward)
MAAS_FAMILY(maas_f32_recurrent_backward)

int32_t maas_recurrent_forward(MAAS_STEP_ARGUMENTS) {
  const maas_recurrent_params *g = step->params;
  return (g->is_double ? maas_f64_recurrent_forward : maas_f32_recurrent_forward)(step, begin, end, worker);
}

int32_t maas_recurrent_backward(MAAS_STEP_ARGUMENTS) {
  const maas_recurrent_params *g = step->params;
  return (g->is_double ? maas_f64_recurrent_backward : maas_f32_recurrent_backward)(step, begin, end, worker);
}

/// So many rows of the batch that R is worth reading for them, but some for a second thread.
static int64_t rows_for(int64_t batch) { return batch >= 32 ? 16 : maas_max64(maas_ceil_div(batch, 2), 1); }

maas_split maas_recurrent_split(maas_recurrent_params *g) {
  g->rows = rows_for(g->batch);
  int64_t blocks = maas_ceil_div(g->batch, g->rows), gemm = 0;
  int64_t rows[] = {g->rows, g->batch - (blocks - 1) * g->rows};
  for (int i = 0; i < 12 && blocks > 0; i++)
    gemm = maas_max64(gemm, maas_recurrent_product(g, rows[i / 6], i / 3 % 2, i % 3).split.scratch);
  g->local_scratch = maas_round_up(g->rows * g->hidden * 8, 64);
  double step = 0.1 * (double)(g->rows * g->hidden) * (double)(4 * g->hidden + 64);
  return maas_split_by_cost(g->hidden == 0 ? 0 : g->directions * blocks, (double)g->steps * step,
                            g->local_scratch + gemm);
}
