/// Rows of bytes times panels of bytes for one instruction set: MAAS_MR rows x MAAS_NV vectors of int32 in registers
/// over all of k, then from the first-level cache to Y. A lane holds a column; one step multiplies four neighbours along
/// k and adds them.
#include "../row.h"
#include "left.h"

#define MAAS_NR (MAAS_NV * V_WIDTH)
#define MAAS_S8_SHARED(op) MAAS_JOIN3_EXPANDED(maas_s8_, op, MAAS_ISA_SUFFIX)
#define MAAS_EACH(i, count) _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++)
#define MAAS_INLINE static inline __attribute__((always_inline))
#ifndef MAAS_UNARY_ROWS
#define MAAS_UNARY_ROWS MAAS_F32_SHARED(unary_rows)
#endif

static inline int32_t load_word(const uint8_t *p) {
  int32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/// acc[mr, nv] = `base` and the products of `quads` groups of four along k.
MAAS_INLINE void multiply(const int mr, const int nv, int64_t quads, const uint8_t *a, int64_t a_row,
                          const uint8_t *b, const int32_t *base, vi acc[][MAAS_NV]) {
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      acc[i][v] = vi_load(base + v * V_WIDTH);
  for (int64_t q = 0; q < quads; q++, b += 4 * MAAS_NR, a += 4) {
    vi panel[MAAS_NV];
    MAAS_EACH (v, nv)
      panel[v] = vi_load((const int32_t *)(const void *)b + v * V_WIDTH);
    MAAS_EACH (i, mr) {
      vi row = vi_set(load_word(a + i * a_row));
      MAAS_EACH (v, nv)
        acc[i][v] = vi_dot_quads(acc[i][v], row, panel[v]);
    }
  }
}

MAAS_INLINE void multiply_to(const int mr, const int nv, int64_t quads, const uint8_t *a, int64_t a_row,
                             const uint8_t *b, const int32_t *base, int32_t *sums) {
  vi acc[MAAS_MR][MAAS_NV];
  multiply(mr, nv, quads, a, a_row, b, base, acc);
  MAAS_EACH (i, mr)
    MAAS_EACH (v, nv)
      vi_store(sums + i * MAAS_NR + v * V_WIDTH, acc[i][v]);
}

typedef void micro_kernel(int64_t quads, const uint8_t *a, int64_t a_row, const uint8_t *b,
                          const int32_t *base, int32_t *sums);

#define MICRO_NAME(mr, nv) multiply_##mr##_##nv
#define MICRO(mr, nv)                                                                                        \
  static __attribute__((noinline)) void MICRO_NAME(mr, nv)(int64_t quads, const uint8_t *a, int64_t a_row,   \
                                                           const uint8_t *b, const int32_t *base,            \
                                                           int32_t *sums) {                                  \
    multiply_to(mr, nv, quads, a, a_row, b, base, sums);                                                     \
  }
#if MAAS_NV > 2
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2) MICRO(mr, 4)
#define MICRO_ROW(mr)                                                                                        \
  { MICRO_NAME(mr, 1), MICRO_NAME(mr, 2), MICRO_NAME(mr, 4) }
#else
#define MICROS(mr) MICRO(mr, 1) MICRO(mr, 2)
#define MICRO_ROW(mr)                                                                                        \
  { MICRO_NAME(mr, 1), MICRO_NAME(mr, 2), MICRO_NAME(mr, 2) }
#endif
MICROS(1)
MICROS(2)
#if MAAS_MR > 2
MICROS(3)
MICROS(4)
#endif
#if MAAS_MR > 4
MICROS(5)
MICROS(6)
#endif

/// For 1 ... MAAS_MR rows, and for one vector, two or all.
static micro_kernel *const micro_kernels[MAAS_MR][3] = {
    MICRO_ROW(1), MICRO_ROW(2),
#if MAAS_MR > 2
    MICRO_ROW(3), MICRO_ROW(4),
#endif
#if MAAS_MR > 4
    MICRO_ROW(5), MICRO_ROW(6),
#endif
};

/// What the columns of a panel have in common for all rows.
typedef struct panel_columns {
  int32_t base[MAAS_NR];   ///< What every sum begins with.
  int32_t spread[MAAS_NR]; ///< What a row's zero point counts for.
  int32_t zeros[MAAS_NR];  ///< What a row's sum counts for.
  float factor[MAAS_NR], bias[MAAS_NR];
  int64_t width;
  float low, high; ///< Of the activation and, for bytes, of y's type less its zero point.
  int32_t y_zero;
  bool has_zeros, has_row_zeros, has_row_scales;
} panel_columns;

