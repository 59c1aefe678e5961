/// Sums and products of two quantized tensors, quantized again, for one instruction set. Included by body.h.

/// y = (fixed + a a_factor) + b b_factor, or (a - a_zero) (b - b_zero) factor + y_zero.
typedef struct coefficients {
  float a_zero, b_zero, y_zero, factor, a_factor, b_factor, fixed, low, high;
} coefficients;

static float zero_point(const void *zero, maas_element type) {
  float value = 0;
  if (zero)
    loads[type](zero, 1, 1, &value);
  return value;
}

static coefficients coefficients_of(const maas_step *step) {
  const maas_qbinary_params *g = step->params;
  const float *a = step->operands[1], *b = step->operands[4], *y = step->operands[6];
  coefficients c = {.a_zero = zero_point(step->operands[2], g->type),
                    .b_zero = zero_point(step->operands[5], g->type),
                    .y_zero = zero_point(step->operands[7], g->type),
                    .factor = *a * *b / *y,
                    .a_factor = *a / *y,
                    .b_factor = *b / *y,
                    .low = g->type == MAAS_ELEMENT_S8 ? -128 : 0,
                    .high = g->type == MAAS_ELEMENT_S8 ? 127 : 255};
  c.fixed = c.y_zero - (c.a_factor * c.a_zero + c.b_factor * c.b_zero);
  return c;
}

static void add_pairs(const coefficients *c, const float *a, const float *b, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    y[i] = (c->fixed + a[i] * c->a_factor) + b[i] * c->b_factor;
}

/// The product of the differences is exact; what is halfway must stay so until it is rounded.
static void multiply_pairs(const coefficients *c, const float *a, const float *b, float *y, int64_t n) {
#pragma clang fp contract(off)
  for (int64_t i = 0; i < n; i++)
    y[i] = (a[i] - c->a_zero) * (b[i] - c->b_zero) * c->factor + c->y_zero;
}

/// What two vectors become before it is held and rounded.
static inline vf combined(const coefficients *c, const bool multiplies, vf a, vf b) {
  if (!multiplies)
    return v_fma(b, v_set(c->b_factor), v_fma(a, v_set(c->a_factor), v_set(c->fixed)));
  vf product = v_mul(v_sub(a, v_set(c->a_zero)), v_sub(b, v_set(c->b_zero)));
  return v_add(v_mul(product, v_set(c->factor)), v_set(c->y_zero));
}

#ifdef V_PACKS_BYTES
/// Sums of neighbours, four vectors at a time, which packing holds.
static inline __attribute__((always_inline)) int64_t add_packed(const coefficients *c,
                                                                const maas_element type, const uint8_t *a,
                                                                const uint8_t *b, uint8_t *y, int64_t n) {
  const bool is_signed = type == MAAS_ELEMENT_S8;
  const v_byte_bounds bounds = v_byte_bounds_of(is_signed ? 128 : 0, 0, 255, is_signed);
  int64_t i = 0;
  for (; i + 4 * V_WIDTH <= n; i += 4 * V_WIDTH) {
    vf x[4];
    for (int v = 0; v < 4; v++) {
      const int64_t at = i + v * V_WIDTH;
      x[v] = combined(c, false, bytes_at(a + at, type), bytes_at(b + at, type));
    }
    v_store_four(true, y + i, x, &bounds);
  }
  return i;
}
#endif

/// Whole vectors of neighbours and of one number for all; returns how many elements those were.
static int64_t combine_vectors(const maas_qbinary_params *g, const coefficients *c, const uint8_t *a,
                               int64_t a_step, const uint8_t *b, int64_t b_step, uint8_t *y, int64_t n) {
  int64_t i = 0;
#ifdef V_PACKS_BYTES
  if (!g->multiplies && a_step == 1 && b_step == 1)
    i = g->type == MAAS_ELEMENT_S8 ? add_packed(c, MAAS_ELEMENT_S8, a, b, y, n)
                                   : add_packed(c, MAAS_ELEMENT_U8, a, b, y, n);
#endif
  float one[2];
  loads[g->type](a, 0, 1, one);
  loads[g->type](b, 0, 1, one + 1);
  vf left = v_set(one[0]), right = v_set(one[1]), low = v_set(c->low), high = v_set(c->high);
  for (; i + V_WIDTH <= n; i += V_WIDTH) {
    if (a_step)
      left = bytes_at(a + i, g->type);
    if (b_step)
      right = bytes_at(b + i, g->type);
    vf x = combined(c, g->multiplies, left, right);
    vi_store_bytes(y + i, v_to_int(v_round(v_min(v_max(x, low), high))));
  }
  return i;
}

static void combine_pairs(const maas_qbinary_params *g, const coefficients *c, const void *a, int64_t a_step,
                          const void *b, int64_t b_step, uint8_t *restrict y, int64_t n) {
  if (n > 0 && a_step <= 1 && b_step <= 1) {
    int64_t done = combine_vectors(g, c, a, a_step, b, b_step, y, n);
    a = (const uint8_t *)a + done * a_step, b = (const uint8_t *)b + done * b_step, y += done, n -= done;
  }
  float left[stretch], right[stretch];
  loads[g->type](a, a_step, n, left);
  loads[g->type](b, b_step, n, right);
  (g->multiplies ? multiply_pairs : add_pairs)(c, left, right, left, n);
  for (int64_t i = 0; i < n; i++)
    y[i] = (uint8_t)(int32_t)rounded(left[i], c->low, c->high);
}

int32_t MAAS_F32_KERNEL(qbinary)(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker) {
  (void)worker;
  const maas_qbinary_params *g = step->params;
  const uint8_t *a = step->operands[0], *b = step->operands[3];
  coefficients c = coefficients_of(step);
  int32_t outer = g->rank - 1;
  int64_t inner = g->dims[outer], column = begin % inner;
  maas_walk w = maas_walk_at(begin / inner, outer, g->dims, g->a_strides, g->b_strides);
  for (int64_t i = begin, n; i < end; i += n) {
    n = inner - column < end - i ? inner - column : end - i;
    if (g->multiplies || g->a_strides[outer] != 1 || g->b_strides[outer] != 1)
      n = n < stretch ? n : stretch;
    combine_pairs(g, &c, a + w.a + column * g->a_strides[outer], g->a_strides[outer],
                  b + w.b + column * g->b_strides[outer], g->b_strides[outer],
                  (uint8_t *)step->operands[8] + i, n);
    column += n;
    if (column == inner) {
      column = 0;
      maas_walk_next(&w);
    }
  }
  return MAAS_STEP_OK;
}
