/// Products of bytes with codes of 4 and 2 bits where an instruction adds two products to 16 bits: those of a few words
/// add up there before they become 32 bits. One row meets several panels at once, without fetching ahead, as memory
/// gives several streams sooner than one. Included by bytes.h.

/// Words of a column whose products fit 16 bits: 2 * 15 * 127, 8 times. The most sums at once.
enum { pair_words = 4, most_sums = 8 };

/// Rows of A, `a_row` bytes and `blocks` blocks each, and panels of B, so many words or numbers after each other.
typedef struct pair_tile {
  const int8_t *a;
  const int32_t *codes;
  const float *a_sums, *a_scales, *scales, *zeros;
  int64_t a_row, blocks, panel;
  int64_t zero_row, zero_panel; ///< Of zeros, as well from block to block: 0 where all are the same.
} pair_tile;

/// sums += products of A with the next word of each panel.
MAAS_INLINE void add_pairs(const int bits, const int rows, const int panels, pair_tile *t, vi *sums) {
  const vi low = vi_set(bits == 2 ? 0x03030303 : 0x0f0f0f0f);
  MAAS_EACH (column, panels * MAAS_NV) {
    vi word = vi_load(t->codes + column / MAAS_NV * t->panel + column % MAAS_NV * V_WIDTH);
    MAAS_EACH (part, 8 / bits) {
      vi own = vi_and(word, low);
      MAAS_EACH (r, rows) {
        vi *sum = &sums[r * panels * MAAS_NV + column];
        *sum = vi_add_pairs(*sum, own, vi_set(load_word(t->a + r * t->a_row + 4 * part)));
      }
      word = next_code(bits, word);
    }
  }
  t->a += 32 / bits, t->codes += MAAS_NR;
}

/// total += scale (A's scale sums - A's sum zero), what is subtracted where block `b` ends only.
MAAS_INLINE void scale_pairs(const int rows, const int panels, const pair_tile *t, int64_t b, bool ends,
                             const vi *sums, vf *total) {
  MAAS_EACH (r, rows) {
    vf a_sum = v_set(ends ? t->a_sums[r * t->blocks + b] : 0),
       a_scale = v_set(t->a_scales[r * t->blocks + b]);
    MAAS_EACH (column, panels * MAAS_NV) {
      const int q = column / MAAS_NV, v = column % MAAS_NV, i = r * panels * MAAS_NV + column;
      vf less = v_mul(a_sum, v_load(t->zeros + q * t->zero_panel + b * t->zero_row + v * V_WIDTH));
      vf dot = v_mul_sub(a_scale, vi_to_float(vi_dot_pairs(sums[i], vi_set(0x00010001))), less);
      total[i] = v_fma(v_load(t->scales + (q * t->blocks + b) * MAAS_NR + v * V_WIDTH), dot, total[i]);
    }
  }
}

/// Blocks of `words` words, as many at a time as fit.
MAAS_INLINE void multiply_pairs(const int bits, const int rows, const int panels, int64_t words, pair_tile t,
                                vf *total) {
  int64_t count = maas_min64(words, pair_words), last = words / count - 1;
  int shift = __builtin_popcountll((uint64_t)last);
  MAAS_EACH (i, rows * panels * MAAS_NV)
    total[i] = v_set(0);
  for (int64_t part = 0; part < t.blocks << shift; part++) {
    vi sums[most_sums];
    MAAS_EACH (i, rows * panels * MAAS_NV)
      sums[i] = vi_set(0);
    for (int64_t w = 0; w < count; w++)
      add_pairs(bits, rows, panels, &t, sums);
    scale_pairs(rows, panels, &t, part >> shift, (part & last) == last, sums, total);
  }
}

static __attribute__((noinline)) void store_panel(const vf *total, const maas_f32_nbits_params *g,
                                                  void *const *operands, int64_t i, int64_t j) {
  maas_nbits_store(total, MAAS_NV, operands[5] ? (const float *)operands[5] + j : NULL,
                   (float *)operands[6] + i * g->n + j, maas_min64(MAAS_NR, g->n - j));
}

/// Rows i ... i + rows of the panels of columns that begin at j.
MAAS_INLINE void rows_of_panels(const int bits, const int rows, const int panels,
                                const maas_f32_nbits_params *g, void *const *operands, int64_t i, int64_t j) {
  int64_t blocks = g->k / g->block, words = g->k * bits / 32;
  float middle[MAAS_NR];
  vf total[most_sums];
  pair_tile t = {.a = (const int8_t *)operands[0] + i * g->k,
                 .codes = (const int32_t *)operands[1] + j * words,
                 .a_sums = (const float *)operands[4] + i * blocks,
                 .a_scales = (const float *)operands[7] + i * blocks,
                 .scales = (const float *)operands[2] + j * blocks,
                 .zeros = middle,
                 .a_row = g->k,
                 .blocks = blocks,
                 .panel = words * MAAS_NR};
  MAAS_EACH (v, MAAS_NV)
    v_store(middle + v * V_WIDTH, v_set(g->zero));
  if (operands[3])
    t.zeros = (const float *)operands[3] + j * blocks, t.zero_row = MAAS_NR, t.zero_panel = blocks * MAAS_NR;
  multiply_pairs(bits, rows, panels, g->block * bits / 32, t, total);
  for (int at = 0; at < rows * panels; at++)
    store_panel(total + at * MAAS_NV, g, operands, i + at / panels, j + at % panels * MAAS_NR);
}

#define MAAS_ROWS_OF_PANELS(name, bits, rows, panels)                                                        \
  static __attribute__((noinline)) void name(const maas_f32_nbits_params *g, void *const *operands,          \
                                             int64_t i, int64_t j) {                                         \
    rows_of_panels(bits, rows, panels, g, operands, i, j);                                                   \
  }
MAAS_ROWS_OF_PANELS(crumbs_one, 2, 1, 1)
MAAS_ROWS_OF_PANELS(nibbles_one, 4, 1, 1)
MAAS_ROWS_OF_PANELS(nibbles_many, 4, most_rows, 1)
MAAS_ROWS_OF_PANELS(nibbles_panels, 4, 1, most_panels)

/// All rows of one panel, or of the most.
static void multiply_panels(const maas_f32_nbits_params *g, void *const *operands, int64_t panels,
                            int64_t j) {
  int64_t i = 0;
  for (; panels > 1 && i < g->m; i++)
    nibbles_panels(g, operands, i, j);
  for (; g->bits == 4 && i + most_rows <= g->m; i += most_rows)
    nibbles_many(g, operands, i, j);
  for (; i < g->m; i++)
    (g->bits == 4 ? nibbles_one : crumbs_one)(g, operands, i, j);
}

void MAAS_F32_SHARED(nbits_bytes)(const maas_f32_nbits_params *g, void *const *operands, int64_t begin,
                                  int64_t end) {
  bool streams = g->bits == 4 && g->m < most_rows;
  for (int64_t panels; begin < end; begin += panels) {
    panels = streams && end - begin >= most_panels ? most_panels : 1;
    multiply_panels(g, operands, panels, begin * MAAS_NR);
  }
}
