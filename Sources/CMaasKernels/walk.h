#ifndef MAAS_WALK_H
#define MAAS_WALK_H
/// Walking two strided tensors of one shape, row by row, and bringing the shape into its simplest form first.
#include "maas_kernels.h"

/// Merges neighbouring dimensions wherever both tensors allow it and drops those of 1; a shape of one element
/// keeps one dimension. Returns the new rank.
static inline int32_t maas_collapse(int32_t rank, int64_t *dims, int64_t *a, int64_t *b) {
  int32_t last = 0;
  for (int32_t d = 0; d < rank; d++) {
    if (dims[d] == 1)
      continue;
    if (last > 0 && a[last - 1] == a[d] * dims[d] && b[last - 1] == b[d] * dims[d]) {
      dims[last - 1] *= dims[d];
    } else {
      dims[last] = dims[d];
      last++;
    }
    a[last - 1] = a[d];
    b[last - 1] = b[d];
  }
  if (last == 0) {
    dims[0] = 1;
    a[0] = b[0] = 1;
    last = 1;
  }
  return last;
}

static inline int64_t maas_element_count(int32_t rank, const int64_t *dims) {
  int64_t count = 1;
  for (int32_t d = 0; d < rank; d++)
    count *= dims[d];
  return count;
}

/// A position in the first `rank` dimensions, with the offsets of both tensors there.
typedef struct maas_walk {
  int32_t rank;
  const int64_t *dims, *a_strides, *b_strides;
  int64_t index[MAAS_MAX_RANK];
  int64_t a, b;
} maas_walk;

static inline maas_walk maas_walk_at(int64_t row, int32_t rank, const int64_t *dims, const int64_t *a_strides,
                                     const int64_t *b_strides) {
  maas_walk w = {.rank = rank, .dims = dims, .a_strides = a_strides, .b_strides = b_strides};
  for (int32_t d = rank - 1; d >= 0; d--) {
    int64_t count = dims[d] > 0 ? dims[d] : 1; // Where there are no rows there is no position either.
    w.index[d] = row % count;
    row /= count;
    w.a += w.index[d] * a_strides[d];
    w.b += w.index[d] * b_strides[d];
  }
  return w;
}

static inline void maas_walk_next(maas_walk *w) {
  for (int32_t d = w->rank - 1; d >= 0; d--) {
    w->a += w->a_strides[d];
    w->b += w->b_strides[d];
    if (++w->index[d] < w->dims[d])
      return;
    w->index[d] = 0;
    w->a -= w->dims[d] * w->a_strides[d];
    w->b -= w->dims[d] * w->b_strides[d];
  }
}

#endif
