/// Rows of bytes times panels of bytes for one instruction set: MAAS_MR rows x MAAS_NV vectors of int32 in registers
/// over all of k, then from the first-level cache to Y. A lane holds a column; one step multiplies four neighbours
/// along k and adds them.
#include "../row.h"
#include "../unroll.h"
#include "left.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
#define MAAS_S8_SHARED(op) MAAS_JOIN3_EXPANDED(maas_s8_, op, MAAS_ISA_SUFFIX)
#ifndef MAAS_UNARY_ROWS
#define MAAS_UNARY_ROWS MAAS_F32_SHARED(unary_rows)
#endif

#ifdef V_QUADS_LESS_128
enum { quads_less = 128 };
static const uint32_t quads_flip = 0x80808080;
#else
enum { quads_less = 0 };
static const uint32_t quads_flip = 0;
#endif

static inline int32_t load_word(const uint8_t *p) {
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return (int32_t)(word ^ quads_flip);
}

#include "finish.h"
#ifdef MAAS_LANES
#include "byte_rows.h"
#endif

/// How far ahead of what is multiplied a panel is fetched where that takes so many instructions that few lines would be
/// on their way otherwise.
#ifdef MAAS_LANES
enum { fetched_ahead = 1024 };
#else
enum { fetched_ahead = 0 };
#endif

/// acc[mr, nv] = `base` and the products of rows at `places` of a, which have k's pieces.
MAAS_INLINE void multiply(const int mr, const int nv, const maas_s8_block *k, const uint8_t *a,
                          const int64_t *places, const uint8_t *b, const int32_t *base, vi acc[][MAAS_NV]) {
  const uint8_t *rows[MAAS_MR];
  MAAS_EACH (i, mr)
    rows[i] = a + places[i];
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = vi_load(base + v * V_WIDTH);
  for (int64_t piece = 0; piece < k->pieces; piece++) {
    int64_t at = k->starts[piece], end = at + k->piece;
    for (; at < end; at += 4, b += 4 * MAAS_NR) {
      vi panel[MAAS_NV];
      if (fetched_ahead > 0)
        __builtin_prefetch(b + fetched_ahead);
      MAAS_EACH (v, nv)
        panel[v] = vi_load((const int32_t *)(const void *)b + v * V_WIDTH);
      MAAS_EACH (i, mr) {
        vi row = vi_set(load_word(rows[i] + at));
        MAAS_EACH (v, nv)
          acc[i][v] = vi_dot_quads(acc[i][v], row, panel[v]);
      }
    }
  }
}

#ifdef V_HALVES
/// A single row of A, which waits for memory.
MAAS_INLINE void multiply_row_to(const int nv, const maas_s8_block *k, const uint8_t *row, const uint8_t *b,
                                 const int32_t *base, int32_t *sums) {
  vi_half acc[2 * MAAS_NV];
  MAAS_EACH (h, 2 * nv)
    acc[h] = vi_half_load(base + h * V_HALF);
  for (int64_t piece = 0; piece < k->pieces; piece++) {
    int64_t at = k->starts[piece], end = at + k->piece;
    for (; at < end; at += 4, b += 4 * MAAS_NR) {
      vi_half quad = vi_half_set(load_word(row + at));
      MAAS_EACH (h, 2 * nv)
        acc[h] = vi_half_dot_quads(acc[h], quad, vi_half_load(b + h * 4 * V_HALF));
    }
  }
  MAAS_EACH (h, 2 * nv)
    vi_half_store(sums + h * V_HALF, acc[h]);
}
#endif

MAAS_INLINE void multiply_to(const int mr, const int nv, const maas_s8_block *k, const uint8_t *a,
                             const int64_t *places, const uint8_t *b, const int32_t *base, int32_t *sums) {
  vi acc[MAAS_MR][MAAS_NV];
  multiply(mr, nv, k, a, places, b, base, acc);
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      vi_store(sums + i * MAAS_NR + v * V_WIDTH, acc[i][v]);
}

