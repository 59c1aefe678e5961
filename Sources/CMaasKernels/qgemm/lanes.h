/// Many rows of bytes times a panel with AVX2, which has no instruction that adds four products of bytes in 32 bits.
/// One adds two in 16 bits, and holds sums that need more within those. So that this never happens, weights that meet
/// in 16 bits are cut until the positive ones add up to at most `most_sum`, and the negative ones; what was cut off is
/// multiplied apart. Two weights meet there, or four, which is faster where few are too large. A lane holds a row of
/// A: a cut concerns one column only. Included by block.h.

enum {
  most_sum = INT16_MAX / UINT8_MAX,
  most_rest = most_sum / 2, ///< Two of a column are added in 16 bits.
  lane_columns = 4,
  row_bytes = lanes_rows * 4,
  quad_bytes = MAAS_NR * 4,
  group_bytes = lane_columns * 4
};

/// Weights of a column that are multiplied apart: where the quads of A's rows lie, and the four weights.
typedef struct lanes_rest {
  int32_t at, weights;
} lanes_rest;

/// A panel of so many quads to a column.
typedef struct lanes_panel {
  int64_t quads;
  const uint8_t *weights;      ///< [columns that are multiplied together][quad][one of those columns]
  bool adds_twice;             ///< Sums of four products fit 16 bits too.
  lanes_rest *rests;           ///< The columns' one behind the other, each an even number.
  int64_t starts[MAAS_NR + 1]; ///< Where those of each column begin.
} lanes_panel;

static inline __m256i lanes_load(const uint8_t *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static inline void lanes_store(void *p, __m256i x) { _mm256_storeu_si256(p, x); }

// Rows of A

static inline __m128i load_16(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }

/// Four neighbouring quads of 8 rows, each quad's rows side by side.
static inline void turn_rows(const uint8_t *const *rows, int64_t at, uint8_t *to) {
  __m256i x[4];
  MAAS_EACH (i, 4)
    x[i] = _mm256_set_m128i(load_16(rows[i + 4] + at), load_16(rows[i] + at));
  __m256i a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
  __m256i c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);
  lanes_store(to, _mm256_unpacklo_epi64(a, c));
  lanes_store(to + row_bytes, _mm256_unpackhi_epi64(a, c));
  lanes_store(to + 2 * row_bytes, _mm256_unpacklo_epi64(b, d));
  lanes_store(to + 3 * row_bytes, _mm256_unpackhi_epi64(b, d));
}

/// Four quads at a time, the last ones once more where fewer are left.
static void turn_piece(const uint8_t *const *rows, int64_t bytes, uint8_t *to) {
  for (int64_t at = 0; bytes >= 16 && at < bytes; at += 16) {
    int64_t from = maas_min64(at, bytes - 16);
    for (int i = 0; i < lanes_rows; i += 8)
      turn_rows(rows + i, from, to + from * lanes_rows + i * 4);
  }
  for (int64_t at = 0; bytes < 16 && at < bytes; at += 4)
    for (int i = 0; i < lanes_rows; i++)
      memcpy(to + at * lanes_rows + i * 4, rows[i] + at, 4);
}

/// Rows from r on, the last one again and again where there are no more.
static void turn_group(const maas_s8_block *k, int64_t r, uint8_t *to) {
  const uint8_t *rows[lanes_rows];
  for (int64_t piece = 0, bytes = maas_round_up(k->piece, 4); piece < k->pieces; piece++) {
    for (int64_t i = 0; i < lanes_rows; i++) {
      int64_t row = maas_min64(r + i, k->rows - 1);
      rows[i] = k->a + k->starts[piece] + (k->places ? k->places[row] : row * k->a_row);
    }
    turn_piece(rows, bytes, to);
    to += bytes * lanes_rows;
  }
}

#include "cuts.h"

// Their product

typedef __m256i lanes_sums[lane_columns][lanes_rows / 8];

static const _Alignas(32) int16_t lanes_ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/// The sum is made here and now: else products of several quads are added first, for which registers do not suffice.
MAAS_INLINE void add_widened(__m256i products, __m256i *sum) {
  *sum = _mm256_add_epi32(*sum, products);
  __asm__("" : "+x"(*sum));
}

