/// What becomes of the sums of a panel's rows, for one instruction set: zero points, scales, bias, residual,
/// activation, bytes. Included by block.h.

/// What bytes are held between before they are rounded, and moved by afterwards.
typedef struct byte_bounds {
  vf low, high;
  vi zero;
#ifdef V_PACKS_BYTES
  v_byte_bounds packed;
#endif
} byte_bounds;

/// What the columns of a panel have in common for all rows.
typedef struct panel_columns {
  int32_t base[MAAS_NR];   ///< What every sum begins with.
  int32_t spread[MAAS_NR]; ///< What a row's zero point counts for.
  int32_t zeros[MAAS_NR];  ///< What a row's sum counts for.
  float factor[MAAS_NR], bias[MAAS_NR];
  int64_t width;
  float low, high; ///< Of the activation and, for bytes, of y's type less its zero point.
  int32_t y_zero;
  bool y_is_signed;   ///< Of bytes.
  byte_bounds bounds; ///< Of bytes.
  bool has_zeros, has_row_zeros, has_row_scales;
  bool is_plain;   ///< Rows have nothing of their own, and become floats or bytes.
  bool is_small;   ///< No sum of 32 bits becomes more than 2^30.
  bool packs_only; ///< Bytes need not be held between bounds, which packing does.
  /// Where the columns' numbers are added to bytes: what both count for, and the bounds of bytes that have their zero
  /// point.
  bool adds_more;
  float more_factor, more[MAAS_NR];
  byte_bounds total_bounds;
} panel_columns;

/// Where what B's columns have begins for column j: the numbers of a matrix stand together.
static inline int64_t own_column(const maas_s8_block *k, int64_t j, int64_t count) {
  return count > 1 ? (k->column + j) % count : 0;
}

static void load_zeros(const maas_s8_block *k, int64_t j, panel_columns *c) {
  const maas_s8_finish *f = k->finish;
  int64_t step = f->b_zeros > 1, from = own_column(k, j, f->b_zeros);
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t i = 0; i < c->width; i++)
    c->zeros[i] = maas_byte_at(k->operands[MAAS_S8_B_ZERO], from + i * step, f->b_is_signed);
}

/// `width` numbers of 32 bits, as many as a panel has columns: loops over them have no end to find.
static inline const void *whole_columns(const void *numbers, int64_t width, void *spare) {
  if (width == MAAS_NR)
    return numbers;
  memcpy(spare, numbers, (size_t)width * sizeof(int32_t));
  return spare;
}

/// The products and sums of int32 wrap.
static void load_integers(const maas_s8_block *k, int64_t j, const int32_t *sums, panel_columns *c) {
  const maas_s8_finish *f = k->finish;
  const int32_t *bias = f->bias_is_integer ? k->operands[MAAS_S8_BIAS] : NULL;
  int32_t spare[MAAS_NR] = {0};
  c->has_zeros = k->a_sums != NULL;
  c->has_row_zeros = f->a_zeros > 1;
  uint32_t a_zero = c->has_row_zeros ? 0 : (uint32_t)maas_s8_a_zero(f, k->operands, 0);
  const int32_t *begin = bias ? whole_columns(bias + k->bias + j, c->width, spare) : spare;
  if (!c->has_zeros && !c->has_row_zeros) { // B has no zero points where A's rows have no sums.
    for (int64_t i = 0; i < MAAS_NR; i++)
      c->base[i] = (int32_t)((uint32_t)begin[i] + (quads_less - a_zero) * (uint32_t)sums[i]);
    return;
  }
  for (int64_t i = 0; i < MAAS_NR; i++)
    c->zeros[i] = c->has_zeros ? f->b_zero : 0;
  if (f->b_zeros)
    load_zeros(k, j, c);
  int32_t shift = c->has_zeros && !f->b_is_signed ? -128 : 0;
  for (int64_t i = 0; i < MAAS_NR; i++) {
    uint32_t zero = (uint32_t)(c->zeros[i] + shift);
    uint32_t spread = (uint32_t)sums[i] - (uint32_t)k->k * zero;
    c->zeros[i] = (int32_t)zero;
    c->spread[i] = (int32_t)spread;
    c->base[i] = (int32_t)((uint32_t)begin[i] + quads_less * (uint32_t)sums[i] - a_zero * spread);
  }
}

#ifdef V_PACKS_BYTES
/// The unsigned byte that a bound is rounded to, moved by `zero`. NaN becomes the lowest.
static int32_t byte_bound(float bound, int32_t zero) {
  float held = bound > -512 ? bound < 512 ? bound : 512 : -512;
  return (int32_t)maas_max64(0, maas_min64(255, (int32_t)rintf(held) + zero));
}
#endif