/// Where what B's columns have begins for column j: the numbers of a matrix stand together.
static inline int64_t own_column(const maas_s8_block *k, int64_t j, int64_t count) {
  return count > 1 ? (k->column + j) % count : 0;
}

static void load_zeros(const maas_s8_block *k, int64_t j, panel_columns *c) {
  const maas_s8_finish *f = k->finish;
  int64_t step = f->b_zeros > 1, from = own_column(k, j, f->b_zeros);
  for (int64_t i = 0; i < c->width; i++)
    c->zeros[i] = maas_byte_at(k->operands[MAAS_S8_B_ZERO], from + i * step, f->b_is_signed);
}

/// The products and sums of int32 wrap.
static void load_integers(const maas_s8_block *k, int64_t j, const int32_t *sums, panel_columns *c) {
  const maas_s8_finish *f = k->finish;
  const int32_t *bias = f->bias_is_integer ? k->operands[MAAS_S8_BIAS] : NULL;
  c->has_zeros = k->a_sums != NULL;
  c->has_row_zeros = f->a_zeros > 1;
  uint32_t a_zero = c->has_row_zeros ? 0 : (uint32_t)maas_s8_a_zero(f, k->operands, 0);
  for (int64_t i = 0; i < c->width; i++)
    c->zeros[i] = c->has_zeros ? f->b_zero : 0;
  if (f->b_zeros)
    load_zeros(k, j, c);
  int32_t shift = c->has_zeros && !f->b_is_signed ? -128 : 0;
  for (int64_t i = 0; i < c->width; i++) {
    uint32_t zero = (uint32_t)(c->zeros[i] + shift);
    uint32_t spread = (uint32_t)sums[i] - (uint32_t)k->k * zero;
    c->zeros[i] = (int32_t)zero;
    c->spread[i] = (int32_t)spread;
    c->base[i] = (int32_t)((bias ? (uint32_t)bias[k->bias + j + i] : 0) - a_zero * spread);
  }
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
  c->y_zero = zero ? maas_byte_at(zero, 0, is_signed) : 0;
  float low = (float)((is_signed ? -128 : 0) - c->y_zero), high = low + 255;
  c->low = c->low < low ? low : c->low > high ? high : c->low;
  c->high = c->high < high ? c->high : high;
}

static void divide_row(const float *restrict x, float factor, float divisor, int64_t n, float *restrict y) {
  for (int64_t i = 0; i < n; i++)
    y[i] = factor * x[i] / divisor;
}

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
  if (f->b_scales > 1)
    divide_row(b, left, y_scale, c->width, c->factor);
  for (int64_t i = 0; f->b_scales <= 1 && i < c->width; i++)
    c->factor[i] = left * (b ? *b : 1) / y_scale;
  if (bias)
    divide_row(bias + k->bias + j, 1, y_scale, c->width, c->bias);
  else
    memset(c->bias, 0, sizeof c->bias);
  load_bounds(k, y_scale, c);
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

/// What bytes are held between before they are rounded, and moved by afterwards.
typedef struct byte_bounds {
  vf low, high;
  vi zero;
} byte_bounds;

static byte_bounds bounds_of(const panel_columns *c) {
  return (byte_bounds){v_set(c->low), v_set(c->high), vi_set(c->y_zero)};
}

/// NaN becomes the lower bound.
MAAS_INLINE vi held_byte(const byte_bounds *bounds, vf x) {
  vf held = v_min(v_max(x, bounds->low), bounds->high);
  return vi_add(v_to_int(held), bounds->zero);
}

/// Of a row that has nothing of its own.
MAAS_INLINE vi plain_byte(const panel_columns *c, const byte_bounds *bounds, vi sum, int64_t j) {
  return held_byte(bounds, v_fma(vi_to_float(sum), v_load(c->factor + j), v_load(c->bias + j)));
}

MAAS_INLINE vi whole_byte(const bool plain, const panel_columns *c, const row_factors *row,
                          const byte_bounds *bounds, const int32_t *sums, int64_t j) {
  return plain ? plain_byte(c, bounds, vi_load(sums + j), j)
               : held_byte(bounds, scaled_sum(plain, c, row, sums, j));
}

/// MAAS_MR rows of bytes that have nothing of their own leave the registers finished.
MAAS_INLINE void multiply_to_bytes(const int nv, int64_t quads, const uint8_t *a, int64_t a_row,
                                   const uint8_t *b, const panel_columns *c, uint8_t *y, int64_t y_row) {
  vi acc[MAAS_MR][MAAS_NV];
  multiply(MAAS_MR, nv, quads, a, a_row, b, c->base, acc);
  byte_bounds bounds = bounds_of(c);
  MAAS_EACH (i, MAAS_MR)
    MAAS_EACH (v, nv) {
      uint8_t *to = y + i * y_row + v * V_WIDTH;
      vi bytes = plain_byte(c, &bounds, acc[i][v], v * V_WIDTH);
      int64_t left = c->width - v * V_WIDTH;
      if (left >= V_WIDTH)
        vi_store_bytes(to, bytes);
      else if (left > 0)
        vi_store_bytes_tail(to, bytes, left);
    }
}

