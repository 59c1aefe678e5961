/// B to panels (layout.h). Bound by memory, so one portable kernel serves every layout; a work item is a
/// group of neighbouring panels of one matrix: reading whole stretches of B's rows is what makes it fast. Where
/// columns lie contiguous, it is no more of them than a slice of rows has, or one panel, so that little of a file is
/// mapped.
/// Items go through B from its first byte to its last, so that pages of a file can go when they have been read.
#include "../table.h"
#include "layout.h"
#include "right.h"

int32_t maas_f32_gemm_pack_4x4_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_f32_gemm_pack_4x4_scalar, MAAS_ISA_SCALAR, 4, 4)};
MAAS_ENTRY(maas_f32_gemm_pack, rows)

static int64_t matrix_offset(const maas_f32_gemm_pack_params *g, int64_t index) {
  int64_t offset = 0;
  for (int32_t d = g->batch_rank - 1; d >= 0; d--) {
    offset += index % g->batch[d] * g->b_batch[d];
    index /= g->batch[d];
  }
  return offset;
}

enum { group_panels = 8, slice_elements = 1 << 16 };

/// Element by element, in blocks that the first-level cache holds whichever way B lies.
static void pack_halves(const maas_gemm_plain *b, const char *from, int64_t nr, int64_t panel_rows,
                        uint16_t *to) {
  enum { block = 32 };
  for (int64_t j = 0; j < maas_round_up(b->columns, nr); j += nr)
    for (int64_t p = 0; p < b->k; p += block)
      for (int64_t i = j; i < j + nr; i++)
        for (int64_t q = p; q < maas_min64(p + block, b->k); q++) {
          uint16_t value = 0;
          if (i < b->columns)
            memcpy(&value, from + (q * b->row + i * b->col) * (int64_t)sizeof value, sizeof value);
          to[j * panel_rows + q * nr + i - j] = value;
        }
}

/// Columns of an item.
static int64_t group_columns(const maas_f32_gemm_pack_params *g) {
  int64_t panels = g->b_row == 1 ? slice_elements / maas_max64(g->k * g->nr, 1) : group_panels;
  return maas_min64(maas_max64(panels, 1), group_panels) * g->nr;
}

int32_t maas_f32_gemm_pack_4x4_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_gemm_pack_params *g = step->params;
  int64_t group = group_columns(g), groups = maas_ceil_div(g->n, group);
  int64_t items = groups * maas_ceil_div(g->k, g->rows), packed = maas_round_up(g->n, g->nr) * g->k;
  for (int64_t i = begin; i < end; i++) {
    int64_t matrix = i / items, p = i % items / groups * g->rows, j = i % groups * group;
    int64_t from = matrix_offset(g, matrix) + p * g->b_row + j * g->b_col;
    int64_t to = matrix * packed + j * g->k + p * g->nr;
    maas_gemm_plain b = {NULL, g->b_row, g->b_col, maas_min64(g->rows, g->k - p),
                         maas_min64(group, g->n - j)};
    if (g->is_half) {
      pack_halves(&b, (const char *)step->operands[1] + from * (int64_t)sizeof(uint16_t), g->nr, g->k,
                  (uint16_t *)step->operands[0] + to);
    } else {
      b.b = (const loose *)step->operands[1] + from;
      pack_b(&b, g->nr, g->k, (float *)step->operands[0] + to);
    }
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_gemm_pack_split_for(const maas_kernel *gemm, maas_f32_gemm_pack_params *g) {
  g->nr = gemm->nr;
  // Columns that lie contiguous are read in order anyway.
  g->rows = g->b_row == 1 ? g->k : maas_min64(g->k, slice_elements / maas_max64(g->n, 1));
  g->rows = maas_max64(g->rows, 1);
  int64_t group = group_columns(g), items = maas_ceil_div(g->n, group) * maas_ceil_div(g->k, g->rows);
  for (int32_t d = 0; d < g->batch_rank; d++)
    items *= g->batch[d];
  return maas_split_by_cost(items, (double)g->rows * (double)maas_min64(group, g->n) * 0.8, 0);
}

maas_split maas_f32_gemm_pack_split(maas_f32_gemm_pack_params *params) {
  return maas_f32_gemm_pack_split_for(maas_kernel_selected(&maas_f32_gemm_table), params);
}