typedef void micro_kernel(const maas_s8_block *k, const uint8_t *a, const int64_t *places, const uint8_t *b,
                          const int32_t *base, int32_t *sums);

#define MICRO_NAME(mr, nv) multiply_##mr##_##nv
#define MICRO(mr, nv)                                                                                        \
  static __attribute__((noinline)) void MICRO_NAME(mr, nv)(const maas_s8_block *k, const uint8_t *a,         \
                                                           const int64_t *places, const uint8_t *b,          \
                                                           const int32_t *base, int32_t *sums) {             \
    multiply_to(mr, nv, k, a, places, b, base, sums);                                                        \
  }
#if MAAS_NV > 2
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2) MICRO(mr, 4)
#define MICRO_ROW(mr) {MICRO_NAME(mr, 1), MICRO_NAME(mr, 2), MICRO_NAME(mr, 4)},
#else
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define MICRO_ROW(mr) {MICRO_NAME(mr, 1), MICRO_NAME(mr, 2), MICRO_NAME(mr, 2)},
#endif
MAAS_HEIGHTS(MAAS_MR, MICROS)

/// For 1 ... MAAS_MR rows, and for one vector, two or all.
static micro_kernel *const micro_kernels[MAAS_MR][3] = {MAAS_HEIGHTS(MAAS_MR, MICRO_ROW)};

#ifdef V_HALVES
#define ROW_KERNEL(name, nv)                                                                                 \
  static __attribute__((noinline)) void name(const maas_s8_block *k, const uint8_t *a,                       \
                                             const int64_t *places, const uint8_t *b, const int32_t *base,   \
                                             int32_t *sums) {                                                \
    multiply_row_to(nv, k, a + places[0], b, base, sums);                                                    \
  }
ROW_KERNEL(row_of_one, 1)
ROW_KERNEL(row_of_two, 2)
ROW_KERNEL(row_of_all, MAAS_NV)

/// Of a block that is one row.
static micro_kernel *const row_kernels[3] = {row_of_one, row_of_two, row_of_all};
#else
static micro_kernel *const *const row_kernels = micro_kernels[0];
#endif

/// MAAS_MR rows that become bytes, are small and have nothing of their own leave the registers finished.
MAAS_INLINE void multiply_to_bytes(const int nv, const maas_s8_block *k, const uint8_t *a,
                                   const int64_t *places, const uint8_t *b, const panel_columns *c,
                                   uint8_t *y) {
  vi acc[MAAS_MR][MAAS_NV];
  multiply(MAAS_MR, nv, k, a, places, b, c->base, acc);
  MAAS_EACH (i, MAAS_MR)
    store_plain_bytes(nv, false, c, acc[i], y + i * k->y_row);
}

typedef void bytes_kernel(const maas_s8_block *k, const uint8_t *a, const int64_t *places, const uint8_t *b,
                          const panel_columns *c, uint8_t *y);

#define BYTES_KERNEL(name, nv)                                                                               \
  static __attribute__((noinline)) void name(const maas_s8_block *k, const uint8_t *a,                       \
                                             const int64_t *places, const uint8_t *b,                        \
                                             const panel_columns *c, uint8_t *y) {                           \
    multiply_to_bytes(nv, k, a, places, b, c, y);                                                            \
  }
BYTES_KERNEL(bytes_of_one, 1)
BYTES_KERNEL(bytes_of_two, 2)
#if MAAS_NV > 2
BYTES_KERNEL(bytes_of_all, MAAS_NV)
#else
#define bytes_of_all bytes_of_two
#endif

/// For one vector, two or all.
static bytes_kernel *const bytes_kernels[] = {bytes_of_one, bytes_of_two, bytes_of_all};

/// The sums of a panel's columns, which lie behind it.
static const int32_t *column_sums(const maas_s8_block *k, const uint8_t *b) {
  return (const int32_t *)(const void *)(b + k->pieces * maas_round_up(k->piece, 4) * MAAS_NR);
}

