/// The product of a quantized to bytes with codes of 4 or 2 bits, for one instruction set: sums of a block are whole
/// numbers. The lowest codes of a word's four bytes meet four bytes of A, then the next ones, as
/// maas_f32_block_bytes orders them. Codes of 8 bits need an instruction whose sums have 32 bits.
#include "../split.h"
#include "../unroll.h"
#include "bytes_function.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
/// Rows of A that one reading of the codes serves.
enum { most_rows = V_WIDTH > 1 ? 4 : 1 };
/// Codes are fetched so many words before they are met, across pages too.
enum { line_words = 16, ahead = 2048 };

static inline int32_t load_word(const int8_t *p) {
  int32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/// A word with the next code of each of its bytes, or its next code, in the lowest place.
MAAS_INLINE vi next_code(const int bits, vi word) {
  return bits == 2 ? vi_shift_right(word, 2) : bits == 4 ? vi_shift_right(word, 4) : vi_shift_right(word, 8);
}

#ifdef MAAS_PAIRS
#include "pairs.h"
#else
/// Blocks of a single row that are summed up before they are scaled, as many as have so many bytes of codes: with
/// AVX-512, memory gives short codes and their scales sooner in turn than side by side, and codes are then not fetched
/// ahead.
enum { most_in_turn = V_WIDTH == 16 ? 8 : 1, bytes_in_turn = 4096 };
MAAS_INLINE bool goes_in_turn(const int bits, const int rows) {
  return most_in_turn > 1 && rows == 1 && bits < 8;
}

/// sums[row] = A[row] codes for `count` neighbours along k, some words of A at a time, in turn in two sums.
MAAS_INLINE void dot_block(const int bits, const int rows, int64_t count, const int8_t *a, int64_t a_row,
                           const int32_t *codes, vi sums[][MAAS_NV]) {
  const int parts = bits == 2 ? 4 : 2, words = parts * bits / 8;
  vi others[most_rows][MAAS_NV], low = vi_set(bits == 2 ? 0x03030303 : 0x0f0f0f0f);
  MAAS_EACH (r, rows)
    MAAS_EACH (v, MAAS_NV)
      sums[r][v] = others[r][v] = vi_set(0);
  for (const int8_t *end = a + count; a < end; codes += words * MAAS_NR, a += 4 * parts) {
    if (!goes_in_turn(bits, rows))
      MAAS_EACH (line, words * MAAS_NR / line_words)
        __builtin_prefetch(codes + ahead + line * line_words);
    MAAS_EACH (v, MAAS_NV) {
      vi word = vi_load(codes + v * V_WIDTH);
      MAAS_EACH (part, parts) {
        vi own = bits == 8 ? vi_load(codes + part * MAAS_NR + v * V_WIDTH) : vi_and(word, low);
        MAAS_EACH (r, rows) {
          vi *sum = part % 2 ? &others[r][v] : &sums[r][v];
          *sum = vi_dot_bytes(*sum, own, vi_set(load_word(a + r * a_row + 4 * part)));
        }
        word = next_code(bits, word);
      }
    }
  }
  MAAS_EACH (r, rows)
    MAAS_EACH (v, MAAS_NV)
      sums[r][v] = vi_add(sums[r][v], others[r][v]);
}

/// A panel of B, and rows of A.
typedef struct byte_tile {
  const int8_t *a;
  const float *a_sums, *a_scales;
  const int32_t *codes;
  const float *scales, *zeros; ///< Zeros may be NULL.
  int64_t blocks;
} byte_tile;

/// total += scale (A's scale sums - A's sum zero) of block `b`.
MAAS_INLINE void scale_sums(const int rows, const maas_f32_nbits_params *g, const byte_tile *t, int64_t b,
                            vi sums[][MAAS_NV], vf total[][MAAS_NV]) {
  MAAS_EACH (v, MAAS_NV) {
    int64_t at = b * MAAS_NR + v * V_WIDTH;
    vf scale = v_load(t->scales + at), zero = t->zeros ? v_load(t->zeros + at) : v_set(g->zero);
    MAAS_EACH (r, rows) {
      vf dot = v_mul(v_set(t->a_scales[r * t->blocks + b]), vi_to_float(sums[r][v]));
      total[r][v] = v_fma(scale, v_fma(v_set(-t->a_sums[r * t->blocks + b]), zero, dot), total[r][v]);
    }
  }
}

static inline void fetch_numbers(const float *numbers, int64_t count) {
  for (int64_t i = 0; i < count; i += line_words)
    __builtin_prefetch(numbers + i);
}

/// total += the products with `count` blocks from `first` on.
MAAS_INLINE void add_blocks(const int bits, const int rows, const maas_f32_nbits_params *g,
                            const byte_tile *t, int64_t first, int64_t count, vf total[][MAAS_NV]) {
  int64_t words = g->block * bits / 32;
  vi kept[most_in_turn][most_rows][MAAS_NV];
  if (goes_in_turn(bits, rows)) {
    fetch_numbers(t->scales + first * MAAS_NR, count * MAAS_NR);
    if (t->zeros)
      fetch_numbers(t->zeros + first * MAAS_NR, count * MAAS_NR);
  }
  for (int64_t i = 0; i < count; i++) {
    int64_t b = first + i;
    vi sums[most_rows][MAAS_NV];
    dot_block(bits, rows, g->block, t->a + b * g->block, g->k, t->codes + b * words * MAAS_NR, sums);
    MAAS_EACH (r, rows)
      MAAS_EACH (v, MAAS_NV)
        kept[i][r][v] = sums[r][v];
  }
  for (int64_t i = 0; i < count; i++)
    scale_sums(rows, g, t, first + i, kept[i], total);
}

/// Rows i ... i + rows of the panel of columns that begins at j.
MAAS_INLINE void rows_of_panel(const int bits, const int rows, const maas_f32_nbits_params *g,
                               void *const *operands, int64_t i, int64_t j) {
  int64_t blocks = g->k / g->block, width = maas_min64(MAAS_NR, g->n - j), in_turn = 1;
  byte_tile t = {.a = (const int8_t *)operands[0] + i * g->k,
                 .a_sums = (const float *)operands[4] + i * blocks,
                 .a_scales = (const float *)operands[7] + i * blocks,
                 .codes = (const int32_t *)operands[1] + j * (g->k * bits / 32),
                 .scales = (const float *)operands[2] + j * blocks,
                 .zeros = operands[3] ? (const float *)operands[3] + j * blocks : NULL,
                 .blocks = blocks};
  vf total[most_rows][MAAS_NV];
  MAAS_EACH (r, rows)
    MAAS_EACH (v, MAAS_NV)
      total[r][v] = v_set(0);
  if (goes_in_turn(bits, rows))
    in_turn = maas_max64(1, maas_min64(most_in_turn, bytes_in_turn / (g->block * bits / 8 * MAAS_NR)));
  for (int64_t b = 0; b < blocks; b += in_turn)
    add_blocks(bits, rows, g, &t, b, maas_min64(in_turn, blocks - b), total);
  MAAS_EACH (r, rows)
    maas_nbits_store(total[r], MAAS_NV, operands[5] ? (const float *)operands[5] + j : NULL,
                     (float *)operands[6] + (i + r) * g->n + j, width);
}

#define MAAS_ROWS_OF_PANEL(name, bits, rows)                                                                 \
  static __attribute__((noinline)) void name(const maas_f32_nbits_params *g, void *const *operands,          \
                                             int64_t i, int64_t j) {                                         \
    rows_of_panel(bits, rows, g, operands, i, j);                                                            \
  }
MAAS_ROWS_OF_PANEL(crumbs_one, 2, 1)
MAAS_ROWS_OF_PANEL(nibbles_many, 4, most_rows)
MAAS_ROWS_OF_PANEL(nibbles_one, 4, 1)
#ifdef MAAS_VNNI
MAAS_ROWS_OF_PANEL(bytes_many, 8, most_rows)
MAAS_ROWS_OF_PANEL(bytes_one, 8, 1)
#else
#define bytes_many nibbles_many
#define bytes_one nibbles_one
#endif

void MAAS_F32_SHARED(nbits_bytes)(const maas_f32_nbits_params *g, void *const *operands, int64_t begin,
                                  int64_t end) {
  for (int64_t item = begin; item < end; item++) {
    int64_t i = 0, j = item * MAAS_NR;
    for (; g->bits > 2 && i + most_rows <= g->m; i += most_rows)
      (g->bits == 8 ? bytes_many : nibbles_many)(g, operands, i, j);
    for (; i < g->m; i++)
      (g->bits == 8 ? bytes_one : g->bits == 4 ? nibbles_one : crumbs_one)(g, operands, i, j);
  }
}
#endif
