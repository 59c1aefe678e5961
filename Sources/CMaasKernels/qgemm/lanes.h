/// Many rows of bytes times a panel with AVX2, which has no instruction that adds four products of bytes in 32 bits.
/// One adds two in 16 bits, and holds sums that need more within those. So that this never happens, two neighbours
/// whose sum is beyond `most_sum` are cut to that, and what was cut off is multiplied apart. A lane holds a row of A:
/// this concerns one column only. Included by block.h.

enum { most_sum = INT16_MAX / UINT8_MAX, lane_columns = 4, row_bytes = lanes_rows * 4 };

/// Weights of a column that are multiplied apart: where the quads of A's rows lie, and the four weights.
typedef struct lanes_rest {
  int32_t at, weights;
} lanes_rest;

/// A panel of so many quads to a column.
typedef struct lanes_panel {
  int64_t quads;
  const uint8_t *weights;
  bool adds_twice;   ///< Sums of four products fit 16 bits too.
  lanes_rest *rests; ///< `quads` for each column.
  int64_t counts[MAAS_NR];
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

// Panels of B

/// Whether of any four weights that meet in 16 bits the positive ones add up to at most `most_sum`, and the negative
/// ones.
static bool adds_twice(const uint8_t *b, int64_t quads) {
  __m256i one = _mm256_set1_epi8(1), zero = _mm256_setzero_si256(), most = _mm256_set1_epi16(most_sum);
  for (int64_t q = 0; q < quads; q += 2, b += 8 * MAAS_NR)
    MAAS_EACH (v, MAAS_NV) {
      __m256i x = lanes_load(b + v * 32), next = q + 1 < quads ? lanes_load(b + 4 * MAAS_NR + v * 32) : zero;
      __m256i positive = _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_max_epi8(x, zero), one),
                                          _mm256_maddubs_epi16(_mm256_max_epi8(next, zero), one));
      __m256i sum = _mm256_add_epi16(_mm256_maddubs_epi16(one, x), _mm256_maddubs_epi16(one, next));
      __m256i larger = _mm256_max_epi16(positive, _mm256_sub_epi16(positive, sum));
      if (_mm256_movemask_epi8(_mm256_cmpgt_epi16(larger, most)))
        return false;
    }
  return true;
}

/// Copies a quad of all columns and marks the pairs of neighbours whose sum is too large: those of columns 0 ... 3,
/// 8 ... 11, 4 ... 7 and 12 ... 15, in this order.
static inline uint64_t mark_quad(const uint8_t *b, uint8_t *cut) {
  __m256i one = _mm256_set1_epi8(1), most = _mm256_set1_epi16(most_sum), large[MAAS_NV];
  MAAS_EACH (v, MAAS_NV) {
    __m256i x = lanes_load(b + v * 32);
    lanes_store(cut + v * 32, x);
    large[v] = _mm256_cmpgt_epi16(_mm256_abs_epi16(_mm256_maddubs_epi16(one, x)), most);
  }
  return (uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(large[0], large[1]));
}

enum { batch_quads = 16, batch_pairs = 2 * MAAS_NR * batch_quads };

/// The first marks are noted without asking whether they are there: which have any cannot be predicted.
static inline int64_t note_marks(uint64_t marks, int64_t first, int64_t count, uint16_t *places) {
  MAAS_EACH (i, 4) {
    places[count] = (uint16_t)(first + __builtin_ctzll(marks | 1ull << 63));
    count += marks != 0;
    marks &= marks - 1;
  }
  for (; marks; marks &= marks - 1)
    places[count++] = (uint16_t)(first + __builtin_ctzll(marks));
  return count;
}

static int64_t mark_batch(const uint8_t *b, int64_t quads, uint8_t *cut, uint16_t *places) {
  int64_t count = 0;
  for (int64_t q = 0; q < quads; q += 2) {
    uint64_t marks = mark_quad(b + q * 4 * MAAS_NR, cut + q * 4 * MAAS_NR);
    if (q + 1 < quads)
      marks |= mark_quad(b + (q + 1) * 4 * MAAS_NR, cut + (q + 1) * 4 * MAAS_NR) << 32;
    count = note_marks(marks, q * 2 * MAAS_NR, count, places);
  }
  return count;
}

/// Cuts the pair that is marked at `place` in the batch that begins with quad q.
static inline void cut_pair(int64_t q, int place, uint8_t *cut, lanes_panel *p) {
  int column = (place & 6) / 2 + (place & 8) + (place & 16) / 4, second = place & 1;
  q += place / (2 * MAAS_NR);
  int8_t *pair = (int8_t *)cut + q * 4 * MAAS_NR + column * 4 + second * 2;
  int sum = pair[0] + pair[1], rest = sum - (sum > 0 ? most_sum : -most_sum);
  pair[1] = (int8_t)(pair[1] - rest);
  uint32_t weights = (uint32_t)(uint8_t)rest << (second ? 24 : 8);
  lanes_rest *to = p->rests + column * p->quads + p->counts[column];
  if (p->counts[column] > 0 && to[-1].at == (int32_t)q * row_bytes) {
    to[-1].weights |= (int32_t)weights;
    return;
  }
  *to = (lanes_rest){(int32_t)q * row_bytes, (int32_t)weights};
  p->counts[column]++;
}

