/// Few rows of bytes with AVX2: one row and several panels at a time, as memory gives several streams sooner than one.
/// The row's bytes less 128 give the weights their sign, so that two products always fit 16 bits; only the weight -128
/// has no opposite. Included by block.h.

/// Adds the products of a quad, less 128, and so many panels.
MAAS_INLINE void add_signed(const int panels, const uint8_t *row, const uint8_t *b, int64_t panel, vi *sums) {
  const vi signs = _mm256_xor_si256(vi_set(load_word(row)), _mm256_set1_epi8(-128)),
           sizes = _mm256_abs_epi8(signs);
  MAAS_EACH (v, panels * MAAS_NV) {
    vi w = lanes_load(b + v / MAAS_NV * panel + v % MAAS_NV * 32);
    sums[v] = vi_dot_bytes(sums[v], sizes, _mm256_sign_epi8(w, signs));
  }
}

MAAS_INLINE void multiply_signed(const int panels, const uint8_t *row, int64_t quads, const uint8_t *b,
                                 int64_t panel, int32_t *to) {
  vi sums[few_panels * MAAS_NV];
  MAAS_EACH (v, panels * MAAS_NV)
    sums[v] = vi_set(0);
  for (; quads >= 2; quads -= 2, row += 8, b += 2 * quad_bytes)
    MAAS_EACH (i, 2)
      add_signed(panels, row + 4 * i, b + i * quad_bytes, panel, sums);
  for (; quads > 0; quads--, row += 4, b += quad_bytes)
    add_signed(panels, row, b, panel, sums);
  MAAS_EACH (v, panels * MAAS_NV)
    vi_store(to + v * V_WIDTH, sums[v]);
}

typedef void signed_kernel(const uint8_t *row, int64_t quads, const uint8_t *b, int64_t panel, int32_t *to);
#define MAAS_SIGNED(panels)                                                                                  \
  static __attribute__((noinline)) void signed_##panels(const uint8_t *row, int64_t quads, const uint8_t *b, \
                                                        int64_t panel, int32_t *to) {                        \
    multiply_signed(panels, row, quads, b, panel, to);                                                       \
  }
MAAS_SIGNED(1)
MAAS_SIGNED(2)
MAAS_SIGNED(4)

/// What becomes of the sums: the same numbers as those of other rows, in the same order.
typedef struct few_finish {
  vi zero; ///< The rows' zero point less 128.
  vf scale;
  const float *scales; ///< Of columns, or NULL.
  const float *bias, *residual;
  float *y;
} few_finish;

static few_finish few_finish_of(const maas_s8_block *k) {
  const maas_s8_finish *f = k->finish;
  const float *a = k->operands[MAAS_S8_A_SCALE], *b = k->operands[MAAS_S8_B_SCALE],
              *bias = k->operands[MAAS_S8_BIAS], *residual = k->operands[MAAS_S8_RESIDUAL];
  bool has_columns = f->b_scales > 1;
  return (few_finish){.zero = vi_set(maas_s8_a_zero(f, k->operands, 0) - 128),
                      .scale = v_set((a ? *a : 1) * (b && !has_columns ? *b : 1)),
                      .scales = has_columns ? b + own_column(k, 0, f->b_scales) : NULL,
                      .bias = bias ? bias + k->bias : NULL,
                      .residual = residual ? residual + k->y : NULL,
                      .y = (float *)k->operands[MAAS_S8_Y] + k->y};
}

/// A vector of columns from j on, at `at` in Y.
MAAS_INLINE void finish_few(const few_finish *f, int64_t j, int64_t at, vi sum, const int32_t *column_sums) {
  sum = vi_sub(sum, vi_mul(f->zero, vi_load(column_sums)));
  vf x = v_mul(vi_to_float(sum), f->scales ? v_mul(f->scale, v_load(f->scales + j)) : f->scale);
  x = v_add(x, f->bias ? v_load(f->bias + j) : v_set(0));
  v_store(f->y + at, f->residual ? v_add(x, v_load(f->residual + at)) : x);
}