/// A quad of a group of rows.
typedef __m256i lanes_quad[lanes_rows / 8];

MAAS_INLINE void load_quad(const uint8_t *a, __m256i *to) {
  MAAS_EACH (v, lanes_rows / 8)
    to[v] = lanes_load(a + v * 32);
}

MAAS_INLINE void add_quad(const __m256i *a, int32_t weights, __m256i *sums) {
  __m256i w = _mm256_set1_epi32(weights);
  MAAS_EACH (v, lanes_rows / 8)
    add_widened(_mm256_madd_epi16(_mm256_maddubs_epi16(a[v], w), _mm256_set1_epi16(1)), &sums[v]);
}

/// Ones stay in memory, as there are no more registers.
MAAS_INLINE void add_two_quads(const __m256i *a, const __m256i *next, int32_t weights, int32_t more,
                               __m256i *sums) {
  __m256i w = _mm256_set1_epi32(weights), m = _mm256_set1_epi32(more);
  MAAS_EACH (v, lanes_rows / 8) {
    __m256i products = _mm256_add_epi16(_mm256_maddubs_epi16(a[v], w), _mm256_maddubs_epi16(next[v], m));
    __asm__("vpmaddwd %1, %0, %0" : "+x"(products) : "m"(lanes_ones));
    add_widened(products, &sums[v]);
  }
}