static void load_columns(const maas_s8_block *k, int64_t j, const int32_t *sums, panel_columns *c) {
  // What else there is stays as it was unless a row needs it: clearing all of it takes as long as a short row.
  c->width = maas_min64(MAAS_NR, k->columns - j);
  c->has_row_scales = c->adds_more = c->is_small = c->packs_only = false;
  load_integers(k, j, sums, c);
  if (k->finish->y_type != MAAS_ELEMENT_S32)
    load_floats(k, j, c);
  c->is_plain = !c->has_zeros && !c->has_row_zeros && !c->has_row_scales && !c->adds_more &&
                !k->operands[MAAS_S8_RESIDUAL] && k->finish->y_type != MAAS_ELEMENT_S32;
}

/// A panel that the first-level cache does not hold.
enum { far_panel_bytes = 1 << 15 };

/// Rows of the next group where `left` are left. The last two groups share theirs where one or two rows would read a far
/// panel faster than the second-level cache gives it.
static int64_t group_rows(const maas_s8_block *k, int64_t left) {
  bool shares =
      left > MAAS_MR && left <= MAAS_MR + MAAS_MR / 3 && k->pieces * k->piece * MAAS_NR > far_panel_bytes;
  return shares ? maas_ceil_div(left, 2) : maas_min64(MAAS_MR, left);
}

static void multiply_panel(const maas_s8_block *k, int64_t j, const uint8_t *b) {
  panel_columns c;
  int32_t sums[MAAS_MR * MAAS_NR];
  int64_t apart[MAAS_MR];
  load_columns(k, j, column_sums(k, b), &c);
  int kernel = c.width <= V_WIDTH ? 0 : c.width <= 2 * V_WIDTH ? 1 : 2;
  bool to_bytes = c.is_plain && c.is_small && k->finish->y_type != MAAS_ELEMENT_F32;
  uint8_t *y = (uint8_t *)k->operands[MAAS_S8_Y] + k->y + j;
  for (int64_t i = 0; i < MAAS_MR; i++)
    apart[i] = i * k->a_row;
  for (int64_t r = 0, rows; r < k->rows; r += rows) {
    rows = group_rows(k, k->rows - r);
    const uint8_t *a = k->places ? k->a : k->a + r * k->a_row;
    const int64_t *places = k->places ? k->places + r : apart;
    if (to_bytes && rows == MAAS_MR) {
      bytes_kernels[kernel](k, a, places, b, &c, y + r * k->y_row);
      continue;
    }
    micro_kernel *const *kernels = k->rows == 1 ? row_kernels : micro_kernels[rows - 1];
    kernels[kernel](k, a, places, b, c.base, sums);
    finish_some(k, &c, r, rows, j, sums);
  }
}

#ifdef MAAS_VNNI
#include "row.h"
#else
static int64_t multiply_row(const maas_s8_block *k) { return (void)k, 0; }
#endif

static void multiply_all(const maas_s8_block *k) {
  const int64_t panel = maas_s8_panel(k->k, MAAS_NR), done = k->is_near_row ? multiply_row(k) : 0;
  for (int64_t j = done; j < k->columns; j += MAAS_NR)
    multiply_panel(k, j, k->b + j / MAAS_NR * panel);
}

#ifdef MAAS_LANES
#include "lanes.h"
#include "few.h"
void MAAS_S8_SHARED(block)(const maas_s8_block *block) {
  int64_t done = multiply_many(block);
  maas_s8_block rest = some_rows(block, done, block->rows - done);
  if (rest.rows > 0)
    (are_few(&rest) ? multiply_few : multiply_all)(&rest);
}
#else
void MAAS_S8_SHARED(block)(const maas_s8_block *block) { multiply_all(block); }
#endif

#include "../qconv/depthwise.h"
