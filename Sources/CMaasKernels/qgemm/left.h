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
  const int32_t *a_sums; ///< Of each row's k bytes; NULL unless maas_s8_needs_sums says so.
  const uint8_t *b;      ///< The panel of the first column.
  int64_t row, column;   ///< Of the first element, among all matrices: where its zero points and scales are.
  int64_t bias;          ///< The column that the first element's bias is of.
  int64_t y, y_row;      ///< The first element of Y, and of the residual; elements between their rows.
  const maas_s8_finish *finish;
  void *const *operands;             ///< In the order of maas_s8_operand.
  const struct maas_s8_lanes *lanes; ///< For kernels that put A's rows in lanes.
  bool is_near_row;                  ///< One row, in one piece, and all of B fits the second-level cache.
  bool is_turned;                    ///< The block before this one had the same rows and left them there.
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

/// Panels that few rows read at once with AVX2, and how many rows always do; more do if they become floats.
enum { few_panels = 4, few_rows = 2 };

/// Groups of 4 neighbours along k.
static inline int64_t maas_s8_quads(int64_t k) { return maas_ceil_div(k, 4); }

/// Rows of A that go into lanes together, columns of the panels that they meet, the fewest rows of a block that do so,
/// and how long they are.
enum {
  lanes_rows = 16,
  lanes_nr = 16,
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

/// The most cuts of a panel for rows in lanes: with more of them other ways are faster.
static inline int64_t maas_s8_most_cuts(int64_t k) { return (maas_s8_quads(k) + 8) * lanes_nr / 3; }

/// How rows in lanes are multiplied by a panel.
typedef enum maas_s8_way {
  maas_s8_unknown, ///< Every run looks.
  maas_s8_once,    ///< Sums of two products fit 16 bits, of weights that are cut for it.
  maas_s8_twice,   ///< Sums of four.
  maas_s8_apart    ///< Not at all: too many weights would be cut.
} maas_s8_way;

/// What rows in lanes must know of a panel's weights: see lanes.h.
typedef struct maas_s8_notes {
  int32_t way;
  int32_t has_opposites;    ///< Not 0: no weight is -128.
  int32_t counts[lanes_nr]; ///< Of the cuts in each column.
  /// A column's behind the other's: quad, column (4 bits), byte (2 bits), and the 8 bits that are taken off.
  uint32_t cuts[];
} maas_s8_notes;

/// What kernels that put A's rows in lanes need besides a block.
typedef struct maas_s8_lanes {
  uint8_t *spare;             ///< Of maas_s8_lanes_spare bytes.
  const maas_s8_notes *notes; ///< Of the panel of the first column.
} maas_s8_lanes;

/// What is needed for that: the rows, a panel that is cut, what is multiplied apart, and notes.
static inline int64_t maas_s8_lanes_spare(int64_t k, int64_t rows) {
  int64_t pass = maas_s8_lanes_pass(k, rows);
  return pass ? maas_s8_quads(k) * (4 * pass + 2 * 4 * lanes_nr) + 1024 : 0;
}

/// Bytes that copies of a tile's rows take, with their sums.
static inline int64_t maas_s8_copied(const maas_s8_gemm_params *g) {
  return maas_round_up(g->tile_m * (maas_s8_row(g->k) + (int64_t)sizeof(int32_t)), 64);
}

/// Cuts of a panel that fit its notes: fewer than the most.
static inline int64_t maas_s8_noted_cuts(int64_t k) { return maas_s8_quads(k) + 48; }

/// Bytes of a panel's notes, whole cache lines; 0 for kernels that put no rows in lanes.
static inline int64_t maas_s8_notes_bytes(int64_t k, int64_t nr) {
#if defined(__x86_64__)
  if (nr == lanes_nr && k >= least_lanes_depth && k <= most_lanes_depth)
    return maas_round_up((int64_t)sizeof(maas_s8_notes) + 4 * maas_s8_noted_cuts(k), 64);
#endif
  (void)k, (void)nr;
  return 0;
}

/// Bytes of one panel of B: groups of 4 neighbours along k of nr columns, then the columns' sums.
static inline int64_t maas_s8_panel(int64_t k, int64_t nr) { return (maas_round_up(k, 4) + 4) * nr; }

/// Bytes of so many panels, whose notes stand behind all of them: those who need none read nothing but panels.
static inline int64_t maas_s8_panels_bytes(int64_t panels, int64_t k, int64_t nr) {
  return panels * (maas_s8_panel(k, nr) + maas_s8_notes_bytes(k, nr));
}

/// Where the notes of panel `index` of so many are.
static inline maas_s8_notes *maas_s8_notes_of(const void *panel, int64_t index, int64_t panels, int64_t k,
                                              int64_t nr) {
  int64_t after = (panels - index) * maas_s8_panel(k, nr) + index * maas_s8_notes_bytes(k, nr);
  return (maas_s8_notes *)((uintptr_t)panel + (uintptr_t)after);
}

/// Notes of a panel of 16 columns whose weights are there, for AVX2.
void maas_s8_note_avx2(const void *panel, int64_t k, maas_s8_notes *notes);

/// Writes the notes of a panel whose weights are there: of constant ones what each run would look for.
void maas_s8_note_panel(const void *panel, int64_t k, int64_t nr, bool is_constant, maas_s8_notes *notes);

#endif
