#ifndef MAAS_REDUCE_H
#define MAAS_REDUCE_H
/// The shape of a reduction after split: kept and reduced dimensions alternate, and the last dimension
/// decides the form: whole rows are folded to one value, or rows are folded onto each other column by column.
#include "../split.h"
#include "../walk.h"

/// Columns of an item, on every instruction set; the last item of a row has those that are left too.
enum { maas_reduce_columns = 64, maas_reduce_most = 2 * maas_reduce_columns };

static inline int64_t maas_reduce_blocks(int64_t columns) {
  return maas_max64(1, columns / maas_reduce_columns);
}

typedef struct maas_reduce_shape {
  bool by_column;
  int64_t inner; ///< Elements of a row.
  int32_t kept_rank, folded_rank;
  int64_t kept[MAAS_MAX_RANK], kept_strides[MAAS_MAX_RANK]; ///< Without the last dimension.
  int64_t folded[MAAS_MAX_RANK], folded_strides[MAAS_MAX_RANK];
  int64_t outputs; ///< Product of kept.
  int64_t rows;    ///< Product of folded.
} maas_reduce_shape;

static inline maas_reduce_shape maas_reduce_shape_of(const maas_f32_reduce_params *g) {
  maas_reduce_shape s = {.inner = g->dims[g->rank - 1], .by_column = !g->reduced[g->rank - 1]};
  int64_t stride = s.inner;
  for (int32_t d = g->rank - 2; d >= 0; stride *= g->dims[d], d--)
    if (g->reduced[d])
      s.folded_rank++;
    else
      s.kept_rank++;
  int32_t k = s.kept_rank, f = s.folded_rank;
  stride = s.inner;
  for (int32_t d = g->rank - 2; d >= 0; stride *= g->dims[d], d--)
    if (g->reduced[d]) {
      s.folded[--f] = g->dims[d];
      s.folded_strides[f] = stride;
    } else {
      s.kept[--k] = g->dims[d];
      s.kept_strides[k] = stride;
    }
  s.outputs = maas_element_count(s.kept_rank, s.kept);
  s.rows = maas_element_count(s.folded_rank, s.folded);
  return s;
}

#endif
