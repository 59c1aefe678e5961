/// The rows of the product with block-wise quantized B, and how it is cut into tiles.
#include "maas_quant.h"
#include "../gemm/layout.h"
#include "../table.h"
#include "bytes_function.h"

int32_t maas_f32_nbits_14x32_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_nbits_6x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_nbits_8x12_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_nbits_4x8_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_nbits_14x32_avx512, MAAS_ISA_AVX512, 14, 32),
    MAAS_ROW(maas_f32_nbits_6x16_avx2, MAAS_ISA_AVX2, 6, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_nbits_8x12_neon, MAAS_ISA_NEON, 8, 12),
#endif
    MAAS_ROW(maas_f32_nbits_4x8_scalar, MAAS_ISA_SCALAR, 4, 8),
};
MAAS_ENTRY(maas_f32_nbits, rows)

/// Unpacking costs as much as multiplying one row: more rows than few_rows are worth a panel of floats.
enum { few_rows = 4, most_row_groups = 20, most_columns = 1024, least_columns = 128, wanted_items = 8 };

/// One panel an item: reading B is all the work there is.
static maas_split split_direct(const maas_kernel *kernel, maas_f32_nbits_params *g) {
  g->tile_m = maas_max64(g->m, 1);
  g->tile_n = kernel->nr;
  double codes = (double)g->k * (double)g->tile_n, code_ns = g->a_is_bytes ? 0.01 : 0.04;
  maas_split split =
      maas_split_by_cost(maas_ceil_div(g->n, g->tile_n), codes * code_ns * (double)(g->m + 1), 0);
  if (g->a_is_bytes && kernel->isa == MAAS_ISA_AVX2)
    split.grain = maas_round_up(split.grain, most_panels);
  return split;
}

static maas_split split_tiles(const maas_kernel *kernel, maas_f32_nbits_params *g) {
  int64_t pieces = maas_ceil_div(g->m, most_row_groups * kernel->mr);
  g->tile_m = maas_round_up(maas_ceil_div(g->m, pieces), kernel->mr);
  int64_t columns = maas_ceil_div(g->n * pieces, wanted_items);
  g->tile_n = maas_round_up(maas_max64(least_columns, maas_min64(columns, most_columns)), kernel->nr);
  int64_t items = maas_ceil_div(g->m, g->tile_m) * maas_ceil_div(g->n, g->tile_n);
  int64_t scratch = (g->tile_m + kernel->nr) * g->pass * (int64_t)sizeof(float);
  double flops = 2.0 * (double)g->tile_m * (double)g->tile_n * (double)(g->k + 1);
  return maas_split_by_cost(items, flops / 50, scratch);
}

maas_split maas_f32_nbits_split_for(const maas_kernel *kernel, maas_f32_nbits_params *g) {
  if (g->m == 0 || g->n == 0)
    return (maas_split){.items = 0, .grain = 1};
  g->pass = maas_max64(16, maas_round_up(maas_gemm_kc(g->k), 16)); // Whole words of codes.
  g->direct = g->a_is_bytes || (kernel->isa != MAAS_ISA_SCALAR && g->m <= few_rows && g->bits != 2);
  return g->direct ? split_direct(kernel, g) : split_tiles(kernel, g);
}

maas_split maas_f32_nbits_split(maas_f32_nbits_params *params) {
  return maas_f32_nbits_split_for(maas_kernel_selected(&maas_f32_nbits_table), params);
}

/// Where one instruction multiplies and adds, which NEON has for signed bytes only; else, and with codes of 2 bits,
/// only for few rows, and for codes whose pairs of products have 16 bits.
bool maas_f32_nbits_wants_bytes(int64_t m, int32_t bits) {
  if (maas_isa_process() == MAAS_ISA_SCALAR)
    return false;
  if (bits == 8)
    return maas_cpu_dots_bytes() && maas_isa_process() == MAAS_ISA_AVX512;
  return m <= few_rows || (bits == 4 && maas_cpu_dots_bytes());
}
