/// B to panels (layout.h). Bound by memory, so one portable kernel serves every layout; a work item is a
/// group of neighbouring panels of one matrix: reading whole stretches of B's rows is what makes it fast.
#include <string.h>
#include "../table.h"
#include "layout.h"

int32_t maas_f32_gemm_pack_4x4_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_f32_gemm_pack_4x4_scalar, MAAS_ISA_SCALAR, 4, 4)};
MAAS_ENTRY(maas_f32_gemm_pack, rows)

typedef float quad __attribute__((vector_size(16), aligned(4)));
typedef float loose __attribute__((aligned(1))); // B may lie anywhere in a file.

static quad load4(const loose *p) {
  quad value;
  memcpy(&value, p, sizeof value);
  return value;
}
static void store4(float *p, quad value) { memcpy(p, &value, sizeof value); }

/// A 4 x 4 block of columns that are contiguous in memory.
static inline void transpose4(const loose *from, int64_t column, float *to, int64_t row) {
  quad a = load4(from), b = load4(from + column), c = load4(from + 2 * column), d = load4(from + 3 * column);
  quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
       ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5),
       cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store4(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  store4(to + row, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  store4(to + 2 * row, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store4(to + 3 * row, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

/// Columns [0, width) of a panel whose columns lie contiguous in memory, `column` apart.
static void pack_columns(const loose *from, int64_t column, int64_t k, int64_t width, int64_t nr, float *to) {
  int64_t quads = width - width % 4, p = 0;
  for (; p + 4 <= k; p += 4) {
    for (int64_t j = 0; j < quads; j += 4)
      transpose4(from + j * column + p, column, to + p * nr + j, nr);
    for (int64_t j = quads; j < width; j++)
      for (int64_t q = p; q < p + 4; q++)
        to[q * nr + j] = from[j * column + q];
  }
  for (; p < k; p++)
    for (int64_t j = 0; j < width; j++)
      to[p * nr + j] = from[j * column + p];
}

/// Columns [0, width) of B with rows that are contiguous (or neither are): one stretch of a row at a time.
static void pack_rows(const loose *from, const maas_f32_gemm_pack_params *g, int64_t width, float *to) {
  for (int64_t p = 0; p < g->k; p++, from += g->b_row, to += g->nr)
    for (int64_t j = 0; j < width; j += g->nr) {
      float *panel = to + j * g->k;
      int64_t count = maas_min64(g->nr, width - j);
      if (g->b_col == 1 && count == g->nr) // A multiple of 4 in every layout; inline, unlike memcpy.
        for (int64_t i = 0; i < count; i += 4)
          store4(panel + i, load4(from + j + i));
      else
        for (int64_t i = 0; i < count; i++)
          panel[i] = from[(j + i) * g->b_col];
    }
}

static void pad_panel(float *panel, int64_t k, int64_t width, int64_t nr) {
  for (int64_t p = 0; p < k; p++)
    memset(panel + p * nr + width, 0, (size_t)(nr - width) * sizeof(float));
}

static void pack_group(const loose *from, const maas_f32_gemm_pack_params *g, int64_t width, float *to) {
  int64_t nr = g->nr, rest = width % nr;
  if (rest)
    pad_panel(to + (width - rest) * g->k, g->k, rest, nr);
  if (g->b_row != 1 || g->b_col == 1) {
    pack_rows(from, g, width, to);
    return;
  }
  for (int64_t j = 0; j < width; j += nr)
    pack_columns(from + j * g->b_col, g->b_col, g->k, maas_min64(nr, width - j), nr, to + j * g->k);
}

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
    pack_group(from, g, maas_min64(group, g->n - j), to);
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