static byte_bounds bounds_of(float low, float high, int32_t zero, bool is_signed) {
  byte_bounds bounds = {.low = v_set(low), .high = v_set(high), .zero = vi_set(zero)};
#ifdef V_PACKS_BYTES
  zero += is_signed ? 128 : 0;
  bounds.packed = v_byte_bounds_of(zero, byte_bound(low, zero), byte_bound(high, zero), is_signed);
#else
  (void)is_signed;
#endif
  return bounds;
}

static void load_bounds(const maas_s8_block *k, float y_scale, panel_columns *c) {
  const maas_s8_finish *f = k->finish;
  bool clips = f->activation.op == MAAS_UNARY_CLIP, relu = f->activation.op == MAAS_UNARY_RELU;
  c->low = clips ? f->activation.alpha / y_scale : relu ? 0 : -INFINITY;
  c->high = clips ? f->activation.beta / y_scale : INFINITY;
  if (f->y_type == MAAS_ELEMENT_F32)
    return;
  bool is_signed = f->y_type == MAAS_ELEMENT_S8;
  const void *zero = k->operands[MAAS_S8_Y_ZERO];
  c->y_is_signed = is_signed;
  c->y_zero = zero ? maas_byte_at(zero, 0, is_signed) : 0;
  float low = (float)((is_signed ? -128 : 0) - c->y_zero), high = low + 255;
  c->low = c->low < low ? low : c->low > high ? high : c->low;
  c->high = c->high < low ? low : c->high < high ? c->high : high;
  c->bounds = bounds_of(c->low, c->high, c->y_zero, is_signed);
}

static void load_more(const maas_s8_block *k, int64_t j, float y_scale, panel_columns *c) {
  const float *bias = k->operands[MAAS_S8_MORE_BIAS], *scale = k->operands[MAAS_S8_MORE_SCALE];
  const void *zero = k->operands[MAAS_S8_MORE_ZERO];
  c->adds_more = bias != NULL;
  if (!bias)
    return;
  float low = c->y_is_signed ? -128 : 0, own = zero ? (float)maas_byte_at(zero, 0, c->y_is_signed) : 0;
  c->total_bounds = bounds_of(low, low + 255, 0, c->y_is_signed);
  c->more_factor = y_scale / *scale;
  memset(c->more, 0, sizeof c->more);
#pragma clang loop unroll(disable) vectorize(disable)
  for (int64_t i = 0; i < c->width; i++)
    c->more[i] = bias[k->bias + j + i] / *scale + (own - c->more_factor * (float)c->y_zero);
}

static void divide_columns(const float *x, float factor, float divisor, int64_t width, float *restrict y) {
  float spare[MAAS_NR] = {0};
  const float *columns = whole_columns(x, width, spare);
  if (divisor == 1) // As for all that become floats, and dividing is slow.
    for (int64_t i = 0; i < MAAS_NR; i++)
      y[i] = factor * columns[i];
  else
    for (int64_t i = 0; i < MAAS_NR; i++)
      y[i] = factor * columns[i] / divisor;
}

static bool is_small(const panel_columns *c) {
  bool small = true;
  for (int64_t i = 0; i < MAAS_NR; i++)
    small = small & (fabsf(c->factor[i]) <= 0.25f) & (fabsf(c->bias[i]) <= 0x1p29f);
  return small;
}

#ifdef MAAS_LANES
/// Whether bytes are unsigned ones without bounds of their own.
static bool packs_only(const panel_columns *c) {
  return c->is_small && !c->y_is_signed && byte_bound(c->low, c->y_zero) == 0 &&
         byte_bound(c->high, c->y_zero) == 255;
}
#endif

/// A sum's factor is (a_scale b_scale) / y_scale, or that of the column where A's rows have scales of their own.
static void load_floats(const maas_s8_block *k, int64_t j, panel_columns *c) {
  const maas_s8_finish *f = k->finish;
  const float *a = k->operands[MAAS_S8_A_SCALE], *b = k->operands[MAAS_S8_B_SCALE],
              *y = k->operands[MAAS_S8_Y_SCALE];
  const float *bias = f->bias_is_integer ? NULL : k->operands[MAAS_S8_BIAS];
  c->has_row_scales = a && f->a_scales > 1;
  float left = a && !c->has_row_scales ? *a : 1, y_scale = y ? *y : 1;
  if (b)
    b += own_column(k, j, f->b_scales);
  float factor = left * (b ? *b : 1) / y_scale;
  for (int64_t i = 0; i < MAAS_NR; i++)
    c->factor[i] = factor;
  if (f->b_scales > 1)
    divide_columns(b, left, y_scale, c->width, c->factor);
  if (bias)
    divide_columns(bias + k->bias + j, 1, y_scale, c->width, c->bias);
  else
    memset(c->bias, 0, sizeof c->bias);
  load_bounds(k, y_scale, c);
  if (f->y_type == MAAS_ELEMENT_F32)
    return;
  load_more(k, j, y_scale, c);
  c->is_small = is_small(c);
#ifdef MAAS_LANES
  c->packs_only = packs_only(c);
#endif
}

