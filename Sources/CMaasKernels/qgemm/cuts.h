/// Which weights of a panel are cut, and the panel with those cut. Included by lanes.h.

static inline __m256i pair_sums(__m256i x) { return _mm256_maddubs_epi16(_mm256_set1_epi8(1), x); }
static inline __m256i positive_sums(__m256i x) {
  return _mm256_maddubs_epi16(_mm256_max_epi8(x, _mm256_setzero_si256()), _mm256_set1_epi8(1));
}

/// Marks where the weights of a quad, or of that and the `next` one, that meet in 16 bits add up to too much: those of
/// columns 0 ... 3, 8 ... 11, 4 ... 7 and 12 ... 15, in this order. Two of them do only if they have one sign.
static inline uint32_t mark_lanes(const uint8_t *b, const uint8_t *next) {
  __m256i most = _mm256_set1_epi16(most_sum), large[MAAS_NV];
  MAAS_EACH (v, MAAS_NV) {
    __m256i x = lanes_load(b + v * 32), sum = pair_sums(x), larger = _mm256_abs_epi16(sum);
    if (next) {
      __m256i y = lanes_load(next + v * 32), positive = _mm256_add_epi16(positive_sums(x), positive_sums(y));
      larger = _mm256_max_epi16(positive, _mm256_sub_epi16(positive, _mm256_add_epi16(sum, pair_sums(y))));
    }
    large[v] = _mm256_cmpgt_epi16(larger, most);
  }
  return (uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(large[0], large[1]));
}

/// Where weights meet: `step` quads from q on. What is noted of them there, at most `most` cuts.
typedef struct cut_list {
  const uint8_t *b;
  int64_t quads, step, count, most;
  maas_s8_notes *to;
} cut_list;

static uint32_t marks_of(const cut_list *l, int64_t q) {
  bool has_next = l->step > 1 && q + 1 < l->quads;
  const uint8_t *b = l->b + q * quad_bytes;
  return has_next ? mark_lanes(b, b + quad_bytes) : mark_lanes(b, NULL);
}

static bool note_cut(cut_list *l, int64_t q, int column, int byte, int rest) {
  if (l->count == l->most)
    return false;
  l->to->counts[column]++;
  l->to->cuts[l->count++] = (uint32_t)q << 14 | (uint32_t)column << 10 | (uint32_t)byte << 8 | (uint8_t)rest;
  return true;
}

/// A place among the marks.
typedef struct marked_lane {
  int column, first; ///< The byte of its first weight in a quad.
} marked_lane;

static inline marked_lane lane_at(int place) {
  return (marked_lane){(place & 6) / 2 + (place & 8) + (place & 16) / 4, 2 * (place & 1)};
}

/// Cuts the second weight of two, in two steps if need be.
static inline bool note_pair(cut_list *l, int64_t q, marked_lane at) {
  const int8_t *pair = (const int8_t *)l->b + q * quad_bytes + at.column * 4 + at.first;
  int sum = pair[0] + pair[1], rest = sum - (sum > 0 ? most_sum : -most_sum);
  int more = rest > most_rest ? rest - most_rest : rest < -most_rest ? rest + most_rest : 0;
  return note_cut(l, q, at.column, at.first + 1, rest - more) &&
         (more == 0 || note_cut(l, q, at.column, at.first + 1, more));
}

/// Cuts the largest of the weights of this sign, of two quads or of a last one, until they fit.
static bool note_lane(cut_list *l, int64_t q, marked_lane at, int sign) {
  int count = q + 1 < l->quads ? 4 : 2, excess = -most_sum, sizes[4];
  for (int i = 0; i < count; i++) {
    int weight = (int8_t)l->b[(q + i / 2) * quad_bytes + at.column * 4 + at.first + i % 2] * sign;
    sizes[i] = weight > 0 ? weight : 0;
    excess += sizes[i];
  }
  while (excess > 0) {
    int largest = 0;
    for (int i = 1; i < count; i++)
      largest = sizes[i] > sizes[largest] ? i : largest;
    int rest = (int)maas_min64(excess, maas_min64(sizes[largest], most_rest));
    if (!note_cut(l, q + largest / 2, at.column, at.first + largest % 2, rest * sign))
      return false;
    sizes[largest] -= rest, excess -= rest;
  }
  return true;
}

