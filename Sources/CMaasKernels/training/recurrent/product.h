#ifndef MAAS_RECURRENT_PRODUCT_H
#define MAAS_RECURRENT_PRODUCT_H
/// The products of one time step, prepared once for a walk of some rows of the batch.
#include "maas_recurrent.h"
#include "../../split.h"
#include "../../table.h"

typedef struct product {
  maas_f32_gemm_params gemm;
  maas_split split;
} product;

/// Forward: 0 is that of the hidden values for the gates, or GRU's first two; of GRU's last gate, 1 goes to memory of
/// its own and 2 to the gates. Backward: 0 is that of the gates' gradients, 1 that of GRU's last gate alone.
static inline product maas_recurrent_product(const maas_recurrent_params *g, int64_t rows, bool is_back,
                                             int which) {
  static const int64_t all_gates[] = {1, 3, 4};
  int64_t h = g->hidden, gates = all_gates[g->cell], width = gates * h;
  int64_t joined = g->cell == MAAS_CELL_GRU && !(is_back && g->linear_before_reset) ? 2 : gates;
  product p = {.gemm = {.m = rows, .n = h, .k = h, .a_row = h, .a_col = 1, .y_row = width, .c_col = 1}};
  p.gemm.alpha = p.gemm.beta = 1;
  p.gemm.batch_rank = 1;
  p.gemm.batch[0] = is_back || which > 0 ? 1 : joined;
  p.gemm.b_batch[0] = 1;
  p.gemm.y_batch[0] = h;
  if (is_back || which == 1)
    p.gemm.y_row = h;
  if (is_back)
    p.gemm.a_row = width;
  if (is_back && which == 0)
    p.gemm.k = joined * h;
  p.split = maas_f32_gemm_split(&p.gemm);
  return p;
}

#endif