static inline int32_t plain_word(const uint8_t *p) {
  int32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/// A column behind the other.
static inline void store_lanes(lanes_sums sums, int32_t *to) {
  MAAS_EACH (j, lane_columns)
    MAAS_EACH (v, lanes_rows / 8)
      vi_store(to + j * lanes_rows + v * 8, sums[j][v]);
}

/// Two quads of a group of rows times those of four columns.
MAAS_INLINE void add_columns_of_two(const bool twice, const uint8_t *a, const uint8_t *w, lanes_sums sums) {
  lanes_quad first, second;
  load_quad(a, first);
  load_quad(a + row_bytes, second);
  MAAS_EACH (j, lane_columns) {
    int32_t weights = plain_word(w + j * 4), more = plain_word(w + group_bytes + j * 4);
    if (twice) {
      add_two_quads(first, second, weights, more, sums[j]);
    } else {
      add_quad(first, weights, sums[j]);
      add_quad(second, more, sums[j]);
    }
  }
}

MAAS_INLINE void add_columns_of_one(const uint8_t *a, const uint8_t *w, lanes_sums sums) {
  lanes_quad quad;
  load_quad(a, quad);
  MAAS_EACH (j, lane_columns)
    add_quad(quad, plain_word(w + j * 4), sums[j]);
}

MAAS_INLINE void add_rests(const uint8_t *a, const lanes_rest *rest, const lanes_rest *end, __m256i *sums) {
  for (; rest < end; rest += 2) {
    lanes_quad first, second;
    load_quad(a + rest[0].at, first);
    load_quad(a + rest[1].at, second);
    add_two_quads(first, second, rest[0].weights, rest[1].weights, sums);
  }
}

/// A group of rows times four columns from `column` on.
MAAS_INLINE void multiply_lanes(const bool twice, const lanes_panel *p, const uint8_t *a, int64_t column,
                                const int32_t *base, int32_t *to) {
  lanes_sums sums;
  const uint8_t *w = p->weights + column * 4 * p->quads, *at = a;
  int64_t left = p->quads;
  MAAS_EACH (j, lane_columns)
    MAAS_EACH (v, lanes_rows / 8)
      sums[j][v] = _mm256_set1_epi32(base[column + j]);
  for (; left >= 4; left -= 4, w += 4 * group_bytes, at += 4 * row_bytes)
    MAAS_EACH (i, 2)
      add_columns_of_two(twice, at + 2 * i * row_bytes, w + 2 * i * group_bytes, sums);
  for (; left > 0; left--, w += group_bytes, at += row_bytes)
    add_columns_of_one(at, w, sums);
  MAAS_EACH (j, lane_columns)
    add_rests(a, p->rests + p->starts[column + j], p->rests + p->starts[column + j + 1], sums[j]);
  store_lanes(sums, to + column * lanes_rows);
}

typedef void lanes_kernel(const lanes_panel *p, const uint8_t *a, int64_t column, const int32_t *base,
                          int32_t *to);
static __attribute__((noinline)) void lanes_once(const lanes_panel *p, const uint8_t *a, int64_t column,
                                                 const int32_t *base, int32_t *to) {
  multiply_lanes(false, p, a, column, base, to);
}
static __attribute__((noinline)) void lanes_twice(const lanes_panel *p, const uint8_t *a, int64_t column,
                                                  const int32_t *base, int32_t *to) {
  multiply_lanes(true, p, a, column, base, to);
}

// What becomes of sums in lanes

/// Four columns of 8 rows of sums, a row behind the other.
static inline void turn_four(const int32_t *sums, int32_t *to) {
  vi x[4];
  MAAS_EACH (j, 4)
    x[j] = vi_load(sums + j * lanes_rows);
  vi a = _mm256_unpacklo_epi32(x[0], x[1]), b = _mm256_unpackhi_epi32(x[0], x[1]);
  vi c = _mm256_unpacklo_epi32(x[2], x[3]), d = _mm256_unpackhi_epi32(x[2], x[3]);
  const vi rows[] = {_mm256_unpacklo_epi64(a, c), _mm256_unpackhi_epi64(a, c), _mm256_unpacklo_epi64(b, d),
                     _mm256_unpackhi_epi64(b, d)};
  MAAS_EACH (i, 4) {
    int32_t *row = to + i * MAAS_NR;
    _mm_storeu_si128((__m128i *)(void *)row, _mm256_castsi256_si128(rows[i]));
    _mm_storeu_si128((__m128i *)(void *)(row + 4 * MAAS_NR), _mm256_extracti128_si256(rows[i], 1));
  }
}

static void turn_sums(const int32_t *sums, int32_t *to) {
  for (int64_t r = 0; r < lanes_rows; r += 8)
    for (int64_t j = 0; j < MAAS_NR; j += 4)
      turn_four(sums + j * lanes_rows + r, to + r * MAAS_NR + j);
}

/// Floats of four columns of 8 rows, which have nothing of their own.
static inline void floats_of_four(const panel_columns *c, int64_t j, const int32_t *sums, float *y,
                                  int64_t step) {
  const vf low = v_set(c->low), high = v_set(c->high);
  vf x[4];
  MAAS_EACH (i, 4) {
    vf sum = v_mul(vi_to_float(vi_load(sums + i * lanes_rows)), v_set(c->factor[j + i]));
    x[i] = v_min(high, v_max(low, v_add(sum, v_set(c->bias[j + i]))));
  }
  vf a = _mm256_unpacklo_ps(x[0], x[1]), b = _mm256_unpackhi_ps(x[0], x[1]);
  vf p = _mm256_unpacklo_ps(x[2], x[3]), q = _mm256_unpackhi_ps(x[2], x[3]);
  const vf rows[] = {_mm256_shuffle_ps(a, p, 0x44), _mm256_shuffle_ps(a, p, 0xee),
                     _mm256_shuffle_ps(b, q, 0x44), _mm256_shuffle_ps(b, q, 0xee)};
  MAAS_EACH (i, 4) {
    _mm_storeu_ps(y + i * step, _mm256_castps256_ps128(rows[i]));
    _mm_storeu_ps(y + (i + 4) * step, _mm256_extractf128_ps(rows[i], 1));
  }
}

static __attribute__((noinline)) void whole_float_lanes(const maas_s8_block *k, const panel_columns *c,
                                                        int64_t r, int64_t j, const int32_t *sums) {
  float *y = (float *)k->operands[MAAS_S8_Y] + k->y + r * k->y_row + j;
  for (int64_t i = 0; i < lanes_rows; i += 8)
    for (int64_t column = 0; column < MAAS_NR; column += 4)
      floats_of_four(c, column, sums + column * lanes_rows + i, y + i * k->y_row + column, k->y_row);
}

static void finish_lanes(const maas_s8_block *k, const panel_columns *c, int64_t r, int64_t count, int64_t j,
                         const int32_t *sums) {
  if (c->is_plain && k->finish->y_type != MAAS_ELEMENT_F32) {
    (c->packs_only ? packed_lanes : held_lanes)(k, c, r, count, j, sums);
    return;
  }
  if (c->is_plain && count == lanes_rows && c->width == MAAS_NR && !has_function(&k->finish->activation)) {
    whole_float_lanes(k, c, r, j, sums);
    return;
  }
  int32_t rows[lanes_rows * MAAS_NR];
  turn_sums(sums, rows);
  finish_of(c)(k, c, r, count, j, rows);
}

/// The rows of k, which lie in `a`, times a panel.
static void multiply_lanes_panel(const maas_s8_block *k, int64_t j, const uint8_t *b,
                                 const maas_s8_notes *notes, const uint8_t *a, uint8_t *spare) {
  lanes_panel p = {.quads = maas_s8_quads(k->k)};
  if (!cut_panel(k, b, notes, spare, &p)) {
    multiply_panel(k, j, b);
    return;
  }
  panel_columns c;
  load_columns(k, j, column_sums(k, b), &c);
  lanes_kernel *multiply_four = p.adds_twice ? lanes_twice : lanes_once;
  int32_t sums[lanes_rows * MAAS_NR];
  const uint8_t *next = b + maas_s8_panel(k->k, MAAS_NR);
  int64_t share = p.quads * quad_bytes / maas_ceil_div(k->rows, lanes_rows) / 4;
  for (int64_t r = 0; r < k->rows; r += lanes_rows, a += p.quads * row_bytes) {
    for (int64_t column = 0; column < c.width; column += lane_columns) {
      for (const uint8_t *end = next + share; next < end; next += 64)
        __builtin_prefetch(next, 0, 2);
      multiply_four(&p, a, column, c.base, sums);
    }
    finish_lanes(k, &c, r, maas_min64(lanes_rows, k->rows - r), j, sums);
  }
}

/// Rows of k from `first` on.
static maas_s8_block some_rows(const maas_s8_block *k, int64_t first, int64_t count) {
  maas_s8_block some = *k;
  some.rows = count;
  some.row += first, some.y += first * k->y_row;
  if (k->a_sums)
    some.a_sums += first;
  if (k->places)
    some.places += first;
  else
    some.a += first * k->a_row;
  return some;
}

static void multiply_some(const maas_s8_block *k) {
  int64_t quads = maas_s8_quads(k->k), groups = maas_ceil_div(k->rows, lanes_rows);
  const uint8_t *b = k->b, *notes = (const uint8_t *)k->lanes->notes;
  uint8_t *a = k->lanes->spare;
  for (int64_t i = 0; !k->is_turned && i < groups; i++)
    turn_group(k, i * lanes_rows, a + i * quads * row_bytes);
  for (int64_t j = 0; j < k->columns; j += MAAS_NR) {
    multiply_lanes_panel(k, j, b, (const maas_s8_notes *)(const void *)notes, a,
                         a + groups * quads * row_bytes);
    b += maas_s8_panel(k->k, MAAS_NR), notes += maas_s8_notes_bytes(k->k, MAAS_NR);
  }
}

/// Multiplies as many rows as are worth it, the last ones too if they are more than half a group, and returns how many.
static int64_t multiply_many(const maas_s8_block *k) {
  int64_t pass = maas_s8_lanes_pass(k->k, k->rows), done = 0;
  int64_t many = pass == 0                               ? 0
                 : k->rows % lanes_rows > lanes_rows / 2 ? k->rows
                                                         : k->rows / lanes_rows * lanes_rows;
  for (int64_t count; done < many; done += count) {
    count = maas_min64(pass, many - done);
    maas_s8_block some = some_rows(k, done, count);
    some.is_turned = k->is_turned && count == many;
    multiply_some(&some);
  }
  return done;
}