/// Row r's part of what is taken off a sum, and its scale.
typedef struct row_factors {
  vi zero, sum;
  vf scale;
} row_factors;

static inline row_factors factors_of(const maas_s8_block *k, const panel_columns *c, int64_t r) {
  const float *scales = k->operands[MAAS_S8_A_SCALE];
  row_factors found = {.zero = vi_set(0), .sum = vi_set(0), .scale = v_set(1)};
  if (c->has_row_zeros)
    found.zero = vi_set(maas_s8_a_zero(k->finish, k->operands, k->row + r));
  if (c->has_zeros)
    found.sum = vi_set(k->a_sums[r]);
  if (c->has_row_scales)
    found.scale = v_set(scales[(k->row + r) % k->finish->a_scales]);
  return found;
}

/// `plain`: rows have nothing of their own.
MAAS_INLINE vi whole_sum(const bool plain, const panel_columns *c, const row_factors *row,
                         const int32_t *sums, int64_t j) {
  vi sum = vi_load(sums + j);
  if (!plain && c->has_row_zeros)
    sum = vi_sub(sum, vi_mul(row->zero, vi_load(c->spread + j)));
  if (!plain && c->has_zeros)
    sum = vi_sub(sum, vi_mul(row->sum, vi_load(c->zeros + j)));
  return sum;
}

MAAS_INLINE vf scaled_sum(const bool plain, const panel_columns *c, const row_factors *row,
                          const int32_t *sums, int64_t j) {
  vf x = v_mul(vi_to_float(whole_sum(plain, c, row, sums, j)), v_load(c->factor + j));
  if (!plain && c->has_row_scales)
    x = v_mul(x, row->scale);
  return v_add(x, v_load(c->bias + j));
}

static void finish_integers(const panel_columns *c, const row_factors *row, const int32_t *sums, int32_t *y) {
  int64_t j = 0;
  for (; j + V_WIDTH <= c->width; j += V_WIDTH)
    vi_store(y + j, whole_sum(false, c, row, sums, j));
  if (j < c->width) {
    int32_t rest[V_WIDTH];
    vi_store(rest, whole_sum(false, c, row, sums, j));
    memcpy(y + j, rest, (size_t)(c->width - j) * sizeof(int32_t));
  }
}

/// NaN stays what it is.
MAAS_INLINE void finish_floats(const bool plain, const panel_columns *c, const row_factors *row,
                               const int32_t *sums, const float *residual, float *y) {
  vf low = v_set(c->low), high = v_set(c->high);
  int64_t j = 0;
  for (; j + V_WIDTH <= c->width; j += V_WIDTH) {
    vf x = scaled_sum(plain, c, row, sums, j);
    if (!plain && residual)
      x = v_add(x, v_load(residual + j));
    v_store(y + j, v_min(high, v_max(low, x)));
  }
  if (j < c->width) {
    vf x = scaled_sum(plain, c, row, sums, j);
    if (!plain && residual)
      x = v_add(x, v_load_tail(residual + j, c->width - j));
    v_store_tail(y + j, v_min(high, v_max(low, x)), c->width - j);
  }
}

/// NaN becomes the lower bound.
MAAS_INLINE vi held_byte(const byte_bounds *bounds, vf x) {
  vf held = v_min(v_max(x, bounds->low), bounds->high);
  return vi_add(v_to_int(held), bounds->zero);
}

/// Of a row that has nothing of its own.
MAAS_INLINE vf plain_float(const panel_columns *c, vi sum, int64_t j) {
  return v_fma(vi_to_float(sum), v_load(c->factor + j), v_load(c->bias + j));
}