static bool note_mark(cut_list *l, int64_t q, int place) {
  marked_lane at = lane_at(place);
  return l->step == 1 ? note_pair(l, q, at) : note_lane(l, q, at, 1) && note_lane(l, q, at, -1);
}

static inline uint32_t column_of(uint32_t cut) { return cut >> 10 & 15; }

/// Puts the cuts of a column behind each other, in any order.
static void sort_cuts(maas_s8_notes *notes) {
  uint32_t *next[MAAS_NR], *end = notes->cuts;
  for (int j = 0; j < MAAS_NR; end += notes->counts[j++])
    next[j] = end;
  end = notes->cuts;
  for (uint32_t j = 0; j < MAAS_NR; j++)
    for (end += notes->counts[j]; next[j] < end;) {
      uint32_t *from = next[j], cut = *from, *place = next[column_of(cut)]++;
      *from = *place, *place = cut;
    }
}

/// False if there are more cuts than `most`.
static bool note_cuts(const uint8_t *b, int64_t quads, int64_t step, int64_t most, maas_s8_notes *to) {
  cut_list l = {.b = b, .quads = quads, .step = step, .most = most, .to = to};
  memset(to->counts, 0, sizeof to->counts);
  for (int64_t q = 0; q < quads; q += step)
    for (uint32_t marks = marks_of(&l, q); marks; marks &= marks - 1)
      if (!note_mark(&l, q, __builtin_ctz(marks)))
        return false;
  sort_cuts(to);
  return true;
}

/// Notes at most so many cuts for four weights that meet, else at most so many for two.
static void note_panel(const uint8_t *b, int64_t quads, int64_t most_twice, int64_t most, maas_s8_notes *to) {
  to->way = note_cuts(b, quads, 2, most_twice, to) ? maas_s8_twice
            : note_cuts(b, quads, 1, most, to)     ? maas_s8_once
                                                   : maas_s8_apart;
}

static bool has_opposites(const uint8_t *b, int64_t quads) {
  __m256i lowest = _mm256_setzero_si256();
  for (int64_t i = 0; i < quads * quad_bytes; i += 32)
    lowest = _mm256_min_epi8(lowest, lanes_load(b + i));
  return _mm256_testz_si256(_mm256_cmpeq_epi8(lowest, _mm256_set1_epi8(INT8_MIN)), _mm256_set1_epi8(-1));
}

/// Sixteen quads save as much when two of them are added in 16 bits as one that is multiplied apart costs.
void maas_s8_note_avx2(const void *panel, int64_t k, maas_s8_notes *notes) {
  int64_t quads = maas_s8_quads(k), room = maas_s8_noted_cuts(k), once = 0;
  cut_list l = {.b = panel, .quads = quads, .step = 1};
  for (int64_t q = 0; q < quads; q++)
    once += __builtin_popcount(marks_of(&l, q));
  notes->has_opposites = has_opposites(panel, quads);
  note_panel(panel, quads, maas_min64(room, once + quads * MAAS_NR / 16), room, notes);
  if (notes->way == maas_s8_apart && once <= maas_s8_most_cuts(k))
    notes->way = maas_s8_unknown;
}

