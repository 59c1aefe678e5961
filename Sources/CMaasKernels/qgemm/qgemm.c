/// The rows of the product of bytes, how it is cut into tiles, and how B is packed.
#include "../table.h"
#include "left.h"

int32_t maas_s8_gemm_6x64_avx512(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_gemm_16x16_avx2(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_gemm_4x16_neon(MAAS_STEP_ARGUMENTS);
int32_t maas_s8_gemm_2x4_scalar(MAAS_STEP_ARGUMENTS);

static const maas_kernel rows[] = {
#if defined(__x86_64__)
    MAAS_ROW(maas_s8_gemm_6x64_avx512, MAAS_ISA_AVX512, 6, 64),
    MAAS_ROW(maas_s8_gemm_16x16_avx2, MAAS_ISA_AVX2, lanes_rows, 16),
#elif defined(__aarch64__)
    MAAS_ROW(maas_s8_gemm_4x16_neon, MAAS_ISA_NEON, 4, 16),
#endif
    MAAS_ROW(maas_s8_gemm_2x4_scalar, MAAS_ISA_SCALAR, 2, 4),
};
MAAS_ENTRY(maas_s8_gemm, rows)

/// A tile's rows of A stay in the second-level cache beside a panel of B, or beside all its columns of B where its rows
/// are copied; every thread finds some tiles.
enum {
  most_bytes = 512 * 1024,
  most_row_groups = 44,
  least_columns = 256,
  most_columns = 1024,
  least_nanoseconds = 5000,
  wanted_items = 12,
  most_lanes_groups = 16,
  least_lanes_columns = 192,
  fewest_lanes_columns = 64,
  least_lanes_items = 4
};

/// Rows that are worth reading all of B for, as in gemm.c: more than of floats, whose products take longer.
enum { band = 96 };

/// A product, or a byte of B from the third-level cache.
static double tile_nanoseconds(const maas_s8_gemm_params *g, int32_t isa) {
  double b = (double)g->tile_n * (double)(g->k + 1), rows = (double)g->tile_m;
  double per_row = isa == MAAS_ISA_SCALAR ? 0.5 : maas_cpu_dots_bytes() ? 0.005 : 0.03;
  return b * (rows * per_row > 0.03 ? rows * per_row : 0.03);
}

static int64_t tiles(const maas_s8_gemm_params *g) {
  int64_t count = g->row_tiles * maas_ceil_div(g->n, g->tile_n);
  for (int32_t d = 0; d < g->batch_rank; d++)
    count *= g->batch[d];
  return count;
}

/// Columns of a tile, at most so many.
static int64_t columns_of(const maas_s8_gemm_params *g, int64_t most, int32_t nr) {
  int64_t pieces = maas_ceil_div(g->n, maas_max64(nr, most));
  return maas_max64(nr, maas_round_up(maas_ceil_div(g->n, maas_max64(pieces, 1)), nr));
}

/// Columns of a tile to begin with: one panel where rows are read in place, so that each panel of B meets all rows
/// while it is near, but some panels for few rows; many where rows are copied.
static int64_t first_columns(const maas_s8_gemm_params *g, const maas_kernel *kernel) {
  if (!maas_s8_reads_in_place(g))
    return maas_max64(least_columns, maas_min64(most_columns, most_bytes * 3 / 4 / maas_max64(g->k, 1)));
  maas_s8_gemm_params panel = *g;
  panel.tile_n = kernel->nr;
  int64_t panels = 1 + (int64_t)(least_nanoseconds / tile_nanoseconds(&panel, kernel->isa));
  int64_t streams = maas_round_up(panels, few_panels);
  bool has_streams =
      kernel->isa == MAAS_ISA_AVX2 && (g->m <= few_rows || streams * kernel->nr * wanted_items <= g->n);
  return kernel->nr * (has_streams ? streams : panels);
}

static void cut_rows(maas_s8_gemm_params *g, int64_t groups, int64_t pieces, int32_t mr) {
  g->row_tiles = pieces;
  g->tile_m = maas_min64(maas_max64(g->m, 1), maas_ceil_div(groups, pieces) * mr);
}

/// Into so many pieces, of at least so many columns.
static void cut_columns(maas_s8_gemm_params *g, int64_t pieces, int64_t least, int32_t nr) {
  g->tile_n = columns_of(g, maas_max64(least, maas_ceil_div(g->n, pieces)), nr);
}

static bool wants_more_tiles(const maas_s8_gemm_params *g, const maas_kernel *kernel) {
  return tiles(g) < least_lanes_items && tile_nanoseconds(g, kernel->isa) >= 2 * MAAS_CHUNK_NANOSECONDS;
}

/// Rows that go into lanes do so for many columns, and many of them meet each panel of B, which is cut for them:
/// columns are shared out before rows. False if rows do not go there.
static bool choose_lanes_tile(maas_s8_gemm_params *g, const maas_kernel *kernel) {
  int64_t pass = kernel->isa == MAAS_ISA_AVX2 ? maas_s8_lanes_pass(g->k, g->m) : 0;
  if (pass == 0)
    return false;
  g->rows_outside = false;
  int64_t groups = maas_ceil_div(g->m, lanes_rows);
  cut_rows(g, groups, maas_ceil_div(groups, maas_min64(pass / lanes_rows, most_lanes_groups)), lanes_rows);
  g->tile_n = columns_of(g, g->n, kernel->nr);
  int64_t whole = maas_max64(1, tiles(g));
  cut_columns(g, maas_ceil_div(wanted_items, whole), least_lanes_columns, kernel->nr);
  if (wants_more_tiles(g, kernel))
    cut_columns(g, maas_ceil_div(least_lanes_items, whole), fewest_lanes_columns, kernel->nr);
  while (wants_more_tiles(g, kernel) && groups >= 4 * g->row_tiles)
    cut_rows(g, groups, 2 * g->row_tiles, lanes_rows);
  return true;
}

/// Cuts rows and then columns until there is something for every thread or it is worth nobody's while. Tiles of rows
/// differ by one group at most.
static void choose_tile(maas_s8_gemm_params *g, const maas_kernel *kernel) {
  if (choose_lanes_tile(g, kernel))
    return;
  int64_t groups = maas_max64(1, maas_ceil_div(g->m, kernel->mr));
  int64_t most = maas_min64(most_row_groups, maas_max64(2, most_bytes / maas_s8_row(g->k) / kernel->mr));
  if (!maas_s8_reads_in_place(g))
    most = maas_max64(2, most / 2);
  g->rows_outside = g->m >= 2 * band;
  int64_t pieces = maas_ceil_div(groups, most);
  cut_rows(g, groups, g->rows_outside ? maas_round_up(pieces, 2) : pieces, kernel->mr);
  int64_t columns = first_columns(g, kernel);
  for (;;) {
    g->tile_n = columns_of(g, columns, kernel->nr);
    if (tiles(g) >= wanted_items || tile_nanoseconds(g, kernel->isa) < 2 * MAAS_CHUNK_NANOSECONDS)
      return;
    if (groups >= 4 * g->row_tiles)
      cut_rows(g, groups, 2 * g->row_tiles, kernel->mr);
    else if (columns >= least_columns && g->tile_n > kernel->nr)
      columns = g->tile_n / 2;
    else
      return;
  }
}

maas_split maas_s8_gemm_split_for(const maas_kernel *kernel, maas_s8_gemm_params *g) {
  choose_tile(g, kernel);
  int64_t items = g->m == 0 || g->n == 0 ? 0 : tiles(g);
  int64_t scratch = maas_s8_copied(g);
  if (kernel->isa == MAAS_ISA_AVX2)
    scratch += maas_s8_lanes_spare(g->k, g->tile_m);
  return maas_split_by_cost(items, tile_nanoseconds(g, kernel->isa), scratch);
}

maas_split maas_s8_gemm_split(maas_s8_gemm_params *params) {
  return maas_s8_gemm_split_for(maas_kernel_selected(&maas_s8_gemm_table), params);
}

int64_t maas_s8_packed_bytes_for(const maas_kernel *gemm, int64_t k, int64_t n) {
  int64_t columns, bytes;
  if (k > INT64_MAX / 1024 || __builtin_add_overflow(n, gemm->nr - 1, &columns) ||
      __builtin_mul_overflow(columns / gemm->nr, maas_s8_panels_bytes(1, k, gemm->nr), &bytes))
    return -1;
  return bytes;
}

int64_t maas_s8_packed_bytes(int64_t k, int64_t n) {
  return maas_s8_packed_bytes_for(maas_kernel_selected(&maas_s8_gemm_table), k, n);
}

// Items of pack are panels, or some rows of all panels, whose sums grow from item to item.

int32_t maas_s8_pack_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel pack_rows[] = {MAAS_ROW(maas_s8_pack_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_s8_pack, pack_rows)

enum { widest = 64, slice_bytes = 1 << 16 };

/// Four neighbours along k of each column; where B has none they are 0. `sign` turns the sign bits of unsigned bytes.
static inline __attribute__((always_inline)) void pack_quad(const uint8_t *b, int64_t row, int64_t column,
                                                            int64_t count, int64_t width, uint32_t sign,
                                                            uint32_t *to) {
  const uint8_t *second = count > 1 ? b + row : b, *third = count > 2 ? b + 2 * row : b,
                *fourth = count > 3 ? b + 3 * row : b;
  uint32_t mask = count > 3 ? UINT32_MAX : (1u << 8 * count) - 1;
  for (int64_t j = 0; j < width; j++) {
    int64_t at = j * column;
    uint32_t word =
        b[at] | (uint32_t)second[at] << 8 | (uint32_t)third[at] << 16 | (uint32_t)fourth[at] << 24;
    to[j] = (word ^ sign) & mask;
  }
}

/// The same of whole groups where those neighbours lie side by side.
static void pack_words(const uint8_t *b, int64_t column, int64_t width, uint32_t sign, uint32_t *to) {
  for (int64_t j = 0; j < width; j++) {
    uint32_t word;
    memcpy(&word, b + j * column, sizeof word);
    to[j] = word ^ sign;
  }
}

static void add_quad(const uint32_t *quad, int64_t width, int32_t *sums) {
  for (int64_t j = 0; j < width; j++)
    sums[j] += (int32_t)(quad[j] << 24) >> 24;
  for (int64_t j = 0; j < width; j++)
    sums[j] += ((int32_t)(quad[j] << 16) >> 24) + ((int32_t)(quad[j] << 8) >> 24) + ((int32_t)quad[j] >> 24);
}

void maas_s8_note_panel(const void *panel, int64_t k, int64_t nr, bool is_constant, maas_s8_notes *notes) {
  int64_t bytes = maas_s8_notes_bytes(k, nr);
  if (bytes == 0)
    return;
  memset(notes, 0, (size_t)bytes);
#if defined(__x86_64__)
  if (is_constant)
    maas_s8_note_avx2(panel, k, notes);
#else
  (void)panel, (void)is_constant;
#endif
}

/// Rows from p on of a panel.
static void pack_panel(const maas_s8_pack_params *g, const uint8_t *b, int64_t p, int64_t width,
                       uint32_t *panel) {
  int32_t sums[widest] = {0};
  uint32_t sign = g->is_signed ? 0 : 0x80808080u, *to = panel + p / 4 * g->nr;
  uint32_t *end = panel + maas_ceil_div(g->k, 4) * g->nr;
  if (p > 0)
    memcpy(sums, end, (size_t)g->nr * sizeof *end);
  for (int64_t last = maas_min64(p + g->rows, g->k); p < last; p += 4, to += g->nr) {
    const uint8_t *from = b + p * g->b_row;
    if (g->b_row == 1 && g->k - p >= 4)
      pack_words(from, g->b_col, width, sign, to);
    else if (g->b_col == 1)
      pack_quad(from, g->b_row, 1, g->k - p, width, sign, to);
    else
      pack_quad(from, g->b_row, g->b_col, g->k - p, width, sign, to);
    memset(to + width, 0, (size_t)(g->nr - width) * sizeof *to);
    add_quad(to, width, sums);
  }
  memcpy(end, sums, (size_t)g->nr * sizeof *end);
}

int32_t maas_s8_pack_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_s8_pack_params *g = step->params;
  int64_t panels = maas_ceil_div(g->n, g->nr), size = maas_s8_panel(g->k, g->nr),
          matrix_bytes = maas_s8_panels_bytes(panels, g->k, g->nr);
  int64_t slices = g->rows < g->k ? maas_ceil_div(g->k, g->rows) : 1, each = slices > 1 ? panels : 1;
  for (int64_t i = begin * each; i < end * each; i++) {
    int64_t panel = i % panels, slice = i / panels % slices, matrix = i / panels / slices;
    const uint8_t *b = (const uint8_t *)step->operands[1] + matrix * g->k * g->n + panel * g->nr * g->b_col;
    void *to = (char *)step->operands[0] + matrix * matrix_bytes + panel * size;
    pack_panel(g, b, slice * g->rows, maas_min64(g->nr, g->n - panel * g->nr), to);
    if (slice == slices - 1)
      maas_s8_note_panel(to, g->k, g->nr, g->is_constant, maas_s8_notes_of(to, panel, panels, g->k, g->nr));
  }
  return MAAS_STEP_OK;
}

maas_split maas_s8_pack_split_for(const maas_kernel *gemm, maas_s8_pack_params *params) {
  params->nr = gemm->nr;
  int64_t rows = maas_max64(1, slice_bytes / 4 / maas_max64(params->n, 1)) * 4;
  params->rows = params->in_order && params->b_col == 1 ? maas_min64(rows, params->k) : params->k;
  if (params->rows < params->k) {
    int64_t items = params->count * maas_ceil_div(params->k, params->rows);
    return (maas_split){.items = params->n > 0 ? items : 0, .grain = items};
  }
  double panel_ns = 0.4 * (double)params->nr * (double)params->k;
  return maas_split_by_cost(params->count * maas_ceil_div(params->n, params->nr), panel_ns, 0);
}

maas_split maas_s8_pack_split(maas_s8_pack_params *params) {
  return maas_s8_pack_split_for(maas_kernel_selected(&maas_s8_gemm_table), params);
}
