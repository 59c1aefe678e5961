/// The walks of maas_recurrent.h for one element type and instruction set. Included by files that defined NUMBER,
/// IS_DOUBLE, FORWARD and BACKWARD, what the entries are called, and APPLY(f, x, n): x = f(x).
#include "walk.h"
// Behind it.
#include "backward.h"
#include "forward.h"

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