/// False if there are more than `most` cuts, or fewer than none.
static bool find_starts_of_rests(const maas_s8_notes *notes, int64_t most, lanes_panel *p) {
  int64_t sum = 0;
  p->starts[0] = 0;
  for (int j = 0; j < MAAS_NR; j++) {
    sum += notes->counts[j];
    if (notes->counts[j] < 0 || sum > most)
      return false;
    int64_t end = p->starts[j] + maas_round_up(notes->counts[j], 2);
    p->starts[j + 1] = end;
    if (notes->counts[j] > 0)
      p->rests[end - 1] = (lanes_rest){0};
  }
  return true;
}

/// Copies a panel so that the quads of the columns that are multiplied together follow each other.
static void copy_groups(const uint8_t *b, int64_t quads, uint8_t *copy) {
  int64_t q = 0, step = quads * group_bytes;
  for (; q + 2 <= quads; q += 2, b += 2 * quad_bytes, copy += 2 * group_bytes)
    MAAS_EACH (i, MAAS_NV) {
      __m256i x = lanes_load(b + i * 32), y = lanes_load(b + quad_bytes + i * 32);
      lanes_store(copy + 2 * i * step, _mm256_permute2x128_si256(x, y, 0x20));
      lanes_store(copy + (2 * i + 1) * step, _mm256_permute2x128_si256(x, y, 0x31));
    }
  for (int64_t i = 0; q < quads && i < MAAS_NR / lane_columns; i++)
    memcpy(copy + i * step, b + i * group_bytes, group_bytes);
}

/// Cuts a column of such a copy, whose `weights` begin at its first quad; false if a cut is of no quad, or of another
/// column.
static bool cut_column(const uint32_t *cuts, int32_t count, uint32_t column, int64_t quads, uint8_t *weights,
                       lanes_rest *rests) {
  for (int32_t i = 0; i < count; i++) {
    uint32_t cut = cuts[i], q = cut >> 14, rest = cut & 255;
    if (q >= quads || column_of(cut) != column)
      return false;
    uint8_t *weight = weights + q * group_bytes + (cut >> 8 & 3);
    *weight = (uint8_t)(*weight - rest);
    rests[i] = (lanes_rest){(int32_t)q * row_bytes, (int32_t)(rest << (cut >> 5 & 24))};
  }
  return true;
}

static bool apply_cuts(const maas_s8_notes *notes, uint8_t *copy, lanes_panel *p) {
  const uint32_t *cuts = notes->cuts;
  bool all = true;
  for (int64_t j = 0; all && j < MAAS_NR; cuts += notes->counts[j++])
    all = cut_column(cuts, notes->counts[j], (uint32_t)j, p->quads,
                     copy + j / lane_columns * p->quads * group_bytes + j % lane_columns * 4,
                     p->rests + p->starts[j]);
  return all;
}

/// Cuts a copy of the panel as notes of at most `most` cuts say. False if they say something else, or what is of no
/// panel: a file may bring them.
static bool follow_notes(const uint8_t *b, const maas_s8_notes *notes, int64_t most, uint8_t *copy,
                         lanes_panel *p) {
  if ((notes->way != maas_s8_once && notes->way != maas_s8_twice) || !find_starts_of_rests(notes, most, p))
    return false;
  p->adds_twice = notes->way == maas_s8_twice;
  p->weights = copy;
  copy_groups(b, p->quads, copy);
  return apply_cuts(notes, copy, p);
}

/// What rows in lanes multiply of a panel of k; false if they do not.
static bool cut_panel(const maas_s8_block *k, const uint8_t *b, const maas_s8_notes *notes, uint8_t *spare,
                      lanes_panel *p) {
  int64_t most = maas_s8_most_cuts(k->k);
  p->rests = (lanes_rest *)(void *)(spare + p->quads * quad_bytes);
  if (notes->way == maas_s8_apart)
    return false;
  if (follow_notes(b, notes, maas_s8_noted_cuts(k->k), spare, p))
    return true;
  maas_s8_notes *found = (maas_s8_notes *)(void *)(p->rests + most + MAAS_NR);
  note_panel(b, p->quads, 0, most, found);
  return follow_notes(b, found, most, spare, p);
}
