/// scatter_sum: bound by memory, so one portable kernel serves all. A work item is a block of rows of an outer row of
/// y, which looks at all indices for those that point into it.
#include "maas_scatter.h"
#include <string.h>
#include "../../movement/index.h"
#include "../../split.h"

/// So few blocks that looking at all indices for each costs little.
enum { most_blocks = 16 };

static void add(const maas_scatter_sum_params *g, const void *x, void *y, int64_t row, int64_t to) {
  int64_t n = g->inner;
  if (g->size == 4)
    for (int64_t i = 0; i < n; i++)
      ((float *)y)[to * n + i] += ((const float *)x)[row * n + i];
  else
    for (int64_t i = 0; i < n; i++)
      ((double *)y)[to * n + i] += ((const double *)x)[row * n + i];
}

int32_t maas_scatter_sum(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  const maas_scatter_sum_params *g = step->params;
  const int64_t blocks = maas_ceil_div(g->axis, g->block);
  for (int64_t item = begin; item < end; item++) {
    int64_t outer = item / blocks, first = item % blocks * g->block;
    int64_t last = maas_min64(first + g->block, g->axis), at = outer * g->axis;
    memset((char *)step->operands[2] + (at + first) * g->inner * g->size, 0,
           (size_t)((last - first) * g->inner * g->size));
    for (int64_t i = 0; i < g->count; i++) {
      int64_t index = maas_index_at(g->index_size, step->operands[1], i);
      if (index < -g->axis || index >= g->axis)
        return maas_refuse_index(worker, index, g->axis);
      int64_t row = index < 0 ? index + g->axis : index;
      if (row >= first && row < last)
        add(g, step->operands[0], step->operands[2], outer * g->count + i, at + row);
    }
  }
  return MAAS_STEP_OK;
}

maas_split maas_scatter_sum_split(maas_scatter_sum_params *g) {
  g->block = maas_max64(maas_ceil_div(g->axis, most_blocks), 1);
  int64_t items = g->inner == 0 ? 0 : g->outer * maas_ceil_div(g->axis, g->block);
  double share = (double)g->count / (double)maas_max64(maas_ceil_div(g->axis, g->block), 1);
  return maas_split_by_cost(items, (double)g->count + 0.2 * ((double)g->block + share) * (double)g->inner, 0);
}
