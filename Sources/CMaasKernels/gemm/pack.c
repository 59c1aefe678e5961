/// B to panels (layout.h). Bound by memory, so one portable kernel serves every layout; a work item is a
/// group of neighbouring panels of one matrix: reading whole stretches of B's rows is what makes it fast.
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

enum { group_panels = 8 };

int32_t maas_f32_gemm_pack_4x4_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_gemm_pack_params *g = step->params;
  int64_t group = group_panels * g->nr, groups = maas_ceil_div(g->n, group);
  int64_t packed = maas_round_up(g->n, g->nr) * g->k;
  for (int64_t i = begin; i < end; i++) {
    int64_t matrix = i / groups, j = i % groups * group;
    const loose *from = (const loose *)step->operands[1] + matrix_offset(g, matrix) + j * g->b_col;
    float *to = (float *)step->operands[0] + matrix * packed + j * g->k;
    maas_gemm_plain b = {from, g->b_row, g->b_col, g->k, maas_min64(group, g->n - j)};
    pack_b(&b, g->nr, to);
  }
  return MAAS_STEP_OK;
}

maas_split maas_f32_gemm_pack_split_for(const maas_kernel *gemm, maas_f32_gemm_pack_params *g) {
  g->nr = gemm->nr;
  int64_t group = group_panels * g->nr, items = maas_ceil_div(g->n, group);
  for (int32_t d = 0; d < g->batch_rank; d++)
    items *= g->batch[d];
  return maas_split_by_cost(g->k == 0 ? 0 : items, (double)g->k * (double)maas_min64(group, g->n) * 0.8, 0);
}

maas_split maas_f32_gemm_pack_split(maas_f32_gemm_pack_params *params) {
  return maas_f32_gemm_pack_split_for(maas_kernel_selected(&maas_f32_gemm_table), params);
}
