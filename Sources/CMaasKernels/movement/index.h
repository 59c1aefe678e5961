#ifndef MAAS_MOVEMENT_INDEX_H
#define MAAS_MOVEMENT_INDEX_H
/// Indices along an axis, which may count from its end.
#include "maas_step.h"

/// Element i of indices of 4 or 8 bytes.
static inline int64_t maas_index_at(int32_t size, const void *indices, int64_t i) {
  return size == 4 ? ((const int32_t *)indices)[i] : ((const int64_t *)indices)[i];
}

/// What a step returns that met an index outside [-axis, axis).
static inline int32_t maas_refuse_index(maas_worker *worker, int64_t index, int64_t axis) {
  worker->failure[0] = index;
  worker->failure[1] = -axis;
  worker->failure[2] = axis;
  return MAAS_STEP_INDEX;
}

#endif
