#ifndef MAAS_QGEMM_LEFT_H
#define MAAS_QGEMM_LEFT_H
/// What the kernels of byte products share among instruction sets.
#include <string.h>
#include "../split.h"
#include "maas_quant.h"

/// Rows of A times panels of B, finished into Y. Families that make rows of their own call maas_s8_block_<isa>.
typedef struct maas_s8_block {
  int64_t rows, columns, k;
  /// Unsigned bytes (those of a signed A with their sign bit turned), rows a_row apart or at `places`.
  const uint8_t *a;
  int64_t a_row;
  const int64_t *places;
  /// A row is as many pieces of so many bytes, readable to a multiple of 4, and begin so far behind the row's
  /// beginning. Panels of B have each filled up to such a multiple.
  int64_t pieces, piece;
  const int64_t *starts;
  const int32_t *a_sums; ///< Of each row's k bytes; NULL if maas_s8_needs_sums says so.
  const uint8_t *b;      ///< The panel of the first column.
  int64_t row, column;   ///< Of the first element, among all matrices: where its zero points and scales are.
  int64_t bias;          ///< The column that the first element's bias is of.
  int64_t y, y_row;      ///< The first element of Y, and of the residual; elements between their rows.
  const maas_s8_finish *finish;
  void *const *operands; ///< In the order of maas_s8_operand.
  uint8_t *spare;        ///< Of maas_s8_lanes_spare bytes, for kernels that put A's rows in lanes.
  bool is_turned;        ///< The block before this one had the same rows and left them there.
} maas_s8_block;

/// Of rows that are one piece.
static const int64_t maas_s8_no_start = 0;

typedef void maas_s8_block_function(const maas_s8_block *block);
maas_s8_block_function maas_s8_block_scalar, maas_s8_block_neon, maas_s8_block_avx2, maas_s8_block_avx512,
    maas_s8_block_vnni, maas_s8_block_dotprod;

/// Items of a convolution with one filter per channel; see ../qconv/depthwise.h.
typedef void maas_s8_depthwise_function(const maas_s8_conv_params *params, void *const *operands,
                                        int64_t begin, int64_t end, void *scratch);
maas_s8_depthwise_function maas_s8_depthwise_scalar, maas_s8_depthwise_neon, maas_s8_depthwise_avx2,
    maas_s8_depthwise_avx512, maas_s8_depthwise_vnni, maas_s8_depthwise_dotprod;

static inline int32_t maas_byte_at(const void *bytes, int64_t i, bool is_signed) {
  return is_signed ? ((const int8_t *)bytes)[i] : ((const uint8_t *)bytes)[i];
}

/// The zero point of element i of A's rows, as its bytes are multiplied.
static inline int32_t maas_s8_a_zero(const maas_s8_finish *f, void *const *operands, int64_t i) {
  int32_t given =
      f->a_zeros ? maas_byte_at(operands[MAAS_S8_A_ZERO], i % f->a_zeros, f->a_is_signed) : f->a_zero;
  return given + (f->a_is_signed ? 128 : 0);
}

/// Whether the sums of A's rows are wanted: B may have zero points.
static inline bool maas_s8_needs_sums(const maas_s8_finish *f) {
  return f->b_zeros != 0 || f->b_zero != (f->b_is_signed ? 0 : 128);
}

/// Whether rows of A need no copy: they are whole groups of four unsigned bytes.
static inline bool maas_s8_reads_in_place(const maas_s8_gemm_params *g) {
  return g->k % 4 == 0 && !g->finish.a_is_signed && !maas_s8_needs_sums(&g->finish);
}

/// Elements between rows of A that are made for a block: no two rows of a group share all their cache sets.
static inline int64_t maas_s8_row(int64_t k) { return maas_round_up(k, 64) + 64; }

/// Groups of 4 neighbours along k.
static inline int64_t maas_s8_quads(int64_t k) { return maas_ceil_div(k, 4); }

/// Rows of A that go into lanes together, the fewest of a block that do, and how long they are.
enum {
  lanes_rows = 16,
  least_lanes = 32,
  least_lanes_depth = 16,
  most_lanes_depth = 1 << 20,
  most_lanes_bytes = 256 * 1024
};

/// How many of a block's rows go into lanes before they meet B: they stay in the second-level cache. 0: none.
static inline int64_t maas_s8_lanes_pass(int64_t k, int64_t rows) {
  if (rows < least_lanes || k < least_lanes_depth || k > most_lanes_depth)
    return 0;
  int64_t fitting = most_lanes_bytes / (4 * maas_s8_quads(k)) / lanes_rows * lanes_rows;
  return maas_min64(maas_round_up(rows, lanes_rows), maas_max64(least_lanes, fitting));
}

/// What is needed for that: the rows, a panel of 16 columns, and twice as much again for what is multiplied apart.
static inline int64_t maas_s8_lanes_spare(int64_t k, int64_t rows) {
  int64_t pass = maas_s8_lanes_pass(k, rows);
  return pass ? maas_s8_quads(k) * (4 * pass + 3 * 4 * 16) + 64 : 0;
}

/// Bytes that copies of a tile's rows take, with their sums.
static inline int64_t maas_s8_copied(const maas_s8_gemm_params *g) {
  return maas_round_up(g->tile_m * (maas_s8_row(g->k) + (int64_t)sizeof(int32_t)), 64);
}

/// Bytes of one panel of B: groups of 4 neighbours along k of nr columns, then the columns' sums.
static inline int64_t maas_s8_panel(int64_t k, int64_t nr) { return (maas_round_up(k, 4) + 4) * nr; }

#endif
