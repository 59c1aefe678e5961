/// gather: a work item is one index of one outer row.
#include <string.h>
#include "../split.h"
#include "../table.h"
#include "index.h"

int32_t maas_any_gather_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_any_gather_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_gather, rows)

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

/// The same for single elements and indices of 64 bits; how many indices were in range before one that is not.
#define MAAS_GATHER_TYPE(type)                                                                               \
  static int64_t elements_##type(const void *x, const int64_t *indices, int64_t axis, int64_t n, void *y) {  \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      int64_t index = indices[i] + (indices[i] < 0 ? axis : 0);                                              \
      if ((uint64_t)index >= (uint64_t)axis)                                                                 \
        return i;                                                                                            \
      ((type *)y)[i] = ((const type *)x)[index];                                                             \
    }                                                                                                        \
    return n;                                                                                                \
  }
MAAS_GATHER_TYPE(uint8_t)
MAAS_GATHER_TYPE(uint16_t)
MAAS_GATHER_TYPE(uint32_t)
MAAS_GATHER_TYPE(uint64_t)

typedef int64_t elements_function(const void *x, const int64_t *indices, int64_t axis, int64_t n, void *y);

static elements_function *elements_of(int64_t bytes) {
  return bytes == 1   ? elements_uint8_t
         : bytes == 2 ? elements_uint16_t
         : bytes == 4 ? elements_uint32_t
         : bytes == 8 ? elements_uint64_t
                      : NULL;
}

int32_t maas_any_gather_1_scalar(MAAS_STEP_ARGUMENTS) {
  const maas_gather_params *g = step->params;
  int64_t bytes = g->inner * g->size, first = begin;
  elements_function *elements = g->index_size == 8 ? elements_of(bytes) : NULL;
  for (int64_t outer = begin < end ? begin / g->count : 0; first < end; outer++) {
    int64_t last = maas_min64(end, (outer + 1) * g->count);
    const uint8_t *from = (const uint8_t *)step->operands[0] + outer * g->axis * bytes;
    int64_t done = first;
    if (elements)
      done += elements(from, (const int64_t *)step->operands[1] + (first - outer * g->count), g->axis,
                       last - first, (uint8_t *)step->operands[2] + first * bytes);
    for (int64_t i = done; i < last; i++) {
      int64_t index = maas_index_at(g->index_size, step->operands[1], i - outer * g->count);
      if (index < -g->axis || index >= g->axis)
        return maas_refuse_index(worker, index, g->axis);
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