typedef void bytes_kernel(int64_t quads, const uint8_t *a, int64_t a_row, const uint8_t *b,
                          const panel_columns *c, uint8_t *y, int64_t y_row);

#define BYTES_KERNEL(name, nv)                                                                               \
  static __attribute__((noinline)) void name(int64_t quads, const uint8_t *a, int64_t a_row,                 \
                                             const uint8_t *b, const panel_columns *c, uint8_t *y,           \
                                             int64_t y_row) {                                                \
    multiply_to_bytes(nv, quads, a, a_row, b, c, y, y_row);                                                  \
  }
BYTES_KERNEL(bytes_of_one, 1)
BYTES_KERNEL(bytes_of_two, 2)
BYTES_KERNEL(bytes_of_all, MAAS_NV)

/// For one vector, two or all.
static bytes_kernel *const bytes_kernels[] = {bytes_of_one, bytes_of_two, bytes_of_all};

/// Bytes may alias anything: what is computed of a whole row is stored afterwards.
MAAS_INLINE void finish_bytes(const bool plain, const panel_columns *c, const row_factors *row,
                              const int32_t *sums, uint8_t *y) {
  byte_bounds bounds = bounds_of(c);
  int64_t width = c->width, j = 0;
  if (width == MAAS_NR) {
    vi bytes[MAAS_NV];
    MAAS_EACH (v, MAAS_NV)
      bytes[v] = whole_byte(plain, c, row, &bounds, sums, v * V_WIDTH);
    MAAS_EACH (v, MAAS_NV)
      vi_store_bytes(y + v * V_WIDTH, bytes[v]);
    return;
  }
  for (; j + V_WIDTH <= width; j += V_WIDTH)
    vi_store_bytes(y + j, whole_byte(plain, c, row, &bounds, sums, j));
  if (j < width)
    vi_store_bytes_tail(y + j, whole_byte(plain, c, row, &bounds, sums, j), width - j);
}

/// The activations that are no bounds.
static void activate(const maas_f32_activation *function, float *y, int64_t n) {
  if (function->op > MAAS_UNARY_RELU && function->op != MAAS_UNARY_CLIP)
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

static void multiply_panel(const maas_s8_block *k, int64_t j, const uint8_t *b) {
  int64_t quads = maas_ceil_div(k->k, 4);
  panel_columns c = {.width = maas_min64(MAAS_NR, k->columns - j)};
  int32_t sums[MAAS_MR * MAAS_NR];
  int kernel = c.width <= V_WIDTH ? 0 : c.width <= 2 * V_WIDTH ? 1 : 2;
  load_integers(k, j, (const int32_t *)(const void *)(b + quads * 4 * MAAS_NR), &c);
  if (k->finish->y_type != MAAS_ELEMENT_S32)
    load_floats(k, j, &c);
  bool is_plain = !c.has_zeros && !c.has_row_zeros && !c.has_row_scales && !k->operands[MAAS_S8_RESIDUAL] &&
                  k->finish->y_type != MAAS_ELEMENT_S32;
  bool to_bytes = is_plain && k->finish->y_type != MAAS_ELEMENT_F32;
  uint8_t *y = (uint8_t *)k->operands[MAAS_S8_Y] + k->y + j;
  for (int64_t r = 0; r < k->rows; r += MAAS_MR) {
    int64_t rows = maas_min64(MAAS_MR, k->rows - r);
    const uint8_t *a = k->a + r * k->a_row;
    if (to_bytes && rows == MAAS_MR) {
      bytes_kernels[kernel](quads, a, k->a_row, b, &c, y + r * k->y_row, k->y_row);
      continue;
    }
    micro_kernels[rows - 1][kernel](quads, a, k->a_row, b, c.base, sums);
    (is_plain ? finish_plain_rows : finish_other_rows)(k, &c, r, rows, j, sums);
  }
}

void MAAS_S8_SHARED(block)(const maas_s8_block *block) {
  const uint8_t *b = block->b;
  for (int64_t j = 0; j < block->columns; j += MAAS_NR, b += maas_s8_panel(block->k, MAAS_NR))
    multiply_panel(block, j, b);
}

#include "../qconv/depthwise.h"
