/// Few rows of bytes times panels that become floats, with AVX2: one row and two panels at a time, whose sums never
/// leave the registers. The row's bytes less 128 give the weights their sign, so that two products always fit 16 bits;
/// only the weight -128 has no opposite. Included by block.h.

enum { few_panels = 2, few_sums = few_panels * MAAS_NV };

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
                                 int64_t panel, vi *sums) {
  MAAS_EACH (v, panels * MAAS_NV)
    sums[v] = vi_set(0);
  for (; quads >= 4; quads -= 4, row += 16, b += 4 * quad_bytes)
    MAAS_EACH (i, 4)
      add_signed(panels, row + 4 * i, b + i * quad_bytes, panel, sums);
  for (; quads > 0; quads--, row += 4, b += quad_bytes)
    add_signed(panels, row, b, panel, sums);
}

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

MAAS_INLINE void few_to_floats(const int panels, const maas_s8_block *k, const few_finish *f, int64_t j,
                               const uint8_t *b) {
  const int64_t panel = maas_s8_panel(k->k, MAAS_NR), quads = maas_s8_quads(k->k);
  const int32_t *column_sums = (const int32_t *)(const void *)(b + quads * quad_bytes);
  for (int64_t r = 0; r < k->rows; r++) {
    vi sums[few_sums];
    multiply_signed(panels, k->a + r * k->a_row, quads, b, panel, sums);
    MAAS_EACH (v, panels * MAAS_NV)
      finish_few(f, j + v * V_WIDTH, r * k->y_row + j + v * V_WIDTH, sums[v],
                 column_sums + v / MAAS_NV * (panel / 4) + v % MAAS_NV * V_WIDTH);
  }
}

/// Whether rows become floats and have nothing of their own but a residual.
static bool are_few(const maas_s8_block *k) {
  const maas_s8_finish *f = k->finish;
  return !k->places && k->pieces == 1 && k->lanes && !k->a_sums && maas_s8_notes_bytes(k->k, MAAS_NR) > 0 &&
         f->y_type == MAAS_ELEMENT_F32 && f->a_zeros <= 1 && f->a_scales <= 1 && !f->bias_is_integer &&
         !k->operands[MAAS_S8_Y_SCALE] && f->activation.op == MAAS_UNARY_IDENTITY;
}

/// How many panels from column j on can be taken at once: whole ones without the weight -128.
static int few_panels_at(const maas_s8_block *k, int64_t j, const uint8_t *notes) {
  int count = 0;
  while (count < few_panels && k->columns - j >= MAAS_NR &&
         ((const maas_s8_notes *)(const void *)notes)->has_opposites) {
    notes += maas_s8_notes_bytes(k->k, MAAS_NR);
    count++, j += MAAS_NR;
  }
  return count;
}

static __attribute__((noinline)) void multiply_few(const maas_s8_block *k) {
  const few_finish f = few_finish_of(k);
  const uint8_t *b = k->b, *notes = (const uint8_t *)k->lanes->notes;
  for (int64_t j = 0, panels; j < k->columns; j += panels * MAAS_NR) {
    panels = few_panels_at(k, j, notes);
    if (panels == 2)
      few_to_floats(2, k, &f, j, b);
    else if (panels == 1)
      few_to_floats(1, k, &f, j, b);
    else
      multiply_panel(k, j, b), panels = 1;
    b += panels * maas_s8_panel(k->k, MAAS_NR), notes += panels * maas_s8_notes_bytes(k->k, MAAS_NR);
  }
}