/// Row r of a panel.
static void few_to_floats(const maas_s8_block *k, const few_finish *f, int64_t j, int64_t r,
                          const int32_t *sums, const int32_t *column_sums) {
  MAAS_EACH (v, MAAS_NV)
    finish_few(f, j + v * V_WIDTH, r * k->y_row + j + v * V_WIDTH, vi_load(sums + v * V_WIDTH),
               column_sums + v * V_WIDTH);
}

/// Row r of a panel, whatever becomes of it.
static void finish_signed(const maas_s8_block *k, const panel_columns *c, int64_t j, int64_t r, int32_t *sums,
                          const int32_t *column_sums) {
  MAAS_EACH (v, MAAS_NV) {
    vi less = vi_mul(vi_set(128), vi_load(column_sums + v * V_WIDTH));
    vi_store(sums + v * V_WIDTH,
             vi_add(vi_add(vi_load(sums + v * V_WIDTH), less), vi_load(c->base + v * V_WIDTH)));
  }
  finish_some(k, c, r, 1, j, sums);
}

/// Whether rows become floats and have nothing of their own but a residual.
static bool become_floats(const maas_s8_block *k) {
  const maas_s8_finish *f = k->finish;
  return !k->a_sums && f->y_type == MAAS_ELEMENT_F32 && f->a_zeros <= 1 && f->a_scales <= 1 &&
         !f->bias_is_integer && !k->operands[MAAS_S8_Y_SCALE] && f->activation.op == MAAS_UNARY_IDENTITY;
}

/// More rows share what `multiply` makes of a panel, which pays unless finishing them is cheaper here.
static bool are_few(const maas_s8_block *k) {
  return !k->places && k->pieces == 1 && k->lanes && maas_s8_notes_bytes(k->k, MAAS_NR) > 0 &&
         (k->rows <= few_rows || become_floats(k));
}

/// How many panels from column j on are taken at once, those without the weight -128: 0, 1, 2 or 4.
static int few_panels_at(const maas_s8_block *k, int64_t j, const uint8_t *notes) {
  int count = 0;
  while (count < few_panels && j < k->columns &&
         ((const maas_s8_notes *)(const void *)notes)->has_opposites) {
    notes += maas_s8_notes_bytes(k->k, MAAS_NR);
    count++, j += MAAS_NR;
  }
  return count == 3 ? 2 : count;
}

/// So many panels from column j on.
static void multiply_few_panels(const maas_s8_block *k, const few_finish *f, int panels, int64_t j,
                                const uint8_t *b) {
  const int64_t panel = maas_s8_panel(k->k, MAAS_NR);
  signed_kernel *kernel = panels == 4 ? signed_4 : panels == 2 ? signed_2 : signed_1;
  panel_columns c[few_panels];
  for (int q = 0; !f && q < panels; q++)
    load_columns(k, j + q * MAAS_NR, column_sums(k, b + q * panel), &c[q]);
  for (int64_t r = 0; r < k->rows; r++) {
    int32_t sums[few_panels * MAAS_NR];
    kernel(k->a + r * k->a_row, maas_s8_quads(k->k), b, panel, sums);
    for (int q = 0; q < panels; q++) {
      const int32_t *of_columns = column_sums(k, b + q * panel);
      if (f)
        few_to_floats(k, f, j + q * MAAS_NR, r, sums + q * MAAS_NR, of_columns);
      else
        finish_signed(k, &c[q], j + q * MAAS_NR, r, sums + q * MAAS_NR, of_columns);
    }
  }
}

static __attribute__((noinline)) void multiply_few(const maas_s8_block *k) {
  const bool floats = become_floats(k);
  const few_finish f = floats ? few_finish_of(k) : (few_finish){0};
  const uint8_t *b = k->b, *notes = (const uint8_t *)k->lanes->notes;
  for (int64_t j = 0, panels; j < k->columns; j += panels * MAAS_NR) {
    panels = few_panels_at(k, j, notes);
    if (panels > 0)
      multiply_few_panels(k, floats && k->columns - j >= panels * MAAS_NR ? &f : NULL, (int)panels, j, b);
    else
      multiply_panel(k, j, b), panels = 1;
    b += panels * maas_s8_panel(k->k, MAAS_NR), notes += panels * maas_s8_notes_bytes(k->k, MAAS_NR);
  }
}
