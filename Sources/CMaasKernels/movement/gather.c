/// gather: a work item is one index of one outer row.
#include <string.h>
#include "../split.h"
#include "../table.h"

int32_t maas_any_gather_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_any_gather_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_gather, rows)

static int64_t index_at(const maas_gather_params *g, const void *indices, int64_t i) {
  return g->index_size == 4 ? ((const int32_t *)indices)[i] : ((const int64_t *)indices)[i];
}

static int32_t refuse(maas_worker *worker, int64_t index, int64_t axis) {
  worker->failure[0] = index;
  worker->failure[1] = -axis;
  worker->failure[2] = axis;
  return MAAS_STEP_INDEX;
}

/// memcpy with a constant size is a load and a store; single elements are common.
static inline void copy_piece(uint8_t *to, const uint8_t *from, int64_t bytes) {
  switch (bytes) {
  case 1:
    memcpy(to, from, 1);
    break;
  case 2:
    memcpy(to, from, 2);
    break;
  case 4:
    memcpy(to, from, 4);
    break;
  case 8:
    memcpy(to, from, 8);
    break;
  case 16:
    memcpy(to, from, 16);
    break;
  default:
    memcpy(to, from, (size_t)bytes);
  }
}

int32_t maas_any_gather_1_scalar(MAAS_STEP_ARGUMENTS) {
  const maas_gather_params *g = step->params;
  int64_t bytes = g->inner * g->size, first = begin;
  for (int64_t outer = begin < end ? begin / g->count : 0; first < end; outer++) {
    int64_t last = maas_min64(end, (outer + 1) * g->count);
    const uint8_t *from = (const uint8_t *)step->operands[0] + outer * g->axis * bytes;
    for (int64_t i = first; i < last; i++) {
      int64_t index = index_at(g, step->operands[1], i - outer * g->count);
      if (index < -g->axis || index >= g->axis)
        return refuse(worker, index, g->axis);
      copy_piece((uint8_t *)step->operands[2] + i * bytes,
                 from + (index < 0 ? index + g->axis : index) * bytes, bytes);
    }
    first = last;
  }
  return MAAS_STEP_OK;
}

maas_split maas_gather_split(const maas_gather_params *params) {
  double item_ns = 4 + 0.2 * (double)params->inner * params->size;
  return maas_split_by_cost(params->outer * params->count, item_ns, 0);
}