/// Bytes may alias anything: what is computed of a whole row is stored afterwards.
MAAS_INLINE void store_bytes(const int nv, const bool held, const panel_columns *c, const byte_bounds *bounds,
                             const vf *x, uint8_t *y) {
#ifdef V_PACKS_BYTES
  if (nv > 1) {
    const vf four[] = {x[0], x[1 % nv], x[2 % nv], x[3 % nv]};
    v_store_bytes(held, y, four, &bounds->packed, c->width);
    return;
  }
#else
  (void)held;
#endif
  vi bytes[MAAS_NV];
  MAAS_EACH (v, nv)
    bytes[v] = held_byte(bounds, x[v]);
  MAAS_EACH (v, nv) {
    int64_t left = c->width - v * V_WIDTH;
    if (left >= V_WIDTH)
      vi_store_bytes(y + v * V_WIDTH, bytes[v]);
    else if (left > 0)
      vi_store_bytes_tail(y + v * V_WIDTH, bytes[v], left);
  }
}

MAAS_INLINE void store_plain_bytes(const int nv, const bool held, const panel_columns *c, const vi *sums,
                                   uint8_t *y) {
  vf x[MAAS_NV];
  MAAS_EACH (v, nv)
    x[v] = plain_float(c, sums[v], v * V_WIDTH);
  store_bytes(nv, held, c, &c->bounds, x, y);
}

/// x of a row becomes its bytes and the columns' numbers, as numbers of the scale that these have.
MAAS_INLINE void add_columns(const panel_columns *c, vf *x) {
  MAAS_EACH (v, MAAS_NV) {
    vf own = vi_to_float(held_byte(&c->bounds, x[v]));
    x[v] = v_fma(own, v_set(c->more_factor), v_load(c->more + v * V_WIDTH));
  }
}

MAAS_INLINE void finish_bytes(const bool plain, const panel_columns *c, const row_factors *row,
                              const int32_t *sums, uint8_t *y) {
  vf x[MAAS_NV];
  MAAS_EACH (v, MAAS_NV)
    x[v] = plain ? plain_float(c, vi_load(sums + v * V_WIDTH), v * V_WIDTH)
                 : scaled_sum(plain, c, row, sums, v * V_WIDTH);
  bool more = !plain && c->adds_more;
  if (more)
    add_columns(c, x);
  store_bytes(MAAS_NV, true, c, more ? &c->total_bounds : &c->bounds, x, y);
}

/// Whether an activation is more than bounds.
static inline bool has_function(const maas_f32_activation *activation) {
  return activation->op > MAAS_UNARY_RELU && activation->op != MAAS_UNARY_CLIP;
}

static void activate(const maas_f32_activation *function, float *y, int64_t n) {
  if (has_function(function))
    MAAS_UNARY_ROWS[function->op](y, y, n, function->alpha, function->beta);
}

MAAS_INLINE void finish_rows(const bool plain, const maas_s8_block *k, const panel_columns *c, int64_t r,
                             int64_t count, int64_t j, const int32_t *sums) {
  const maas_s8_finish *f = k->finish;
  const float *residual = k->operands[MAAS_S8_RESIDUAL];
  int64_t at = k->y + r * k->y_row + j;
  row_factors row = {0};
  for (int64_t i = 0; i < count; i++, sums += MAAS_NR, at += k->y_row) {
    if (!plain)
      row = factors_of(k, c, r + i);
    float *y = (float *)k->operands[MAAS_S8_Y] + at;
    if (f->y_type == MAAS_ELEMENT_S32) {
      finish_integers(c, &row, sums, (int32_t *)k->operands[MAAS_S8_Y] + at);
    } else if (f->y_type == MAAS_ELEMENT_F32) {
      finish_floats(plain, c, &row, sums, residual ? residual + at : NULL, y);
      activate(&f->activation, y, c->width);
    } else {
      finish_bytes(plain, c, &row, sums, (uint8_t *)k->operands[MAAS_S8_Y] + at);
    }
  }
}

static __attribute__((noinline)) void finish_plain_rows(const maas_s8_block *k, const panel_columns *c,
                                                        int64_t r, int64_t count, int64_t j,
                                                        const int32_t *sums) {
  finish_rows(true, k, c, r, count, j, sums);
}
static __attribute__((noinline)) void finish_other_rows(const maas_s8_block *k, const panel_columns *c,
                                                        int64_t r, int64_t count, int64_t j,
                                                        const int32_t *sums) {
  finish_rows(false, k, c, r, count, j, sums);
}

typedef void finish_function(const maas_s8_block *k, const panel_columns *c, int64_t r, int64_t count,
                             int64_t j, const int32_t *sums);

static void finish_some(const maas_s8_block *k, const panel_columns *c, int64_t r, int64_t count, int64_t j,
                        const int32_t *sums) {
  (c->is_plain ? finish_plain_rows : finish_other_rows)(k, c, r, count, j, sums);
}
