#ifndef MAAS_SCATTER_H
#define MAAS_SCATTER_H
/// What adds up gradients where indices say. The rules of maas_kernels.h hold.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// y[o, indices[i], :] = the sum of x[o, i, :], 0 where no index points, with x [outer, count, inner], y [outer, axis,
/// inner]: the gradient of maas_gather.
typedef struct maas_scatter_sum_params {
  int32_t size;       ///< Bytes of an element: 4 or 8, float or double.
  int32_t index_size; ///< 4 or 8: int32 or int64 indices.
  int64_t outer, axis, inner;
  int64_t count; ///< Elements of the indices tensor.
  int64_t block; ///< Rows of y in an item. Set by split.
} maas_scatter_sum_params;

/// x, indices, y. MAAS_STEP_INDEX for an index outside [-axis, axis).
int32_t maas_scatter_sum(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_scatter_sum_split(maas_scatter_sum_params *params);

#ifdef __cplusplus
}
#endif
#endif