/// False if so much would be multiplied apart that other ways are faster.
static bool cut_weights(const uint8_t *b, uint8_t *cut, lanes_panel *p) {
  int64_t found = 0;
  memset(p->counts, 0, sizeof p->counts);
  for (int64_t q = 0; q < p->quads; q += batch_quads) {
    uint16_t places[batch_pairs + 4];
    int64_t quads = maas_min64(batch_quads, p->quads - q), at = q * 4 * MAAS_NR;
    int64_t count = mark_batch(b + at, quads, cut + at, places);
    found += count;
    if (found > (q + quads + 8) * MAAS_NR / 3)
      return false;
    for (int64_t i = 0; i < count; i++)
      cut_pair(q, places[i], cut, p);
  }
  p->weights = cut;
  return true;
}

static bool make_panel(const uint8_t *b, uint8_t *spare, lanes_panel *p) {
  p->weights = b;
  p->adds_twice = adds_twice(b, p->quads);
  p->rests = (lanes_rest *)(void *)(spare + p->quads * 4 * MAAS_NR);
  return p->adds_twice || cut_weights(b, spare, p);
}

// Their product

typedef __m256i lanes_sums[lane_columns][lanes_rows / 8];

static inline __m256i lanes_widened(__m256i sums) { return _mm256_madd_epi16(sums, _mm256_set1_epi16(1)); }

MAAS_INLINE void add_quad(const uint8_t *a, int32_t weights, __m256i *sums) {
  __m256i w = _mm256_set1_epi32(weights);
  MAAS_EACH (v, lanes_rows / 8)
    sums[v] = _mm256_add_epi32(sums[v], lanes_widened(_mm256_maddubs_epi16(lanes_load(a + v * 32), w)));
}

MAAS_INLINE void add_two_quads(const uint8_t *a, int32_t weights, int32_t next, __m256i *sums) {
  __m256i w = _mm256_set1_epi32(weights), n = _mm256_set1_epi32(next);
  MAAS_EACH (v, lanes_rows / 8) {
    __m256i first = _mm256_maddubs_epi16(lanes_load(a + v * 32), w),
            second = _mm256_maddubs_epi16(lanes_load(a + row_bytes + v * 32), n);
    sums[v] = _mm256_add_epi32(sums[v], lanes_widened(_mm256_add_epi16(first, second)));
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

/// A group of rows times four columns from `column` on.
MAAS_INLINE void multiply_lanes(const bool twice, const lanes_panel *p, const uint8_t *a, int64_t column,
                                const int32_t *base, int32_t *to) {
  lanes_sums sums;
  const uint8_t *w = p->weights + column * 4, *at = a;
  int64_t q = 0;
  MAAS_EACH (j, lane_columns)
    MAAS_EACH (v, lanes_rows / 8)
      sums[j][v] = _mm256_set1_epi32(base[column + j]);
  for (; twice && q + 2 <= p->quads; q += 2, w += 8 * MAAS_NR, at += 2 * row_bytes)
    MAAS_EACH (j, lane_columns)
      add_two_quads(at, plain_word(w + j * 4), plain_word(w + 4 * MAAS_NR + j * 4), sums[j]);
  for (; q < p->quads; q++, w += 4 * MAAS_NR, at += row_bytes)
    MAAS_EACH (j, lane_columns)
      add_quad(at, plain_word(w + j * 4), sums[j]);
  MAAS_EACH (j, lane_columns) {
    const lanes_rest *rest = p->rests + (column + j) * p->quads;
    for (int64_t i = 0; !twice && i < p->counts[column + j]; i++)
      add_quad(a + rest[i].at, rest[i].weights, sums[j]);
  }
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

static void finish_lanes(const maas_s8_block *k, const panel_columns *c, int64_t r, int64_t count, int64_t j,
                         const int32_t *sums) {
  if (c->is_plain && k->finish->y_type != MAAS_ELEMENT_F32) {
    (c->packs_only ? packed_lanes : held_lanes)(k, c, r, count, j, sums);
    return;
  }
  int32_t rows[lanes_rows * MAAS_NR];
  turn_sums(sums, rows);
  finish_of(c)(k, c, r, count, j, rows);
}

/// The rows of k, which lie in `a`, times a panel.
static void multiply_lanes_panel(const maas_s8_block *k, int64_t j, const uint8_t *b, const uint8_t *a,
                                 uint8_t *spare) {
  lanes_panel p = {.quads = maas_s8_quads(k->k)};
  if (!make_panel(b, spare, &p)) {
    multiply_panel(k, j, b);
    return;
  }
  panel_columns c;
  load_columns(k, j, b, &c);
  lanes_kernel *multiply_four = p.adds_twice ? lanes_twice : lanes_once;
  int32_t sums[lanes_rows * MAAS_NR];
  for (int64_t r = 0; r < k->rows; r += lanes_rows, a += p.quads * row_bytes) {
    for (int64_t column = 0; column < c.width; column += lane_columns)
      multiply_four(&p, a, column, c.base, sums);
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
  const uint8_t *b = k->b;
  uint8_t *a = k->spare;
  for (int64_t i = 0; !k->is_turned && i < groups; i++)
    turn_group(k, i * lanes_rows, a + i * quads * row_bytes);
  for (int64_t j = 0; j < k->columns; j += MAAS_NR, b += maas_s8_panel(k->k, MAAS_NR))
    multiply_lanes_panel(k, j, b, a, a + groups * quads * row_bytes);
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
