/// The rows of gemm, and how a product is cut into tiles.
#include "../table.h"
#include "layout.h"

int32_t maas_f32_gemm_14x32_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_gemm_6x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_gemm_8x12_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_f32_gemm_4x8_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_f32_gemm_14x32_avx512, MAAS_ISA_AVX512, 14, 32),
    MAAS_ROW(maas_f32_gemm_6x16_avx2, MAAS_ISA_AVX2, 6, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_f32_gemm_8x12_neon, MAAS_ISA_NEON, 8, 12),
#endif
    MAAS_ROW(maas_f32_gemm_4x8_scalar, MAAS_ISA_SCALAR, 4, 8),
};
MAAS_ENTRY(maas_f32_gemm, rows)

/// A tile large enough that packing its rows of A is small beside the product, and small enough that its A
/// stays in the second-level cache and every thread finds some.
enum { most_row_groups = 22, most_columns = 1024, least_columns = 64, wanted_items = 16 };

/// Rows that are worth reading all of B for. Threads that take rows read what they wrote in the step before; what
/// another has just written takes several times as long.
enum { band = 64 };

/// Where a tile of so few columns would be cut into fewer rows: more copies of a B with narrow panels cost more than
/// fewer items do.
enum { copied_columns = 32, copied_items = 8 };

/// What a full tile takes, at least: its operations, or B from the third-level cache.
static double tile_nanoseconds(const maas_f32_gemm_params *g) {
  double b = (double)g->tile_n * (double)(g->k + 1), rows = (double)maas_min64(g->tile_m, g->m);
  return b * (rows / 50 > 0.1 ? rows / 50 : 0.1);
}

static int64_t tiles(const maas_f32_gemm_params *g) {
  return maas_ceil_div(g->m, g->tile_m) * maas_ceil_div(g->n, g->tile_n);
}

static int64_t even(int64_t size, int64_t pieces, int64_t multiple) {
  return maas_max64(multiple, maas_round_up(maas_ceil_div(size, pieces), multiple));
}

static int64_t batches(const maas_f32_gemm_params *g) {
  int64_t count = 1;
  for (int32_t d = 0; d < g->batch_rank; d++)
    count *= g->batch[d];
  return count;
}

/// Elements of an A that fits beside what else the second-level cache holds.
enum { near_elements = 1 << 17 };

/// Whether each thread gets columns of weights that it also has in the other products of a step: what it writes of
/// them no other CPU then has to give up first, which takes longer than the step where they share no cache. Rows of A
/// are read for each column, so that it must be near.
static bool has_own_columns(const maas_f32_gemm_params *g) {
  return g->is_stepped && g->m * g->k <= near_elements;
}

static bool has_bands(const maas_f32_gemm_params *g) {
  return g->m >= 2 * band && g->b_form == MAAS_GEMM_B_PACKED && !has_own_columns(g);
}

/// Pieces whose A fits, an even number of them where they are bands: each of two threads gets half. A transposed A is
/// packed once for all tiles of the same rows: the more rows, the less often is B copied.
static int64_t least_row_pieces(const maas_f32_gemm_params *g, int64_t mr) {
  int64_t passes = g->a_col == 1 ? 1 : maas_max64(1, MAAS_GEMM_KC / maas_max64(1, g->k));
  int64_t pieces = maas_max64(1, maas_ceil_div(g->m, most_row_groups * mr * passes));
  return has_bands(g) ? maas_round_up(pieces, 2) : pieces;
}

/// Every pass over k reads and writes a tile of Y again: the more there are, the smaller it is, so that it stays near.
static int64_t columns_of_tile(const maas_f32_gemm_params *g, int64_t rows, int64_t mr, int64_t nr) {
  int64_t passes = maas_max64(1, maas_ceil_div(g->k, MAAS_GEMM_KC)),
          most = most_columns * most_row_groups * mr;
  int64_t columns = maas_min64(most_columns, most / maas_max64(1, rows * passes));
  return maas_gemm_is_narrow(nr) ? maas_max64(2 * least_columns, columns) : most_columns;
}

/// Halves the tile until there is something for every thread or it is worth nobody's while: its columns first, since
/// A's rows stay in the second-level cache while B comes from farther away, once for each tile of them.
static void choose_tile(maas_f32_gemm_params *g, int64_t mr, int64_t nr, int64_t batch) {
  int64_t row_pieces = least_row_pieces(g, mr);
  int64_t columns = columns_of_tile(g, maas_ceil_div(g->m, row_pieces), mr, nr);
  int64_t column_pieces = maas_max64(1, maas_ceil_div(g->n, columns));
  bool copied = g->b_form == MAAS_GEMM_B_PLAIN && g->a_col == 1 && maas_gemm_slab_panels(nr) > 1;
  for (;;) {
    g->tile_m = maas_max64(mr, maas_ceil_div(g->m, row_pieces));
    g->tile_n = even(g->n, column_pieces, nr);
    bool spares = copied && g->tile_n < 2 * least_columns;
    int64_t wanted = spares ? copied_items : wanted_items, least = spares ? copied_columns : least_columns;
    if (batch * tiles(g) >= wanted || tile_nanoseconds(g) < 2 * MAAS_CHUNK_NANOSECONDS)
      return;
    bool more_rows = g->tile_m >= 4 * mr, more_columns = g->tile_n >= 2 * least;
    if (more_columns)
      column_pieces *= 2;
    else if (more_rows)
      row_pieces *= 2;
    else
      return;
  }
}

maas_split maas_f32_gemm_split_for(const maas_kernel *kernel, maas_f32_gemm_params *g) {
  int64_t batch = batches(g);
  g->nr = kernel->nr;
  choose_tile(g, kernel->mr, kernel->nr, batch);
  g->rows_outside = has_bands(g) || (g->a_col != 1 && !has_own_columns(g));
  if (g->m == 0 || g->n == 0)
    return (maas_split){.items = 0, .grain = 1};
  int64_t slab = g->b_form != MAAS_GEMM_B_PACKED ? kernel->nr * maas_gemm_slab_panels(kernel->nr) : 0;
  int64_t length = maas_gemm_most_rows(g->k);
  int64_t rows = maas_gemm_packed_rows(g, kernel->mr);
  int64_t taken = g->take ? g->tile_m * g->tile_n : 0;
  int64_t scratch = ((rows + slab) * length + taken) * (int64_t)sizeof(float);
  return maas_split_by_cost(batch * tiles(g), tile_nanoseconds(g), scratch);
}

maas_split maas_f32_gemm_split(maas_f32_gemm_params *params) {
  return maas_f32_gemm_split_for(maas_kernel_selected(&maas_f32_gemm_table), params);
}

int64_t maas_f32_gemm_packed_bytes_for(const maas_kernel *gemm, int64_t k, int64_t n) {
  int64_t padded, elements, bytes;
  if (__builtin_add_overflow(n, gemm->nr - 1, &padded))
    return -1;
  if (__builtin_mul_overflow(padded / gemm->nr * gemm->nr, k, &elements))
    return -1;
  if (__builtin_mul_overflow(elements, (int64_t)sizeof(float), &bytes))
    return -1;
  return bytes;
}

int64_t maas_f32_gemm_panel_columns(void) { return maas_kernel_selected(&maas_f32_gemm_table)->nr; }

int64_t maas_f32_gemm_packed_bytes(int64_t k, int64_t n) {
  return maas_f32_gemm_packed_bytes_for(maas_kernel_selected(&maas_f32_gemm_table), k, n);
}
